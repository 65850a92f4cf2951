"""A case as it is written: the entries of all its files as nodes, each with its place.

Owns: nodes by section and id, and edits of nodes that leave the old ones as they were. Not here: which edits a scenario
makes (``changes``), and what the nodes mean (``declared``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from detente.case.document import Document, YamlNode
from detente.errors import Where
from detente.values.period import FIRST, day

Steps = Sequence[str | int]
Edit = Callable[[YamlNode], YamlNode]


@dataclass(frozen=True)
class Written:
    """All that a case's files say.

    ``sold`` are offers that come from price catalogs, at the places of these. One that is ``replaced`` is read from its
    catalog no more: it fell away, or stands among the entries with another value.
    """

    name: str
    heads: Mapping[str, tuple[YamlNode, YamlNode]]
    sections: Mapping[str, Sequence[YamlNode]]
    sold: Mapping[str, YamlNode] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, documents: Iterable[Document], sections: Iterable[str]) -> Written:
        """What some documents say, which were read without a mistake."""
        documents = list(documents)
        found: dict[str, list[YamlNode]] = {name: [] for name in sections}
        heads = {}
        for key, (name, node) in ((key, pair) for d in documents for key, pair in (d.root.keys or {}).items()):
            if key in found:
                found[key] += node.items or ()
            else:
                heads[key] = name, node
        return cls(documents[0].name, heads, found)

    @property
    def document(self) -> Document:
        """All of it as one document; each node says which file it stands in."""
        keys = dict(self.heads)
        for name, nodes in self.sections.items():
            keys[name] = YamlNode(0, 0, name, file=self.name), YamlNode(0, 0, items=list(nodes), file=self.name)
        return Document(self.name, YamlNode(0, 0, keys=keys, file=self.name))


def text_at(node: YamlNode, key: str) -> str:
    """The text of a key; empty where there is none."""
    found = at(node, (key,))
    return (found.text or "") if found is not None else ""


def at(node: YamlNode, steps: Steps) -> YamlNode | None:
    """The node at a path below another; None where there is none."""
    return Document("", node).node(steps)


def place(node: YamlNode) -> Where:
    """Where a node stands."""
    return Where(node.file, node.line, node.column)


def put(node: YamlNode, steps: Steps, value: YamlNode, key: YamlNode) -> YamlNode:
    """A node with another value at a path, which may be new (``key`` says where it is written). Raises KeyError."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if node.items is not None and isinstance(step, int) and step < len(node.items):
        return replace(
            node, items=[*node.items[:step], put(node.items[step], rest, value, key), *node.items[step + 1 :]]
        )
    if node.keys is None or (rest and str(step) not in node.keys):
        raise KeyError(step)
    name, old = node.keys.get(str(step), (replace(key, text=str(step)), value))
    return replace(node, keys={**node.keys, str(step): (name, put(old, rest, value, key))})


def node_of(given: Any, where: Where) -> YamlNode:
    """Plain values as nodes that all stand at one place."""
    here = YamlNode(where.line, where.column, file=where.file)
    if isinstance(given, dict):
        return replace(here, keys={str(k): (replace(here, text=str(k)), node_of(v, where)) for k, v in given.items()})
    if isinstance(given, list | tuple):
        return replace(here, items=[node_of(item, where) for item in given])
    return replace(here, text=None if given is None else str(given))


# -- values that change on dates ---------------------------------------------------------------------------------
def steps_of(node: YamlNode) -> list[tuple[date | None, YamlNode]]:
    """The values of a node and the day from which each holds; None of one that always does."""
    if node.keys is not None and "value" in node.keys:
        node = node.keys["value"][1]
    if node.keys is None or not any(key[:1].isdigit() for key in node.keys):
        return [(None, node)]
    return [(day(key), value) for key, (_, value) in node.keys.items()]


def between(node: YamlNode, start: date | None, end: date | None, edit: Edit, here: YamlNode) -> YamlNode:
    """A value that is another between two days, and as it was before and after."""
    steps = [(on or FIRST, value) for on, value in steps_of(node)]
    first, last = max(start or FIRST, steps[0][0]), end or date.max
    days = sorted({on for on, _ in steps} | {on for on in (first, end) if on is not None and on >= steps[0][0]})
    found = {}
    for on in days:
        value = [each for begins, each in steps if begins <= on][-1]
        key = YamlNode(here.line, here.column, on.isoformat(), file=here.file)
        found[on.isoformat()] = key, edit(value) if first <= on < last else value
    return YamlNode(here.line, here.column, keys=found, file=here.file)
