"""Measuring that the guard lets nothing through that it should not, and everything that it should."""
