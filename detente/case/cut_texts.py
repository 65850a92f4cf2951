"""Texts for people that YAML ends before a `#`: the rest of their line is a comment, and may have been meant as text.

Owns: that note. Not here: where a text ends (``document``), and other notes (``notes``).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.case.case import Case
from detente.case.document import YamlNode
from detente.contract.clause_text import SELF
from detente.errors import Mistake, Where
from detente.market.network import parts_of

PROSE = frozenset(
    {"text", "title", "name", "source", "interest", "description", "evidence", "what", "asks", "by", "to"}
    | {"party", "compared-with"}
)
"""Keys whose values are words for people."""

PARTIES = frozenset({"by", "to", "party"})
"""Those of them that name somebody, in words or as the case does; of some entries they are a day or a percentage."""

SHOWN = 40
"""Characters of what was cut off that a note repeats."""

QUOTES = "put the text in quotes; where it is a comment, write a space after the `#`"


def cut_texts(case: Case) -> Iterator[Mistake]:
    """Texts for people behind which a `#` stands with no space after it, as in `Order #12`."""
    if case.source is None:
        return
    written = case.source.written
    roots = [YamlNode(0, 0, keys=dict(written.heads)), *(each for nodes in written.sections.values() for each in nodes)]
    seen: set[int] = set()
    known = frozenset({SELF, *(provider.id for provider in case.declared.providers)})
    for root in roots:
        yield from _within(root, known, seen)


def _is_words(key: str, text: str, known: frozenset[str]) -> bool:
    """Whether a value may be words for people: a day, an amount, a party of the case or a region of one is whole."""
    if key not in PARTIES:
        return key in PROSE
    return not text or (text[0].isalpha() and parts_of(text)[0] not in known)


def _within(node: YamlNode, known: frozenset[str], seen: set[int]) -> Iterator[Mistake]:
    """Of a node and what is below it, in the order of the file; what an alias names stands there once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for key, (_, value) in (node.keys or {}).items():
        if value.comment and id(value) not in seen and _is_words(key, value.text or "", known):
            rest = value.comment if len(value.comment) <= SHOWN else value.comment[:SHOWN].rstrip() + "…"
            what = f"`{key}` ends before `{rest}`, which YAML takes for a comment"
            yield Mistake(Where(value.file, value.line, value.column), what, QUOTES)
        yield from _within(value, known, seen)
    for item in node.items or ():
        yield from _within(item, known, seen)
