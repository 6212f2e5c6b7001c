"""What each engine's EXPLAIN says of the work ahead, read into one tally; see `agent.warehouse.cost`."""
