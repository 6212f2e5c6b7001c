"""Where shards are made: in this process, in a pool of processes beside it, or on a Dask cluster.

All three run the same function, so the pairs are the same. A cluster's workers open the warehouse by its URL: they
must reach it, and have Affidavit installed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from agent.errors import ErrorClass, FailedError, UsageError
from finetune.pairs.shards import Job, Shard, make_shard, open_bench, shard_of, shut

__all__ = ["Pool", "open_pool"]

_CONNECT_S = 20


@dataclass(frozen=True)
class Pool:
    """Makes shards."""

    begin: Callable[[int], Callable[[], Shard]]
    """Start the shard of that number; what it gives waits for the shard."""
    ahead: int
    """How many shards may be under way beside the one waited for."""


@contextmanager
def open_pool(job: Job, workers: int, dask: str = "") -> Iterator[Pool]:
    """A pool for one job: a Dask cluster's when `dask` is its scheduler's address, else of `workers` processes.

    Raises:
        UsageError: Dask is not installed.
        FailedError: the scheduler does not answer.
    """
    if dask:
        with _on_cluster(job, dask) as pool:
            yield pool
    elif workers > 1:
        with _beside(job, workers) as pool:
            yield pool
    else:
        try:
            yield Pool(lambda number: lambda: shard_of(job, number), 0)
        finally:
            shut()


@contextmanager
def _beside(job: Job, workers: int) -> Iterator[Pool]:
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # a forked child would share the parent's open connections
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_work, initargs=(job,))
    try:
        yield Pool(lambda number: executor.submit(make_shard, number).result, 2 * workers)
    except BrokenProcessPool as error:
        message = "A worker ended before its work was done; it may have run out of memory."
        raise FailedError(ErrorClass.WORKSPACE, message, "Run it again with fewer --workers: it goes on.") from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin_work(job: Job) -> None:
    """In a worker: open the job's world, and leave Ctrl-C to the process that waits for us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open_bench(job)


@contextmanager
def _on_cluster(job: Job, address: str) -> Iterator[Pool]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        message = "A Dask cluster needs the Python package `distributed`, which is not installed."
        raise UsageError(ErrorClass.WORKSPACE, message, "Install it with `pip install 'affidavit[scale]'`.") from error
    if not address.rpartition(":")[2].isdigit():  # distributed would leave a client behind that fails once more
        message = f"`{address}` is not the address of a Dask scheduler."
        raise UsageError(ErrorClass.WORKSPACE, message, "Write it with its port, such as tcp://host:8786.")
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        message = f"The Dask scheduler at {address} does not answer: {error}."
        raise FailedError(ErrorClass.WORKSPACE, message, "Check the address, such as tcp://host:8786.") from error
    with client:
        shared = client.scatter(job, broadcast=True, hash=False)
        threads = max(1, sum(client.nthreads().values()))

        def begin(number: int) -> Callable[[], Shard]:
            future = client.submit(shard_of, shared, number, pure=False)
            result: Callable[[], Shard] = future.result
            return result

        yield Pool(begin, 2 * threads)
