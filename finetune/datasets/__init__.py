"""Datasets: pairs and vouched runs as what a trainer reads.

Open `build.py` first: it renders chat records with the grounding the agent would have retrieved. `splits.py` keeps
train, validation and test apart and proves it; `formats.py` writes the shapes that other trainers read.
"""
