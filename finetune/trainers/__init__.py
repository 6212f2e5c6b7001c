"""Trainers turn a dataset of chat records into a model; each imports its framework only when it runs.

Open `lora.py` first: it trains on the batches of `batches.py` and the model of `lora_model.py`, and `gguf_adapter.py`
writes what llama.cpp serves. `parity.py` checks that the served adapter says what the trainer's model says,
`examine.py` how often it is right while it trains, `run_report.py` tells how it came to be.
"""
