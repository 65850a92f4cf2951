"""Frames: AWS's published vectors, good and corrupt, and botocore's reader as an oracle."""

from __future__ import annotations

import json
from base64 import b64decode
from struct import pack
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.bedrock.event_frames import FrameError, Frames, headers_of
from tests.providers.bedrock.making import frame, sealed
from tests.real_data import DATA, needs

VECTORS = DATA / "protocol" / "eventstream_vectors"
GOOD = ("all_headers", "empty_message", "int32_header", "payload_no_headers", "payload_one_str_header")
CORRUPT = ("header_len", "headers", "length", "payload")
real = needs(VECTORS)
STRING = 7


def read(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    return [(dict(found.headers), found.payload) for found in Frames().feed(data)]


@real
@pytest.mark.parametrize("name", GOOD)
def test_good_vectors(name: str) -> None:
    said = json.loads((VECTORS / f"decoded_positive_{name}").read_bytes())
    ((headers, payload),) = read((VECTORS / f"encoded_positive_{name}").read_bytes())
    assert payload == b64decode(said["payload"])
    assert headers == {h["name"]: b64decode(h["value"]).decode() for h in said["headers"] if h["type"] == STRING}


@real
@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_vectors(name: str) -> None:
    with pytest.raises(FrameError):
        read((VECTORS / f"encoded_negative_corrupted_{name}").read_bytes())


values = st.one_of(
    st.sampled_from([b"\x00", b"\x01"]),
    *(
        st.binary(min_size=size, max_size=size).map(bytes([kind]).__add__)
        for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))
    ),
    st.binary(max_size=30).map(lambda b: b"\x06" + pack(">H", len(b)) + b),
    st.text("aé€😀 \n", max_size=20).map(lambda t: b"\x07" + pack(">H", len(t.encode())) + t.encode()),
)
names = st.text("abc-: ", min_size=1, max_size=12)
blocks = st.dictionaries(names, values, max_size=6).map(
    lambda found: b"".join(bytes([len(n)]) + n.encode() + v for n, v in found.items())
)


@given(st.lists(st.tuples(blocks, st.binary(max_size=60)), max_size=5), st.data())
def test_frames_are_those_that_botocore_reads_however_they_arrive(
    messages: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(sealed(block, payload) for block, payload in messages)
    oracle = EventStreamBuffer()
    oracle.add_data(stream)
    expected = [({k: v for k, v in m.headers.items() if isinstance(v, str)}, m.payload) for m in oracle]
    assert read(stream) == expected
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    frames = Frames()
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [(dict(f.headers), f.payload) for piece in pieces for f in frames.feed(piece)] == expected


@given(st.binary(max_size=80))
def test_headers_of_any_bytes_are_read_as_botocore_does_or_refused(block: bytes) -> None:
    oracle = EventStreamBuffer()
    oracle.add_data(sealed(block, b""))
    try:
        (message,) = oracle
    except Exception:  # botocore raises whatever its parts raise: struct.error, KeyError, UnicodeDecodeError, …
        with pytest.raises(FrameError):
            headers_of(block)
        return
    try:
        found = dict(headers_of(block))
    except FrameError:  # botocore takes values that end too early
        return
    assert found == {k: v for k, v in message.headers.items() if isinstance(v, str)}


@given(st.integers(0, 7), st.integers(0, 2**8 - 1))
def test_a_flipped_byte_of_the_prelude_is_found(at: int, value: int) -> None:
    good = bytearray(frame({":message-type": "event"}, b"{}"))
    changed = good[at] != value
    good[at] = value
    if not changed:
        assert len(read(bytes(good))) == 1
        return
    with pytest.raises(FrameError):
        read(bytes(good))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_found(at: int, by: int) -> None:
    good = bytearray(frame({":message-type": "event", ":event-type": "x"}, b'{"a":1}'))
    good[at % len(good)] ^= by
    with pytest.raises(FrameError):
        read(bytes(good))


def lengths(total: int, headers: int) -> bytes:
    prelude = pack(">II", total, headers)
    return prelude + pack(">I", crc32(prelude))


@pytest.mark.parametrize(("total", "headers"), [(0, 0), (12, 0), (15, 0), (16, 1), (2**31, 0), (40, 2**32 - 1)])
def test_lengths_that_cannot_be_are_refused_at_once(total: int, headers: int) -> None:
    with pytest.raises(FrameError):
        read(lengths(total, headers) + bytes(64))


def test_a_frame_past_the_limit_is_refused_before_it_is_held() -> None:
    whole = frame({":message-type": "event"}, bytes(2000))
    assert len(list(Frames(most=len(whole)).feed(whole))) == 1
    with pytest.raises(FrameError, match=f"a frame of {len(whole)} bytes"):
        list(Frames(most=len(whole) - 1).feed(whole[:12]))
