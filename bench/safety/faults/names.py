"""How people and models get a name wrong: slips of the keyboard, another style, fewer words, more words, synonyms."""

from __future__ import annotations

import random
import re

__all__ = ["misnamed", "misspelt", "words_of"]

_NEXT_KEYS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuioposdfghjkllxcvbnmm", strict=True))
_SYNONYMS = {
    "price": "cost",
    "date": "day",
    "country": "nation",
    "name": "title",
    "quantity": "qty",
    "city": "town",
    "freight": "shipping",
    "company": "firm",
    "customer": "client",
    "customers": "clients",
    "order": "purchase",
    "orders": "purchases",
    "product": "item",
    "products": "items",
    "employee": "staff",
    "employees": "staff",
    "stock": "inventory",
    "phone": "telephone",
    "discount": "rebate",
    "category": "group",
    "region": "area",
}


def words_of(name: str) -> list[str]:
    """`UnitPrice`, `unit_price` → [Unit, Price]."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)


def misspelt(name: str, rng: random.Random) -> str:
    """One slip of the keyboard, not in the first letter."""
    if len(name) < 3:
        return name + name[-1]
    at = rng.randrange(1, len(name) - 1)
    kind = rng.choice(["dropped", "doubled", "swapped", "beside"])
    if kind == "dropped":
        return name[:at] + name[at + 1 :]
    if kind == "doubled":
        return name[:at] + name[at] + name[at:]
    if kind == "swapped":
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + _NEXT_KEYS.get(name[at].lower(), "e") + name[at + 1 :]


def misnamed(name: str, owner: str, rng: random.Random) -> str:
    """The name of a column or table as somebody remembers it. `owner` is the column's table, "" for a table."""
    words = words_of(name)
    ways = [misspelt(name, rng), misspelt(name, rng)]
    ways.append("_".join(words).lower() if "_" not in name else "".join(word.title() for word in words))
    ways.append(name[:-1] if name.endswith("s") else f"{name}s")
    if len(words) > 1:
        ways.append("".join(words[1:]) if rng.random() < 0.5 else "".join(words[:-1]))
    if owner:
        ways.append(words_of(owner)[-1].rstrip("s").title() + name)
    known = [index for index, word in enumerate(words) if word.lower() in _SYNONYMS]
    if known:
        at = rng.choice(known)
        renamed = [*words[:at], _SYNONYMS[words[at].lower()].title(), *words[at + 1 :]]
        ways.append("_".join(renamed).lower() if "_" in name else "".join(renamed))
    return rng.choice(ways)
