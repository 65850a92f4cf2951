"""Frames of AWS's event streams (``application/vnd.amazon.eventstream``).

Owns: cutting bytes into frames, their checksums and their headers; bounded. botocore reads them too, in five times the
time; the tests hold the two against each other. Not here: what an event means (``stream``).

A frame is a prelude (its length, the length of its headers, a CRC-32 of both), headers, a payload, and a CRC-32 of all
that comes before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from struct import Struct, error
from typing import NamedTuple
from zlib import crc32

MAX_BYTES = 1_048_576
"""The largest frame that is believed: an event holds a few tokens."""

_PRELUDE = Struct(">III")
_CRC = Struct(">I")
_LENGTH = Struct(">H")
_MIN_LENGTH = _PRELUDE.size + _CRC.size
_REMEMBERED = 512

_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Types of headers whose values have one size: true, false, byte, short, integer, long, timestamp, UUID."""
_BYTES, _STRING = 6, 7


class FrameError(ValueError):
    """Bytes that are no frame: what is wrong with them."""


class Frame(NamedTuple):
    """One frame. Of its headers the strings are kept: no other type has a meaning here."""

    headers: Mapping[str, str]
    payload: bytes


class Frames:
    """Cuts a stream into frames, however it arrives."""

    __slots__ = ("_held", "_most", "_needed")

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._held = bytearray()
        self._needed = _PRELUDE.size
        self._most = most

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete. Raises FrameError where they are none."""
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return
            data = bytes(self._held)
        at, self._needed = 0, _PRELUDE.size
        while len(data) - at >= _PRELUDE.size:
            total, length = self._prelude(data, at)
            if len(data) - at < total:
                self._needed = total
                break
            yield _frame(data, at, total, length)
            at += total
        self._held = bytearray(data[at:])

    def _prelude(self, data: bytes, at: int) -> tuple[int, int]:
        total, length, checksum = _PRELUDE.unpack_from(data, at)
        if crc32(data[at : at + 8]) != checksum:
            raise FrameError("a frame whose prelude fails its checksum")
        if total > self._most:
            raise FrameError(f"a frame of {total} bytes, and at most {self._most} are read")
        if total < _MIN_LENGTH or length > total - _MIN_LENGTH:
            raise FrameError("a frame whose lengths contradict each other")
        return total, length


def _frame(data: bytes, at: int, total: int, length: int) -> Frame:
    end = at + total - _CRC.size
    if crc32(data[at:end]) != _CRC.unpack_from(data, end)[0]:
        raise FrameError("a frame that fails its checksum")
    start = at + _PRELUDE.size
    block = data[start : start + length]
    headers = _remembered(block) if length <= _REMEMBERED else headers_of(block)
    return Frame(headers, data[start + length : end])


def headers_of(block: bytes) -> Mapping[str, str]:
    """The headers of a frame. Raises FrameError."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    at = 0
    try:
        while at < len(block):
            end = at + 1 + block[at]
            name, type_ = block[at + 1 : end].decode(), block[end]
            at = end + 1
            if type_ in _SIZES:
                at += _SIZES[type_]
            elif type_ in (_BYTES, _STRING):
                (size,) = _LENGTH.unpack_from(block, at)
                at += _LENGTH.size + size
                if type_ == _STRING:
                    found[name] = block[at - size : at].decode()
            else:
                raise FrameError(f"a header of type {type_}, which does not exist")
            if name in seen:
                raise FrameError("a header that occurs twice")
            seen.add(name)
    except (IndexError, UnicodeDecodeError, error):
        raise FrameError("headers that cannot be read") from None
    if at != len(block):
        raise FrameError("headers that end within a value")
    return found


_remembered = lru_cache(maxsize=256)(headers_of)
"""Events of one kind have the same few headers, byte for byte."""
