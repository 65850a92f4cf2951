"""A number as it is written, multiplied by a factor: ``2.20 USD per GPU-hour`` less 15% is ``1.87 USD per GPU-hour``.

Owns: relative changes (``-15%``) of nodes, exact to the last digit, with the place of the change. Not here: which value
is changed (``changes``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from detente.case.document import YamlNode
from detente.errors import FlawError
from detente.values.quantity import NUMBER, WIDE, number, plain

_SIGNED = re.compile(r"[+-]\s?[0-9][0-9_.]*\s?%")
_LEADING = re.compile(rf"({NUMBER})(\s?[^\W\d].*|\s?%.*|\s?/.*)?", re.DOTALL)
_KEPT = ("source", "batch")
"""Keys beside numbers, of what is no amount of the same thing: a text, and what batch use costs of the prices."""


def factor_of(node: YamlNode) -> Decimal | None:
    """What a signed percentage multiplies by: `-15%` by 0.85; None of what is written otherwise. Raises FlawError."""
    if node.text is None or not _SIGNED.fullmatch(node.text.strip()):
        return None
    part = number(node.text.replace("%", "").replace(" ", ""))
    if part < -100:
        raise FlawError(f"`{node.text}` takes away more than there is", "write -100% or more")
    return 1 + WIDE.multiply(part, Decimal("0.01"))


def times(node: YamlNode, factor: Decimal, at: YamlNode) -> YamlNode:
    """All numbers in a value multiplied, at the place of the change. Raises FlawError for what holds no number."""
    if node.keys is not None:
        kept = {key: pair if key in _KEPT else (pair[0], times(pair[1], factor, at)) for key, pair in node.keys.items()}
        return replace(node, keys=kept, line=at.line, column=at.column, file=at.file)
    if node.items is not None:
        items = [times(item, factor, at) for item in node.items]
        return replace(node, items=items, line=at.line, column=at.column, file=at.file)
    found = _LEADING.fullmatch(node.text.strip()) if node.text else None
    if found is None:
        raise FlawError(
            f"`{node.text}` is not a number, so `{at.text}` cannot change it", "write the new value instead"
        )
    text = plain(WIDE.multiply(number(found[1]), factor)) + (found[2] or "")
    return YamlNode(at.line, at.column, text, file=at.file)
