"""What holds for every test: an interrupt interrupts, however the tests were started."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Have SIGINT end a child process, as on a terminal.

    A shell that starts the tests in the background has them ignore SIGINT, and their children with them; then a test
    that presses Ctrl-C would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
