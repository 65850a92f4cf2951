"""The frames of a journal's file, as bytes: written one after the other, and read back past whatever is damaged.

Owns: framing (length, checksum, sequence number), reading a file back in pieces, and telling its torn end from damage.
Not here: who writes which file (``journal``), and what a record says (``record``).

A file is the eight bytes of ``MAGIC``, then records: the payload's length, a CRC-32, and the record's sequence number,
four bytes each, little-endian, then the payload. The CRC-32 is that of the sequence number and the payload. A worker
numbers its records from 0 on, through all of its files, and after 2³² - 1 from 0 again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from zlib import crc32

import msgspec

from detente.errors import JournalError
from detente.values.file import opened

MAGIC = b"DTJRNL\x00\x02"
MAX_PAYLOAD = 1024 * 1024
NUMBERS = 2**32
"""How many sequence numbers there are."""
_HEAD = Struct("<III")
_NUMBER = Struct("<I")
_CHECKED = _HEAD.size - _NUMBER.size
"""Where in a record begins what its checksum is of: its number, and the payload behind that."""
MAX_FRAME = _HEAD.size + MAX_PAYLOAD
_BEGINS = re.compile(rb"(?=(?!\x00{3})..[\x00-\x10]\x00.{8})", re.DOTALL)
"""Where a record may begin: a length that is not zero, and at most ``MAX_PAYLOAD`` or little more; and the rest."""
MAX_CHECKED = 16 * 1024 * 1024 * 1024
"""Bytes that are checksummed at most in search of a whole record after a bad one: some seconds' work, twice what random
bytes of a file's length need."""
_PIECE = 4 * 1024 * 1024
"""Bytes of a file that are read at once; more than a frame."""


class JournalFrame(msgspec.Struct, frozen=True, gc=False):
    """A whole record: its sequence number, its payload, and where it ends."""

    number: int
    payload: bytes
    end: int

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.end - len(self.payload) - _HEAD.size

    @property
    def due(self) -> int:
        """The number of the next record."""
        return (self.number + 1) % NUMBERS


@dataclass(frozen=True, slots=True)
class Torn:
    """The end of a file that was being written when its writer was killed: where it begins, and how long it is."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, with whole records behind them, or with too much to tell whether there are any."""

    offset: int
    length: int
    told: str


def frame(number: int, payload: bytes) -> bytes:
    """One record. Raises ValueError where it is empty, or longer than ``MAX_PAYLOAD``."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a record of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
    return _HEAD.pack(len(payload), crc32(payload, crc32(_NUMBER.pack(number))), number) + payload


def read(path: Path) -> Iterator[bytes | Torn]:
    """The payloads of a file in order; last, where its end is torn, a ``Torn``.

    Raises JournalError where it is damaged before its end, and OSError.
    """
    for item in frames(path):
        if isinstance(item, Damage):
            raise JournalError(path, f"damaged at byte {item.offset}, {item.told}")
        yield item.payload if isinstance(item, JournalFrame) else item


def frame_end(path: Path, start: int) -> int:
    """Where the record ends that begins there, as its head says; where there is no head, there. Raises OSError."""
    with opened(path) as file:
        head = os.pread(file.fileno(), _HEAD.size, start)
    return start + _HEAD.size + int(_HEAD.unpack(head)[0]) if len(head) == _HEAD.size else start


def frames(path: Path, since: int = 0) -> Iterator[JournalFrame | Damage | Torn]:
    """All that a file holds, in order, a few megabytes at a time; holes of a sparse file are skipped.

    ``since``: where a record begins, from which on it is read. Raises JournalError where it is not a journal of this
    version, and OSError.
    """
    with opened(path) as file:
        source = _Source(file.fileno())
        begin = source.bytes(0, len(MAGIC))
        at = max(since, len(MAGIC))
        if begin != MAGIC:
            if MAGIC.startswith(begin):  # killed while it was begun
                if begin:
                    yield Torn(0, len(begin))
                return
            at, told = _next(source, 0)
            if at == source.size:
                what = "not a journal of this version; name a folder that `detente serve` wrote"
                raise JournalError(path, f"{what}, or give the `mapping` of a bill")
            yield Damage(0, at, told)
        while at < source.size:
            before = at
            for found in _at_hand(source, at):
                yield found
                at = found.end
            if at == before:
                after, told = _next(source, at + 1)
                yield Damage(at, after - at, told) if told else Torn(at, after - at)
                at = after


def whole(path: Path) -> tuple[int, int | None, Torn | None]:
    """Where the last whole record ends, its number (None: there is none), and what follows it.

    Raises JournalError where the file is damaged before its end, and OSError.
    """
    end, number = 0, None
    for item in frames(path):
        if isinstance(item, Damage):
            raise JournalError(path, f"damaged at byte {item.offset}, {item.told}")
        if isinstance(item, Torn):
            return item.offset, number, item
        end, number = item.end, item.number
    return end or min(len(MAGIC), path.stat().st_size), number, None


class _Source:
    """A file, read in pieces that are remembered while they are asked for again."""

    def __init__(self, fd: int) -> None:
        self._fd, self.size = fd, os.fstat(fd).st_size
        self._at, self._held = 0, b""

    def piece(self, at: int) -> tuple[bytes, int]:
        """Bytes of the file that hold any frame that begins there, and the place of that in them."""
        self.bytes(at, MAX_FRAME)
        return self._held, at - self._at

    def bytes(self, at: int, length: int) -> bytes:
        """So many bytes from there on; fewer at its end."""
        if not self._at <= at <= at + length <= self._at + len(self._held):
            self._at, self._held = at, os.pread(self._fd, max(length, _PIECE), at)
        return self._held[at - self._at : at - self._at + length]

    def data_from(self, at: int) -> int:
        """Where the first byte stands from there on that is no hole of a sparse file; the size where there is none."""
        try:
            return os.lseek(self._fd, at, os.SEEK_DATA)
        except OSError:
            return self.size


def _at_hand(source: _Source, at: int) -> Iterator[JournalFrame]:
    """The whole records from there on that follow each other, as far as they are in the bytes at hand."""
    held, first = source.piece(at)
    since, until = at - first, len(held) - _HEAD.size
    while first <= until:
        length, checksum, number = _HEAD.unpack_from(held, first)
        end = first + _HEAD.size + length
        if not 0 < length <= MAX_PAYLOAD or end > len(held):
            return
        numbered = held[first + _CHECKED : end]
        if crc32(numbered) != checksum:
            return
        yield JournalFrame(number, numbered[_NUMBER.size :], since + end)
        first = end


def _frame(source: _Source, at: int) -> JournalFrame | None:
    """The whole record that begins there, if one does."""
    head = source.bytes(at, _HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum, number = _HEAD.unpack(head)
    if not 0 < length <= MAX_PAYLOAD or at + _HEAD.size + length > source.size:
        return None
    payload = source.bytes(at + _HEAD.size, length)
    if len(payload) < length or crc32(payload, crc32(head[8:])) != checksum:
        return None
    return JournalFrame(number, payload, at + _HEAD.size + length)


def _next(source: _Source, at: int) -> tuple[int, str]:
    """Where the next whole record begins, and that it does; the file's end, and nothing, where there is none.

    However long the rest is, and whatever it holds: only what begins as a record does is looked at, and so much of it
    that random bytes of a file's length are looked through.
    """
    left = MAX_CHECKED
    while (at := source.data_from(at)) < source.size:
        piece = source.bytes(at, _PIECE)
        for found in _BEGINS.finditer(piece):
            start = at + found.start()
            length = int.from_bytes(piece[found.start() : found.start() + 4], "little")
            if length > min(MAX_PAYLOAD, source.size - start - _HEAD.size):
                continue
            left -= max(length, 1024)  # what a look costs at least
            if left < 0:
                said = "and there is too much after it that looks like records to tell whether it is the file's end"
                return source.size, said
            if _matches(source, piece, at, start, length):
                return start, "with whole records after it"
        at += max(1, len(piece) - _HEAD.size + 1)
    return source.size, ""


def _matches(source: _Source, piece: bytes, at: int, start: int, length: int) -> bool:
    """Whether a whole record begins there; most of it stands in a piece that is at hand."""
    first, end = start - at, start - at + _HEAD.size + length
    if end > len(piece):
        return _frame(source, start) is not None
    _, checksum, _ = _HEAD.unpack_from(piece, first)
    view = memoryview(piece)
    found = crc32(view[first + _HEAD.size : end], crc32(view[first + 8 : first + _HEAD.size]))
    return found == int(checksum)
