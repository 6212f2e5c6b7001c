"""The health check of a workspace: what is wrong before a question finds out. Open `examine.py` first."""
