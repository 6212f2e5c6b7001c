"""Reports: an evaluation or a training run written down for people and programs, charts included, without a script.

Open `report.py` first: a table for the terminal, JSON for machines, and the page that `page.py` renders. `rows.py` has
the words and cells that all forms share; `charts.py`, `confidence_charts.py` and `curves.py` draw SVG by hand.
"""
