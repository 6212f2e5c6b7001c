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

from finetune.pairs.pair import Parameter
from finetune.phrasing.productions import PRODUCTIONS
from finetune.phrasing.vocabulary import is_plural

__all__ = ["Ask", "phrasings", "say_all"]

_SLOT = re.compile(r"\{(\w+)\}")
_A_SLOT = re.compile(r"\ba (\{(\w+)\})")
_BE = re.compile(r"( is| was|'s) (the \{(\w+)\})")
_ARE = {" is": " are", " was": " were", "'s": " are"}
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
    "i'm after {x}",
    "i'd like {x}",
    "what i need: {x}",
    "we need {x}",
    "send me {x}",
    "wanted: {x}",
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
    "good morning! ",
    "hello, ",
    "for the board: ",
    "for tomorrow's meeting: ",
    "one more question: ",
    "i was asked this today: ",
    "just to be sure: ",
    "out of curiosity, ",
    "can you help me with this: ",
    "we are preparing a review. ",
    "i have a meeting soon. ",
)
_CLOSERS = (", please", ", thanks", ". Thanks", ". Thank you", ". Many thanks in advance", ", if you can")
_WISHES = ("i need", "i want", "i'd like")
"""Orders that are no imperatives: "could you i need" is no English."""
_ASKING = ("can i", "could i", "could you", "can you", "would you", "hi, can you")
_TYPO_RATE = 0.04
_CLOSER_RATE = 0.05
_LOWER_RATE = 0.04


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
    text = _A_SLOT.sub(lambda m: m[1] if is_plural(slots.get(m[2], "")) else m[0], text)
    text = _BE.sub(lambda m: f"{_ARE[m[1]]} {m[2]}" if is_plural(slots.get(m[3], "")) else m[0], text)
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
    if draw > 0.93:
        front = rng.choice(_OPENERS) + front
    if mood == "?":
        ending = "?" if rng.random() < 0.85 else ""
    elif mood == "!":
        if draw < 0.22 and not front and not body.startswith(_WISHES):
            frame = rng.choice(_POLITE)
            body = frame.format(x=body)
            ending = "?" if frame.startswith(_ASKING) else ""
        elif rng.random() < 0.3:
            ending = "."
    elif draw < 0.4 and not front:
        frame = rng.choice(_WANTED)
        body = frame.format(x=body)
        ending = "?" if frame.startswith(_ASKING) else ""
    if ending != "?" and rng.random() < _CLOSER_RATE:
        ending = rng.choice(_CLOSERS)
    text = front + body
    if rng.random() < _TYPO_RATE:
        text = _typo(text, [p.surface for p in ask.parameters], rng)
    if rng.random() < _LOWER_RATE:
        return text.lower() + ending.lower()
    casual = rng.random() < (0.15 if mood == "?" else 0.4)
    return (text if casual else text[:1].upper() + text[1:]) + ending


def _typo(text: str, protected: Sequence[str], rng: random.Random) -> str:
    """One longer word that is not part of a value with two letters swapped, one left out, or one doubled."""
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
    words[place] = rng.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )
    return " ".join(words)
