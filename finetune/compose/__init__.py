"""Compositions: questions that the semantic layer can be asked, drawn at random, each with its query and its words.

Open `compositions.py` first: it draws a kind of question and compiles it. The kinds are in `metrics.py`, `periods.py`
and `tables.py` (numbers), `records.py`, `lists.py` and `conditions.py` (rows); `words.py` and `entities.py` are what
they share.
"""
