"""What holds for every test: interrupts interrupt, slow machines are no failure, templates are read once."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # time is measured by bench/, not by tests
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Have SIGINT end a child process, as on a terminal.

    A shell that starts the tests in the background has them ignore SIGINT, and their children with them; then a test
    that presses Ctrl-C would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def templates_are_read_once() -> Iterator[None]:
    """What the pair factory is given to read in this process, it is given as it was read the first time."""
    from fixtures_templates import load_once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finetune.pairs.factory.load_templates", load_once)
        yield
