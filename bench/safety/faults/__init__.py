"""Broken drafts, made from correct ones, put through the whole agent: `python -m bench.safety.faults`."""
