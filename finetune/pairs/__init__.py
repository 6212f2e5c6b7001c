"""Pairs: one question and the SQL that answers it, made from a seed, judged, and kept with their lineage.

Open `factory.py` first: it runs the shards (`shards.py`), wherever they are made (`pools.py`), and puts what they give
through the gate (`quality.py`). `judgement.py` says of a statement whether it holds, on the warehouse, on copies with
other rows (`variants.py`) and against small wrong changes (`mutants.py`). `pair.py` is the value all of it is about,
`templates.py` reads the questions a workspace wrote by hand, `parquet.py` hands pairs to data frames.
"""
