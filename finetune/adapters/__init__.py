"""Adapters: which ones a workspace knows, where each came from, and which one is served.

Open `registry.py` first: register, promote, roll back. `cards.py` is the file that travels beside an adapter;
`adapter_file.py` says of a file whether it is a LoRA adapter that fits the base model.
"""
