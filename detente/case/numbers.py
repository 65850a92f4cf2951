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
_UNSIGNED = re.compile(r"[0-9][0-9_.]*\s?%")
_LEADING = re.compile(rf"({NUMBER})(\s?[^\W\d].*|\s?%.*|\s?/.*)?", re.DOTALL)
_KEPT = ("source", "batch")
"""Keys beside numbers, of what is no amount of the same thing: a text, and what batch use costs of the prices."""


TEXTS = ("name", "text", "source", "interest", "labels")
"""Keys of what is a text whatever stands there, and so never a change of a number."""


def factor_of(node: YamlNode) -> Decimal | None:
    """What a signed percentage multiplies by: `-15%` by 0.85; None of what is written otherwise. Raises FlawError."""
    if node.text is None or not _SIGNED.fullmatch(node.text.strip()):
        return None
    part = number(node.text.replace("%", "").replace(" ", ""))
    if part < -100:
        raise FlawError(f"`{node.text}` takes away more than there is", "write -100% or more")
    return 1 + WIDE.multiply(part, Decimal("0.01"))


def must_replace(node: YamlNode, old: YamlNode | None) -> None:
    """Refuse a value that is no percentage with a sign and seems to be meant as a change. Raises FlawError.

    `+10 GPU` would replace what stands there, and so would `10%` in place of an amount.
    """
    given = (node.text or "").strip()
    if given.startswith("+") and _LEADING.fullmatch(given[1:].strip()) and not _SIGNED.fullmatch(given):
        what = f"`{given}` would replace what stands there, and its sign says that it is added to that"
        raise FlawError(what, "write a percentage, such as `+50%`, or the whole value without a sign")
    if _UNSIGNED.fullmatch(given) and old is not None and "%" not in (old.text or "%"):
        raise FlawError(f"`{given}` has no sign, and is no whole value", f"write `+{given}`, `-{given}`, or that value")
    for key, (_, value) in (node.keys or {}).items():
        before = old.keys if old is not None else None
        if key not in TEXTS:
            must_replace(value, (before or {}).get(key, (None, None))[1])
    for each in node.items or ():
        must_replace(each, None)


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
