"""Phrasing: one question said in many ways, without a model.

Open `grammar.py` first: it draws a sentence for a question's shape. The sentences are in `productions_*.py`, gathered
by `productions.py`; `vocabulary.py` has the words of a business, `periods.py` the ways people say when.
"""
