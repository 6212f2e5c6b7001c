"""The parts of `bench.ledger` and `bench.crash`: databases to write to, rates, and a ledger of a million records."""
