"""Texts for people that YAML ends before a `#`: the rest of their line is a comment, and may have been meant as text.

Owns: that note. Not here: where a text ends (``document``), and other notes (``notes``).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.case.case import Case
from detente.case.document import YamlNode
from detente.errors import Mistake, Where

PROSE = frozenset(
    {"text", "title", "name", "source", "interest", "description", "evidence", "what", "asks", "by", "to"}
    | {"party", "compared-with"}
)
"""Keys whose values are words for people."""

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
    for root in roots:
        yield from _within(root, seen)


def _within(node: YamlNode, seen: set[int]) -> Iterator[Mistake]:
    """Of a node and what is below it, in the order of the file; what an alias names stands there once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for key, (_, value) in (node.keys or {}).items():
        if key in PROSE and value.comment and id(value) not in seen:
            rest = value.comment if len(value.comment) <= SHOWN else value.comment[:SHOWN].rstrip() + "…"
            what = f"`{key}` ends before `{rest}`, which YAML takes for a comment"
            yield Mistake(Where(value.file, value.line, value.column), what, QUOTES)
        yield from _within(value, seen)
    for item in node.items or ():
        yield from _within(item, seen)
