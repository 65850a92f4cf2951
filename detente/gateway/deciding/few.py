"""How many messages and parts a body may have.

Owns: that a body of very many small ones is refused before it is read. Not here: how large it may be (``http``).
"""

from __future__ import annotations

from detente.gateway.deciding.decision import Rejection
from detente.gateway.deciding.openai_error import error
from detente.providers.marks import PIECE

_SMALLEST_PART = 8
"""Bytes that a part takes at least."""


def must_be_few(body: bytes, most: int) -> None:
    """A body of very many small messages is worked on for seconds, in which nobody else is. Raises Rejection.

    Messages and their parts have one of these members each; a text cannot look like one, since its quotation marks are
    escaped.
    """
    if len(body) < most * _SMALLEST_PART:
        return
    for name in (b'"role"', b'"type"'):
        if (found := _count(body, name)) > most:
            message = f"the body has {found:,} members {name.decode()}; at most {most:,} messages and parts are read"
            remedy = "send fewer, or have `serving.parts` raised"
            raise Rejection(413, error(413, f"{message}: {remedy}", code="too_many_parts"))


def _count(body: bytes, name: bytes) -> int:
    """How often a name stands in a body; one that begins in a piece is counted with it."""
    return sum(body.count(name, at, at + PIECE + len(name) - 1) for at in range(0, len(body), PIECE))
