"""The database being asked: connecting so that it can only be read, policy, dialect facts, error classes."""
