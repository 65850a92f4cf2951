"""Silence: since when a connection's caller has neither sent nor taken anything.

Owns: seeing that a reply is being taken, however slowly. That more of a reply is written says nothing of its caller, so
that only what has left counts. Not here: for how long a caller may be silent, and what follows (``protocol``).
"""

from __future__ import annotations

import asyncio
import socket
import sys

_TCP_INFO = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_ACKED = 120
"""Where Linux's ``tcp_info`` holds how many bytes the other side has acknowledged (``tcpi_bytes_acked``)."""


class Silence:
    """Of one connection."""

    __slots__ = ("_gone", "_tls", "_transport", "since")

    def __init__(self, transport: asyncio.Transport, now: float) -> None:
        self._transport = transport
        self._tls = transport.get_extra_info("ssl_object") is not None
        self._gone = 0
        self.since = now
        """When a byte last came, or was seen to have gone."""

    def look(self, written: int, now: float) -> None:
        """Look whether anything of a reply has left since the last look. ``written`` is all that was ever written."""
        gone = self._left(written)
        if gone != self._gone:
            self._gone, self.since = gone, now

    def _left(self, written: int) -> int:
        """A number that changes as bytes leave."""
        if self._tls and _TCP_INFO is not None:
            # TLS takes a reply at once, however large, and does not tell what of it waits below: the kernel does.
            below = self._transport.get_extra_info("socket")
            info: bytes = below.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKED + 8)
            return int.from_bytes(info[_ACKED:], sys.byteorder)
        return written - self._transport.get_write_buffer_size()
