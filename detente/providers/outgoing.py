"""A request as it goes out to a provider.

Owns: what a wire makes of a call, an authority signs and the client sends. Not here: how each is done (``wire``,
``authority``, ``gateway/upstream``).
"""

from __future__ import annotations

import msgspec

HeaderPairs = tuple[tuple[str, str], ...]
"""Headers as they are sent, in order: (name, value)."""


class Outgoing(msgspec.Struct, frozen=True):
    """A request, short of its authorization, its host and its length."""

    target: str
    """Path and query, as sent: a signature covers it byte for byte."""
    headers: HeaderPairs
    body: bytes
    method: str = "POST"
    left_out: tuple[str, ...] = ()
    """Members of the call that are not in it: they change no answer, or the call's leniency allows it."""
