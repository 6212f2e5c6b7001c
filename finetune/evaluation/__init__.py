"""Evaluation: how often the agent is right on questions whose right answer is known, and when it knows that it is.

Open `workspace.py` first: it evaluates an opened workspace. `pack.py` reads the questions, `evaluate.py` asks them,
`judging.py` holds each statement against its gold by the results (`matching.py`, `cells.py`), `attempts.py` is what
was found. `figures.py` makes the figures of it with the tests of `statistics.py`; `selective.py` and `calibration.py`
say what a confidence is worth. `predict.py` answers a file of questions for anyone who judges with another yardstick.
"""
