"""What the calls of a key go by: its own settings, or else those of the case, worked out once, since each call asks.

Owns: those values, as plain ones. Not here: what can be set, and what it means (``live/key``, ``live/serving``).
"""

from __future__ import annotations

import msgspec

from detente.live.key import Key
from detente.live.serving import Serving


class KeySettings(msgspec.Struct, frozen=True):
    """Settings of the calls of one key."""

    total: float
    """Seconds within which all of a call must be over."""
    parts: int
    """The most messages and parts of messages."""
    fetches: bool
    """Whether files that are sent by address may be fetched."""
    goes_on: bool
    """Whether another deployment may go on with a stream after a cut."""
    buffers: bool
    """Whether a stream is held back until it is complete."""
    names_who_served: bool
    """Whether a reply names the model that served it."""
    discloses: bool
    """Whether replies say where they ran, why and at what cost."""
    on_disk: bool
    """Whether a reply waits until its record survives the machine."""
    sends_along: bool
    """Whether the key has headers of its own for providers."""

    @classmethod
    def of(cls, key: Key, serving: Serving) -> KeySettings:
        """Those of a key."""
        return cls(
            total=serving.deadlines.total,
            parts=serving.parts,
            fetches=serving.fetch is not None,
            goes_on=(key.on_cut or serving.on_cut) == "continue",
            buffers=serving.buffer if key.buffer is None else key.buffer,
            names_who_served=(key.reply_model or serving.reply_model) == "served",
            discloses=serving.headers,
            on_disk=serving.sync == "each",
            sends_along=bool(key.headers),
        )
