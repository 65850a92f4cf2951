"""AWS's event stream: frames as ``application/vnd.amazon.eventstream`` holds them.

Owns: encoding a frame (lengths, headers, both checksums), and spoiling one. Not here: what frames say (``converse``),
and reading them (the wire of ``bedrock``).

A frame: 4 bytes of total length, 4 of headers' length, CRC-32 of these 8; headers; payload; CRC-32 of all before.
A header: 1 byte of name length, the name, 1 byte of type (7: text), 2 bytes of value length, the value.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

_TEXT = 7
_FIXED = 16


def frame(headers: Iterable[tuple[str, str]], payload: bytes) -> bytes:
    """A frame with headers of text."""
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers)
    prelude = struct.pack(">II", _FIXED + len(head) + len(payload), len(head))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", _TEXT, len(value)) + value


def event(kind: str, payload: bytes) -> bytes:
    """A frame of an event."""
    headers = ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    return frame(headers, payload)


def exception(kind: str, payload: bytes) -> bytes:
    """A frame of an exception: it ends a stream whose head said 200."""
    headers = ((":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception"))
    return frame(headers, payload)


def spoiled(whole: bytes) -> bytes:
    """The frame with one bit of its payload turned: its checksum no longer fits."""
    at = len(whole) - 5
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
