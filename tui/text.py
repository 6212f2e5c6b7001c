"""Text that is safe to put on a terminal, whoever wrote it.

Questions, model output, comments and cells come from outside. A terminal obeys control characters, so a row could
repaint the screen or set the clipboard; here every such character becomes its visible picture instead.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

__all__ = ["cell", "clipped", "is_number", "moment", "percent", "printable", "printable_lines", "seconds"]

_BIDI: Final = {code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}
_PICTURES: Final = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "␡"}
    | {code: f"⟨{code:02X}⟩" for code in range(0x80, 0xA0)}
    | _BIDI
)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def printable(value: object) -> str:
    """One line of text with every control and direction-changing character made visible."""
    return str(value).translate(_PICTURES)


def printable_lines(value: object) -> str:
    """Like `printable`, but line breaks stay and tabs become four spaces."""
    lines = str(value).replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(line.translate(_PICTURES) for line in lines)


def cell(value: object) -> str:
    """A result's cell as a person reads it: floats without binary noise, NULL said as such."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    return printable(value)


def is_number(value: object) -> bool:
    """Whether a cell belongs to the right edge of its column; decimals travel as strings."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)


def clipped(value: object, width: int) -> str:
    """One printable line of at most `width` characters, with an ellipsis where it was cut."""
    line = printable(" ".join(str(value).split()))
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"


def percent(share: float) -> str:
    """A share in 0..1 as whole percent."""
    return f"{share * 100:.0f} %"


def seconds(milliseconds: float) -> str:
    """A duration, as short as it can honestly be."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def moment(iso: str) -> str:
    """A record's time to the minute, in UTC as it was recorded; unreadable text is shown as it is."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return printable(iso)
