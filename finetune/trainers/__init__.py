"""Trainers turn a dataset of chat records into a model; each imports its framework only when it runs."""
