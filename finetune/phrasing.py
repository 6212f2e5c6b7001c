"""The phrasing grammar: one question, said in many ways, without a model.

A composition names the shapes (keys of `PRODUCTIONS`) that fit it and the words for each slot. A phrasing draws a
production, fills its slots, places filters and period, and puts the whole into a register: a plain question, an
instruction, a note, a polite or chatty request, and rarely a typo. What names a value is never altered.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from finetune.pairs import Parameter
from finetune.productions import PRODUCTIONS

__all__ = ["Ask", "phrasings", "say_all"]

_SLOT = re.compile(r"\{(\w+)\}")
_AN = re.compile(r"\ba (?=[aei]|o(?!ne))")
_POLITE = (
    "please {x}",
    "could you {x}",
    "can you {x}",
    "{x} please",
    "hi, can you {x}",
    "i'd like you to {x}",
    "would you {x}",
    "hey, {x}",
    "quickly {x}",
)
_WANTED = (
    "show me {x}",
    "give me {x}",
    "i need {x}",
    "i'd like to see {x}",
    "get me {x}",
    "can i have {x}",
    "could i see {x}",
    "{x} please",
    "let me see {x}",
    "pull up {x}",
    "i want {x}",
    "need {x}",
    "looking for {x}",
    "report: {x}",
)
_OPENERS = (
    "hey, ",
    "hi, ",
    "quick question: ",
    "tell me, ",
    "just wondering, ",
    "for my report: ",
    "one thing: ",
    "so ",
)
_ASKING = ("can i", "could i", "could you", "can you", "would you", "hi, can you")
_TYPO_RATE = 0.03


@dataclass(frozen=True)
class Ask:
    """What there is to say: the shapes that fit, words per slot, filter phrases, period phrases, values named."""

    shapes: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: tuple[tuple[str, ...], ...] = ()
    when: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    productions: tuple[str, ...] = ()
    """Further productions, beside those of the shapes."""

    def all_slots(self, production: str) -> bool:
        """Whether the words for every slot of a production are there."""
        return all(self.slots.get(name) or name == "tail" for name in _SLOT.findall(production))


def phrasings(ask: Ask, rng: random.Random, count: int) -> list[str]:
    """Up to `count` different questions for the ask, in the order drawn."""
    known = [p for shape in ask.shapes for p in PRODUCTIONS[shape]]
    choices = [p for p in (*known, *ask.productions) if ask.all_slots(p)]
    return [question for _, question in say_all(choices, ask, rng, count)]


def say_all(productions: Sequence[str], ask: Ask, rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Up to `count` different (production, question), drawing productions with replacement."""
    found: dict[str, tuple[str, str]] = {}
    for _ in range(count * 6):
        if len(found) >= count or not productions:
            break
        production = rng.choice(productions)
        question = _say(production, ask, rng)
        found.setdefault(question.lower(), (production, question))
    return list(found.values())


def _say(production: str, ask: Ask, rng: random.Random) -> str:
    mood, text = production[0], production[1:]
    slots = {name: rng.choice(options) for name, options in ask.slots.items() if options}
    core = _SLOT.sub(lambda m: slots.get(m[1], m[0]), text)
    where = [rng.choice(options) for options in ask.where]
    rng.shuffle(where)
    when = rng.choice(ask.when) if ask.when else ""
    front = ""
    if when and rng.random() < 0.2 and "{tail}" not in core:
        front, when = f"{when}, ", ""
    tail = [*where, when] if rng.random() < 0.8 else [when, *where]
    tail_text = " ".join(part for part in tail if part)
    body = core.replace("{tail}", tail_text) if "{tail}" in core else f"{core} {tail_text}"
    return _register(
        mood, front, _AN.sub("an ", " ".join(body.split()).replace(" ,", ",")).replace(" :", ":"), ask, rng
    )


def _register(mood: str, front: str, body: str, ask: Ask, rng: random.Random) -> str:
    ending = ""
    draw = rng.random()
    if mood == "?":
        if draw < 0.08:
            front = rng.choice(_OPENERS) + front
        ending = "?" if rng.random() < 0.85 else ""
    elif mood == "!":
        if draw < 0.22 and not front:
            frame = rng.choice(_POLITE)
            body = frame.format(x=body)
            ending = "?" if frame.startswith(_ASKING) else ""
        elif rng.random() < 0.3:
            ending = "."
    elif draw < 0.4 and not front:
        frame = rng.choice(_WANTED)
        body = frame.format(x=body)
        ending = "?" if frame.startswith(_ASKING) else ""
    text = front + body
    if rng.random() < _TYPO_RATE:
        text = _typo(text, [p.surface for p in ask.parameters], rng)
    casual = rng.random() < (0.15 if mood == "?" else 0.4)
    return (text if casual else text[:1].upper() + text[1:]) + ending


def _typo(text: str, protected: Sequence[str], rng: random.Random) -> str:
    """Two neighbouring letters swapped in one longer word that is not part of a value."""
    words = text.split(" ")
    safe = {part for surface in protected for part in surface.split(" ")}
    places = [
        i for i, word in enumerate(words) if len(word) > 5 and word.isalpha() and word.islower() and word not in safe
    ]
    if not places:
        return text
    place = rng.choice(places)
    word = words[place]
    at = rng.randrange(1, len(word) - 2)
    words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
