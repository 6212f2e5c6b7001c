"""The steps of a run, one file each: `node(state, services) -> dict` takes a `RunState` and gives the keys it changed.

A step that meets a bad question, a bad draft or a failing statement says so in `error`, `verdict` or `outcome`; it
raises only when the operator must act (`AffidavitError`). Timing, order and status are not its business: the graph
times and orders the steps, `clarify` and `answer` alone set the status. Each step tells what it did to
`services.record(kind, body, run_id)` before it gives anything back; `agent.recording` says when that is on disk.
"""
