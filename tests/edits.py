"""Edits that make hostile files of good ones: of trees that know their structure, and of bytes.

Owns: the edits. Not here: what is edited, and what must hold of it (``fuzz``, ``fuzz_books``).
"""

from __future__ import annotations

import random
from typing import Any

HIDES = "\x1b\x07\r\x9b\u200b\u200d\u2060\u202e\u2066\u00ad\u3164\ufe0f\u2028\U000e0062"
ALIKE = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "p": "\u0440", "c": "\uff43", "i": "\u0456", "x": "\u0445"}
ODD = ["", "~", "{}", "[]", "0", "-1", "1__0", "007", "00012%", "1e400", "240 cents", "\u22125 USD", "9" * 300, "=1+1"]
ODD += ["1_0", "2026-02-30", "x" * 5000, "*x", "&x 1", "!!int 1", "<<", "\\e[2J", "null", "provider", "self", "1,000"]

Steps = tuple[Any, ...]


def paths(value: Any, at: Steps = ()) -> list[Steps]:
    """The path of every value in a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in paths(item, (*at, key)))]


def holder(tree: Any, path: Steps) -> Any:
    """What holds the value at a path."""
    for step in path[:-1]:
        tree = tree[step]
    return tree


def edit(chance: random.Random, tree: Any, under: Steps = ()) -> None:
    """One edit somewhere in a tree, or under a path of it."""
    path = chance.choice([path for path in paths(tree)[1:] if path[: len(under)] == under])
    inside, key = holder(tree, path), path[-1]
    value = inside[key]
    how = chance.choice(["hide", "alike", "odd", "drop", "double", "key", "many", "nest", "other"])
    if how in ("hide", "alike", "odd"):
        inside[key] = misspelt(chance, str(value), how)
    elif how == "drop":
        del inside[key]
    elif how == "double" and isinstance(inside, list):
        inside.append(value)
    elif how == "key" and isinstance(inside, dict):
        inside[chance.choice([key.replace("-", "_"), key.upper(), f"{key}\u200b", chance.choice(ODD)])] = inside.pop(
            key
        )
    elif how == "many":
        inside[key] = [value] * chance.choice([0, 2, 300])
    elif how == "nest":
        for _ in range(chance.choice([1, 30, 80])):
            inside[key] = value = {"value": value}
    else:
        inside[key] = chance.choice([None, True, 0, 1.5, 10**30, [], {}, [[]], "x"])


def misspelt(chance: random.Random, text: str, how: str) -> str:
    """A text that is odd, hides a character, or has letters that look like others."""
    if how == "odd":
        return chance.choice(ODD)
    at = chance.randint(0, len(text))
    if how == "hide":
        return text[:at] + chance.choice(HIDES) + text[at:]
    return text[:at] + "".join(ALIKE.get(letter, letter) for letter in text[at:])


def edit_bytes(chance: random.Random, data: bytes) -> bytes:
    """Some bytes taken out, put in, doubled or changed."""
    for _ in range(chance.randint(1, 4)):
        a = chance.randint(0, len(data))
        b = min(len(data), a + chance.choice([0, 1, 1, 3, 40, 400]))
        new = chance.choice([b"", b"\0", chance.randbytes(chance.randint(1, 8)), data[a:b] * 2, b"\t", b"\xff", b": "])
        data = data[:a] + new + data[b:]
    return data
