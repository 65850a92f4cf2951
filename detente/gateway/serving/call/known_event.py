"""An event of a stream that is known by its bytes: the same stands about its text as about the one before it.

Most events of a stream are that. Such a one is passed on as its connection reads it, without any part of it being read:
neither HTTP's framing, nor events, nor JSON. Whatever else comes is read as if nothing were known.

Owns: which bytes of a socket are one chunk with one such event, and what its caller is given for them. Not here: what
an event means, and so which others mean the same (``Decoder.around``, ``Rendering.begins``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from detente.gateway.http.exchange import Way
from detente.gateway.serving.call.redaction import SHORTEST
from detente.gateway.serving.call.stream import Stream
from detente.gateway.upstream import Incoming
from detente.providers.wire import Around, is_utf8

MAX_TEXT = 128
"""Bytes of text, at most: what is longer is read."""
_TEXT = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\["nrt][^"\\\x00-\x1f]*+)*+')
r"""A text as JSON has it. One with another escape is read, since that may be a letter of a secret (``\u0061``)."""
_Alike = tuple[tuple[bytes, bytes], bytes, int, int, re.Pattern[bytes] | None]
"""Chunks of a length: how they begin (two ways), and as they are told (empty: as they came); where their text begins
and ends, and how a secret begins, where it is long enough for that."""
_END = b"\r\n"


class KnownEvent:
    """Passes on what is like one event.

    Parameters
    ----------
    around
        What stands about the text, as its provider says it.
    begins
        What stands before it as its caller is told it; behind it, the same.
    secrets
        How secrets of ours begin, at least ``SHORTEST`` letters each, none of which stand in what is about the text.
    incoming, stream, way
        Where it comes from, whose it is, and the connection of its caller, who is sent chunks.
    """

    __slots__ = ("_around", "_begins", "_behind", "_heads", "_incoming", "_secret", "_stream", "_way")

    def __init__(
        self, around: Around, begins: bytes, secrets: Sequence[bytes], incoming: Incoming, stream: Stream, way: Way
    ) -> None:
        self._around, self._begins, self._behind = around, begins, around.behind + _END
        self._secret = re.compile(b"|".join(map(re.escape, secrets))) if secrets else None
        self._incoming, self._stream, self._way = incoming, stream, way
        self._heads: dict[int, _Alike] = {}
        """By their length."""

    def passes(self, data: bytes) -> bool:
        """Whether that is one chunk with such an event: then it was passed on. A caller who is slow gets none."""
        known = self._heads.get(len(data)) or self._of(len(data))
        if known is None:
            return False
        heads, told, start, stop, hides = known
        if (
            not data.startswith(heads)
            or not data.endswith(self._behind)
            or _TEXT.fullmatch(data, start, stop) is None
            or not (data.isascii() or is_utf8(data))
            or self._way.drain is not None
            or (hides is not None and hides.search(data) is not None)
        ):
            return False
        self._stream.pieces += 1
        self._incoming.stirred = True  # its provider has as long again
        self._way.write(told + data[start:] if told else data)
        return True

    def _of(self, size: int) -> _Alike | None:
        """What is known of chunks of a length; None where none is one of these."""
        before, behind = self._around.before, self._behind
        around = len(before) + len(self._around.behind)
        for digits in range(1, 6):
            event = size - digits - 2 * len(_END)
            text = event - around
            if 0 < text <= MAX_TEXT and len(b"%x" % event) == digits:
                break
        else:
            return None
        heads = b"%x\r\n%b" % (event, before), b"%X\r\n%b" % (event, before)
        begins = self._begins
        told = b"" if begins == before else b"%x\r\n%b" % (event - len(before) + len(begins), begins)
        known = heads, told, len(heads[0]), size - len(behind), self._secret if text >= SHORTEST else None
        self._heads[size] = known
        return known
