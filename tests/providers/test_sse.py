"""Server-sent events: the same events in any split, with any line ends, bounded."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detente.providers.sse import Events, OverlongError, data_of, event, split


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def events_of(pieces: list[bytes]) -> list[bytes]:
    reader = Events()
    return [found for piece in pieces for found in reader.feed(piece)]


CUTS = st.lists(st.integers(0, 500), max_size=12)
ENDS = [b"\n", b"\r\n", b"\r"]
CRUMBS = st.sampled_from([b"data: a", b"data:b", b"event: x", b": note", b"id: 1", b"data", b"\xff", *ENDS])


@given(st.lists(CRUMBS | st.binary(max_size=4), max_size=20).map(b"".join), CUTS)
@example(b"data: a\r\n\r\ndata: b\r\r", [9])
@example(b"data: a\r\n\r\n", [8, 9, 10])
def test_any_bytes_are_the_same_events_in_any_split(data: bytes, places: list[int]) -> None:
    data += b"\n"  # a CR at the very end waits for the LF that may follow
    assert events_of(cut(data, places)) == events_of([data])


@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda d: not set(d) & {10, 13}), max_size=6), CUTS)
def test_what_is_written_is_read_back(datas: list[bytes], places: list[int]) -> None:
    written = b"".join(map(event, datas))
    for sent in (written, written.replace(b"\n", b"\r\n")):
        assert [data_of(found) for found in events_of(cut(sent, places))] == datas


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"data: one\n\n", b"one"),
        (b"data:one\n\n", b"one"),
        (b"data:  one\n\n", b" one"),
        (b"data: one\ndata: two\n\n", b"one\ntwo"),
        (b"event: delta\ndata: one\nid: 4\n\n", b"one"),
        (b": note\n\n", b""),
        (b"data\n\n", b""),
        (b"data:\n\n", b""),
        (b"database: no\n\n", b""),
        (b"data: a: b\n\n", b"a: b"),
    ],
)
def test_the_data_of_an_event(text: bytes, data: bytes) -> None:
    assert data_of(text) == data


def test_blank_lines_beyond_the_one_that_ends_an_event_belong_to_none() -> None:
    assert split(b"\n\ndata: a\n\n\n\n\ndata: b\n\n") == [b"data: a\n\n", b"data: b\n\n"]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_event_that_does_not_end_is_held_up_to_a_bound(size: int) -> None:
    reader = Events(most=100)
    assert reader.block(b"data: fine\n\n" * 50)  # whole ones may be more
    for _ in range(100 // size):
        assert reader.block(b"x" * size) == b""
    with pytest.raises(OverlongError, match="over 100 bytes"):
        reader.block(b"x" * size)


def test_part_of_an_event_is_open() -> None:
    reader = Events()
    reader.block(b"data: a\n\n")
    assert not reader.open
    reader.block(b"data: b\n")
    assert reader.open


def test_an_event_s_name() -> None:
    assert event(b"{}", "message_start") == b"event: message_start\ndata: {}\n\n"


@given(st.lists(st.integers(0, 40), max_size=3))
def test_a_byte_order_mark_is_no_part_of_the_first_event(places: list[int]) -> None:
    """Taken for one, it hid the event's data, and with it the beginning of an answer."""
    stream = b"\xef\xbb\xbfdata: {}\n\ndata: \xef\xbb\xbf\n\n"
    events = Events()
    found = [event for piece in cut(stream, places) for event in events.feed(piece)]
    assert [data_of(event) for event in found] == [b"{}", b"\xef\xbb\xbf"]
