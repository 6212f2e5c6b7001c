"""A complete workspace to try everything on: a seeded warehouse, its metrics, policy and baseline questions."""
