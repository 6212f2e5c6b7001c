"""A real llama.cpp server inside this process, so that the default model needs no service, key or network.

It listens on loopback only, on a port the system picks, behind a random API key that never leaves the process,
and lives and dies with it: there is no child process to leave behind after a crash.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from agent.errors import ErrorClass, FailedError
from agent.model.store import check_gguf

__all__ = ["EmbeddedServer", "usable_cores"]

PARALLEL_DRAFTS = 4
"""Drafts decoded in one batch; four cost little more time than one on two cores."""
_MAX_THREADS = 8
_PROMPT_CACHE_MIB = 256
_QUIET = 0
_SPIN_COUNT = "GOMP_SPINCOUNT"
_SHORT_SPIN = "3000"


class EmbeddedServer:
    """A running llama.cpp server: `base_url` and `api_key` are what an OpenAI client needs.

    Raises:
        FailedError: a file is no GGUF or does not load (`model_corrupt`), or llama.cpp is not there (`model_other`).
    """

    def __init__(self, model: Path, adapter: Path | None = None, *, threads: int = 0, context_tokens: int = 4096):
        check_gguf(model)
        if adapter is not None:
            check_gguf(adapter)
        self.api_key = secrets.token_urlsafe(32)
        self._server: Any = _start(_parameters(model, adapter, threads, context_tokens, self.api_key), model, adapter)
        self.base_url = f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """Stop listening and free the model (about 0.1 s); stopping twice is allowed."""
        self._server = None  # its destructor joins the server's threads

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def usable_cores() -> int:
    """Physical cores this process may use: no more than its affinity mask and its container's CPU quota allow.

    More threads than cores make llama.cpp slower, because every layer waits for the last of them.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _physical_cores() or allowed, _container_quota() or allowed))


def _parameters(model: Path, adapter: Path | None, threads: int, context_tokens: int, api_key: str) -> Any:
    xllamacpp = _library()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.model_alias = {model.stem}  # or else the server tells everyone the file's path
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [api_key]
    parameters.cors_origins = "http://127.0.0.1"
    parameters.cors_methods = "POST"
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = _QUIET
    parameters.offline = True
    parameters.n_ctx = context_tokens
    parameters.n_parallel = PARALLEL_DRAFTS
    parameters.kv_unified = True  # the drafts of one question share its prompt's cells
    parameters.cache_prompt = True
    parameters.cache_ram_mib = _PROMPT_CACHE_MIB
    parameters.warmup = False  # the first question warms it; a cold `ask` must not pay twice
    parameters.n_gpu_layers = 0
    count = threads or min(usable_cores(), _MAX_THREADS)
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = count
        pool.poll = 0  # sleep, not spin, between batches: others use the machine too
    if adapter is not None:
        parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    return parameters


def _start(parameters: Any, model: Path, adapter: Path | None) -> Any:
    try:
        return _library().Server(parameters)
    except RuntimeError as error:
        with_adapter = f" with adapter {adapter}" if adapter is not None else ""
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"llama.cpp cannot load {model}{with_adapter}.",
            "The file is damaged, the adapter belongs to another base model, or memory is short. "
            "`affidavit models list` shows what is registered; deleting a cached base model fetches it again.",
        ) from error


def _library() -> Any:
    try:
        with _short_spinning():
            import xllamacpp
    except ImportError as error:
        raise FailedError(
            ErrorClass.MODEL_OTHER,
            f"The embedded model's runtime cannot be loaded: {error}.",
            "On a bare Linux image install libgomp1; elsewhere install affidavit again on a supported platform, "
            "or set model.provider to a hosted model.",
        ) from error
    return xllamacpp


@contextmanager
def _short_spinning() -> Iterator[None]:
    """Have OpenMP's threads spin briefly at their barriers and then sleep; read once, when the library is loaded.

    A barrier of this small model is over in microseconds, so never spinning is ruinous: 110 tokens took 8.0 s instead
    of 1.7 s on two idle cores. Spinning for milliseconds, the default, is ruinous on busy ones, where the spinning
    thread keeps the one it waits for from running. Some 3,000 rounds are as fast as the default on idle cores.
    """
    if _SPIN_COUNT in os.environ:
        yield
        return
    os.environ[_SPIN_COUNT] = _SHORT_SPIN
    try:
        yield
    finally:
        os.environ.pop(_SPIN_COUNT, None)


def _physical_cores() -> int:
    """Physical cores of the machine, or 0 when the system does not say."""
    if sys.platform == "darwin":
        said = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "hw.physicalcpu"], capture_output=True, text=True, check=False
        ).stdout
        return int(said) if said.strip().isdigit() else 0
    try:
        blocks = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")
    except OSError:
        return 0
    cores = set()
    for block in blocks:
        facts = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        place = tuple(value.strip() for key, value in facts.items() if key.strip() in {"physical id", "core id"})
        if place:
            cores.add(place)
    return len(cores)


def _container_quota() -> int:
    """Whole CPUs that a cgroup v2 quota allows, or 0 when there is no quota."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return 0
    return 0 if quota == "max" else max(1, int(quota) // int(period))
