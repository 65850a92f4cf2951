"""The frames of a journal's file, as bytes: written one after the other, and read back up to a torn end.

Owns: framing (length, checksum), reading a file back, and telling its torn end from damage. Not here: who writes which
file (``journal``), and what a record says (``record``).

A file is the eight bytes of ``MAGIC``, then records: the payload's length and its CRC-32, four bytes each,
little-endian, then the payload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from zlib import crc32

from detente.errors import JournalError

MAGIC = b"DTJRNL\x00\x01"
MAX_PAYLOAD = 1024 * 1024
_HEAD = Struct("<II")
MAX_FRAME = _HEAD.size + MAX_PAYLOAD
_BEGINS = re.compile(rb"(?=(?!\x00{3})..[\x00-\x10]\x00.{4})", re.DOTALL)
"""Where a record may begin: a length that is not zero, and at most ``MAX_PAYLOAD`` or little more; and a checksum."""
MAX_CHECKED = 16 * 1024 * 1024 * 1024
"""Bytes that are checksummed at most in search of a whole record after a bad one: some seconds' work, twice what random
bytes of a file's length need."""


@dataclass(frozen=True, slots=True)
class Torn:
    """The end of a file that was being written when its writer was killed: where it begins, and how long it is."""

    offset: int
    length: int


def frame(payload: bytes) -> bytes:
    """One record. Raises ValueError where it is empty, or longer than ``MAX_PAYLOAD``."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a record of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
    return _HEAD.pack(len(payload), crc32(payload)) + payload


def read(path: Path) -> Iterator[bytes | Torn]:
    """The payloads of a file in order; last, where its end is torn, a ``Torn``.

    Raises JournalError where it is damaged before its end, and OSError.
    """
    data = path.read_bytes()
    for offset, length in _frames(path, data):
        if length < 0:
            yield Torn(offset, len(data) - offset)
        else:
            yield data[offset : offset + length]


def whole(path: Path, data: bytes) -> tuple[int, Torn | None]:
    """Where the last whole record ends, and what follows it."""
    end = len(MAGIC) if data.startswith(MAGIC) else 0
    for offset, length in _frames(path, data):
        if length < 0:
            return offset, Torn(offset, len(data) - offset)
        end = offset + length
    return end, None


def _frames(path: Path, data: bytes) -> Iterator[tuple[int, int]]:
    """(offset, length) of each payload; last, for a torn end, (its offset, -1)."""
    if not data.startswith(MAGIC):
        if MAGIC.startswith(data):  # killed while it was begun
            if data:
                yield 0, -1
            return
        raise JournalError(f"{path}: not a journal of this version (it begins with {data[:8]!r})")
    at = len(MAGIC)
    while at < len(data):
        start = at + _HEAD.size
        if start > len(data):
            yield at, -1
            return
        length, checksum = _HEAD.unpack_from(data, at)
        end = start + length
        intact = 0 < length <= MAX_PAYLOAD and end <= len(data) and crc32(data[start:end]) == checksum
        if not intact:
            if after := _after(data, at):
                raise JournalError(f"{path}: damaged at byte {at}, {after}")
            yield at, -1
            return
        yield start, length
        at = end


def _after(data: bytes, bad: int) -> str:
    """What makes a bad record one of a damaged file: a whole record after it. Empty where it is the torn end.

    However long the end is, and whatever it holds: only what begins as a record does is looked at, and so much of it
    that random bytes of a file's length are looked through.
    """
    view, left = memoryview(data), MAX_CHECKED
    for found in _BEGINS.finditer(data, bad + 1):
        length, checksum = _HEAD.unpack_from(data, found.start())
        start = found.start() + _HEAD.size
        if length > min(MAX_PAYLOAD, len(data) - start):
            continue
        left -= max(length, 1024)  # what a look costs at least
        if left < 0:
            return "and there is too much after it that looks like records to tell whether it is the file's end"
        if crc32(view[start : start + length]) == checksum:
            return "with whole records after it"
    return ""
