"""The evidence of one answer as a page for people."""
