"""The rows of ``docs/terms/mechanics.md``: what each says to write, and which keys and words a case may then have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from detente.case.schema import schema
from detente.contract.clause_text import SELF
from detente.terms import KINDS, kind_named

PAGE = Path(__file__).parents[2] / "docs" / "terms" / "mechanics.md"
AROUND = ("Agreement", "GpuOffer", "ProvisionedOffer", "Horizon")
"""Beside a clause: what its agreement, an offer and the case's horizon may say."""


@dataclass(frozen=True)
class MechanicRow:
    """A mechanic of contracts, the kinds of clause that its row links to, and what it says to write."""

    mechanic: str
    kinds: tuple[str, ...]
    written: tuple[str, ...]

    @property
    def words(self) -> set[str]:
        """The keys that it writes, and the values that are words and no amounts."""
        return {word for text in self.written for word in _words(yaml.load(text, yaml.BaseLoader))}

    @property
    def allowed(self) -> set[str]:
        """The keys and the words that clauses of its kinds, and what stands around them, may have."""
        names = [kind_named(kind).__name__ for kind in self.kinds or KINDS]
        return set().union(*map(said_by, (*names, *AROUND)), KINDS, {SELF})


def rows() -> list[MechanicRow]:
    """Every row of the page that says what to write."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| ") else []
        if len(cells) == 2 and cells[0] not in ("mechanic", "---") and not cells[1].startswith("not there"):
            kinds = re.findall(r"\(([a-z-]+)\.md[)#]", cells[1])
            kept = tuple(kind for kind in dict.fromkeys(kinds) if kind in KINDS)
            found.append(MechanicRow(cells[0], kept, tuple(re.findall(r"`([^`]+)`", cells[1]))))
    return found


def _words(given: Any) -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            yield str(key)
            yield from _words(value)
    elif isinstance(given, list):
        for each in given:
            yield from _words(each)
    elif isinstance(given, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", given):
        yield given


@cache
def said_by(name: str) -> frozenset[str]:
    """The keys and the enumerated words of a definition of the schema, and of all that it holds."""
    known: set[str] = set()
    return frozenset(_said(_definitions()[name], known))


@cache
def _definitions() -> dict[str, Any]:
    found: dict[str, Any] = schema()["$defs"]
    return found


def _said(part: Any, known: set[str]) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _said(each, known)
    elif isinstance(part, dict):
        yield from part.get("properties", {})
        yield from (word for word in (*part.get("enum", ()), part.get("const")) if isinstance(word, str))
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if name and name not in known:
            known.add(name)
            yield from _said(_definitions()[name], known)
        for key, each in part.items():
            if key not in ("description", "examples", "enum", "required", "terms"):  # an agreement's: all kinds
                yield from _said(each, known)
