"""Words of a case that look alike and are not the same, such as `personal` and `personaI`: a clause covers one of them.

Owns: that note, of words that stand under keys of the same name. Not here: which characters a word may have at all, and
which letters look alike (``values.text``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from detente.case.case import Case
from detente.case.cut_texts import PROSE
from detente.case.document import YamlNode
from detente.errors import Mistake, Where
from detente.values.text import looks, phonetic, told_apart_by

KEYS = ""
"""Stands for the name under which all keys of mappings are compared: labels have names, too."""

ONE_NAME = {"models": "model", "accelerators": "accelerator", "regions": "region"}
"""Keys under which the same words stand as under others."""

NAMED_BY_KEYS = frozenset({"accelerators", "regions"})
"""Keys of mappings whose own keys are words of the case."""

MAX_ODD = 100
"""Words with phonetic letters that are looked up, of one key: each is held against all."""

ANEW = "if they are meant to be one word, type one of them anew; else call one of them otherwise"


@dataclass
class _Word:
    """Where a word first stands, and how often it does."""

    word: str
    where: Where
    times: int = 1


@dataclass
class _Words:
    """All words of a case by the name of their key."""

    found: dict[str, dict[str, _Word]] = field(default_factory=dict)

    def add(self, name: str, node: YamlNode) -> None:
        """One more."""
        if node.text:
            known = self.found.setdefault(ONE_NAME.get(name, name), {})
            if node.text in known:
                known[node.text].times += 1
            else:
                known[node.text] = _Word(node.text, Where(node.file, node.line, node.column))

    def within(self, name: str, node: YamlNode, seen: set[int]) -> None:
        """A value under a key of such a name, and all below it; what an alias names stands there once."""
        if id(node) in seen:
            return
        seen.add(id(node))
        self.add(name, node)
        for item in node.items or ():
            self.within(name, item, seen)
        for key, (written, value) in (node.keys or {}).items():
            self.add(name if name in NAMED_BY_KEYS else KEYS, written)
            if key not in PROSE:
                self.within(key, value, seen)


def lookalikes(case: Case) -> Iterator[Mistake]:
    """Words that look like others of the case and are not: of two the one that stands there less often, or later."""
    if case.source is None:
        return
    words, written, seen = _Words(), case.source.written, set[int]()
    words.within(KEYS, YamlNode(0, 0, keys=dict(written.heads)), seen)
    for nodes in written.sections.values():
        for node in nodes:
            words.within(KEYS, node, seen)
    for known in words.found.values():
        for odd, usual in _alike(known):
            what = f"`{odd.word}` looks like `{usual.word}` at {usual.where}, and is not the same"
            by = told_apart_by(odd.word, usual.word)
            yield Mistake(odd.where, f"{what}: {by}" if by else what, ANEW)


def _alike(known: dict[str, _Word]) -> Iterator[tuple[_Word, _Word]]:
    """Words that may be taken for another, each with that one."""
    by_looks: dict[str, list[_Word]] = {}
    for word in known.values():
        by_looks.setdefault(looks(word.word), []).append(word)
    for alike in by_looks.values():
        usual, *others = sorted(alike, key=lambda each: -each.times)
        yield from ((other, usual) for other in others)
    odd = ((word, form) for word in known.values() if (form := phonetic(word.word)) is not None)
    for word, form in islice(odd, MAX_ODD):
        usual_one = next((each for each in known.values() if each is not word and form.fullmatch(each.word)), None)
        if usual_one is not None:
            yield word, usual_one
