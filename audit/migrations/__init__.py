"""The ledger's schema, step by step: what makes a new ledger, and what brings an old one up to date.

Each step is a file of `versions/` that says everything itself and never changes once it was released. A step may add
tables, columns, indexes, triggers and functions; none touches a record. Each does nothing where its work is done, so
that ledgers from before there were steps take the same road, and a database's owner may run the printed SQL twice.
"""
