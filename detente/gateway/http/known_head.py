"""A head that came before on its connection: known again by its bytes, and not read anew.

A client's calls on one connection differ in their bodies, and so in ``content-length``, and as a rule in nothing else
of their heads, of which an SDK sends some 17 headers with each; so do replies of servers that put no id into theirs.

Owns: how large a head may be, which may be known again, and where a body behind one begins. Not here: reading a head,
and what else must be the same for it to mean the same (``reader``, ``upstream/connection``).
"""

from __future__ import annotations

import msgspec

MAX_HEAD = 65_536
"""Bytes of a head, a request's or a reply's with the interim ones before it: all that may come without making progress,
such as chunk extensions and trailers. Of one header that is not whole, one read of the socket more."""
MAX_HEADS = 8
"""Heads in a row, each another than the one before it, after which none is expected to come again."""
_LENGTH = b"content-length"
_DIGITS = 9
"""Of a length, at most: what has more is read, and refused where it is too much."""


class KnownHead(msgspec.Struct, frozen=True):
    """A head: the bytes before and behind the digits of its length."""

    before: bytes
    behind: bytes
    at: int
    """Where the digits begin."""
    end: int
    """Where as many of them as it had end."""

    def starts(self, data: bytes) -> tuple[int, int] | None:
        """The length of the body behind the same head, and where it begins; None where this is another head."""
        at, end, behind = self.at, self.end, self.behind
        if not data.startswith(self.before):
            return None
        if not data.startswith(behind, end):  # there may be fewer digits, or more
            end = data.find(b"\r", at, at + _DIGITS + 1)
            if end < 0 or not data.startswith(behind, end):
                return None
        length = data[at:end]
        return (int(length), end + len(behind)) if length.isdigit() else None


def known_head(data: bytes, headers: int, length: bytes) -> KnownHead | None:
    """What knows a head again; None of one that is to be read each time.

    Parameters
    ----------
    data
        What was read, from the beginning of the head on.
    headers
        How many it has, no two of one name.
    length
        Its ``content-length``, as it is written; empty where it has none.
    """
    raw = data[: data.find(b"\r\n\r\n") + 4]
    if raw.count(b"\r\n") != headers + 2 or raw.count(b"\n") != headers + 2:
        return None  # not whole, or with lines that could be taken otherwise
    at = raw.lower().find(b"\r\n" + _LENGTH + b":") + len(_LENGTH) + 3
    at += len(raw[at:]) - len(raw[at:].lstrip(b" "))
    if not length.isdigit() or not raw.startswith(length + b"\r", at):
        return None
    end = at + len(length)
    return KnownHead(raw[:at], raw[end:], at, end)
