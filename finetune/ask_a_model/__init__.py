"""Pairs that a model makes: new questions from the workspace's ontology, and new phrasings of pairs there are.

Open `new_pairs.py` first, then `new_phrasings.py`. What the model is told is in `ontology.py` and `variety.py`; many
requests at a time, paid for once and within a budget, are in `ask_many.py` and `spending.py`. Whatever comes back goes
through the gate of `finetune.pairs.quality`.
"""
