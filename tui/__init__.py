"""Everything a person touches: the Textual app and the commands."""
