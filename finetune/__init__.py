"""From vouched runs to a better model, in the order in which it happens.

- `pairs/`: a question and its SQL: made, judged and kept. Start at `pairs/factory.py`.
- `compose/`: questions drawn from the semantic layer, each with the query behind it.
- `phrasing/`: the grammar that says one question in many ways.
- `ask_a_model/`: questions and phrasings that a model thinks of, within a budget.
- `datasets/`: pairs and vouched runs as what a trainer reads, in splits that are checked.
- `trainers/`: from a dataset to a LoRA adapter. Start at `trainers/lora.py`.
- `evaluation/`: how often the agent is right, and what its confidence is worth. Start at `evaluation/workspace.py`.
- `reports/`: an evaluation written down as text, JSON and one page with charts.
- `adapters/`: which adapters a workspace knows and which one it serves.
"""
