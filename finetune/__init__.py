"""From vouched runs to a better model: pairs, datasets, trainers, evaluation and the registry of adapters."""
