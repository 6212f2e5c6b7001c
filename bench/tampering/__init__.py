"""The parts of `bench.tamper`: small ledgers, somebody who forges them, and the ways of doing it."""
