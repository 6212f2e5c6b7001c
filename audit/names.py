"""Names that people are enrolled under must not be taken for each other: no word of one is of two scripts.

`admin` with a Cyrillic first letter reads as `admin` on every screen. A name may be of any script, and of several, each
word being of one (Unicode Technical Standard 39, "single script"; Japanese and Korean mix theirs by nature).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from audit.errors import IdentityError

__all__ = ["refuse_mixed_scripts"]

_TOGETHER: Final = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("CJK", "HANGUL")),
    frozenset(("CJK", "BOPOMOFO")),
)
"""Scripts that are written in one word."""


def refuse_mixed_scripts(name: str) -> None:
    """Refuse a name with a word that mixes scripts.

    Raises:
        IdentityError: which word, and of which scripts.
    """
    for word in unicodedata.normalize("NFKC", name).replace("-", " ").split():
        scripts = dict.fromkeys(_script_of(each) for each in word if _is_letter(each))
        if len(scripts) > 1 and not any(scripts.keys() <= together for together in _TOGETHER):
            found = " and ".join(each.capitalize() for each in scripts)
            raise IdentityError(
                f"The name {name!r} cannot be enrolled: its word {word!r} mixes letters of {found}, so it could be"
                " taken for another name.",
                "Write each word of the name in one script.",
            )


def _is_letter(character: str) -> bool:
    """Whether it belongs to a script; marks and modifiers such as ー go with every letter before them."""
    return unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")


def _script_of(letter: str) -> str:
    """The script, as the first word of the letter's name in the Unicode Character Database says it."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
