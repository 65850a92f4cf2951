"""A head that came before on its connection: known again by its bytes, and not read anew.

A client's calls on one connection differ in their bodies, and so in ``content-length``, and as a rule in nothing else
of their heads, of which an SDK sends some 17 headers with each.

Owns: which heads may be known again, and what comes behind one. Not here: reading one (``reader``).
"""

from __future__ import annotations

import msgspec

from detente.gateway.http.exchange import RequestHead

_LENGTH = b"content-length"
_DIGITS = 9
"""Of a length, at most: what has more is read, and refused where it is too much."""
_OTHERWISE = (b"transfer-encoding", b"expect", b"upgrade")
"""Headers of a request that is more than a head and so many bytes."""


class KnownHead(msgspec.Struct, frozen=True):
    """A head: the bytes before and behind the digits of its length, and what was read in them."""

    before: bytes
    behind: bytes
    head: RequestHead
    epoch: object
    """As its rules had it."""

    def starts(self, data: bytes) -> tuple[int, int] | None:
        """The length of the body behind the same head, and where it begins; None where this is another head."""
        if not data.startswith(self.before):
            return None
        at = len(self.before)
        end = data.find(b"\r", at, at + _DIGITS + 1)
        length = data[at:end]
        if end < 0 or not length.isdigit() or not data.startswith(self.behind, end):
            return None
        return int(length), end + len(self.behind)


def known_head(data: bytes, head: RequestHead, headers: int, epoch: object) -> KnownHead | None:
    """What knows a head again; None of one that is to be read each time.

    Parameters
    ----------
    data
        What was read, from the beginning of the head on.
    headers
        How many there are.
    """
    found = data.find(b"\r\n\r\n") + 4
    raw = data[:found]
    if found < 4 or raw.count(b"\r\n") != headers + 2 or raw.count(b"\n") != headers + 2:
        return None  # not whole, or with lines that could be taken otherwise
    if head.version != "1.1" or not head.keep_alive or any(name in head.headers for name in _OTHERWISE):
        return None
    length = head.headers.get(_LENGTH, b"")
    at = raw.lower().find(b"\r\n" + _LENGTH + b":") + len(_LENGTH) + 3
    at += len(raw[at:]) - len(raw[at:].lstrip(b" "))
    if len(head.headers) != headers or not length.isdigit() or not raw.startswith(length + b"\r", at):
        return None
    others = {name: value for name, value in head.headers.items() if name != _LENGTH}
    same = msgspec.structs.replace(head, headers=others)
    return KnownHead(raw[:at], raw[at + len(length) :], same, epoch)
