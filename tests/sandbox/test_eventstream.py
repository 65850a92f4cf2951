"""Frames of the event stream: AWS's own vectors, and what botocore reads of them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.sandbox import eventstream
from tests.sandbox.playing import PROTOCOL, specified

VECTORS = PROTOCOL / "eventstream_vectors"
TEXT = 7


@specified
@pytest.mark.parametrize("name", ["empty_message", "payload_no_headers", "payload_one_str_header"])
def test_frames_are_those_of_the_vectors(name: str) -> None:
    told = json.loads((VECTORS / f"decoded_positive_{name}").read_text())
    assert all(header["type"] == TEXT for header in told["headers"])
    headers = [(header["name"], base64.b64decode(header["value"]).decode()) for header in told["headers"]]
    made = eventstream.frame(headers, base64.b64decode(told["payload"]))
    assert made == (VECTORS / f"encoded_positive_{name}").read_bytes()


@given(st.dictionaries(st.text("abc:-", min_size=1, max_size=20), st.text(max_size=50), max_size=4), st.binary())
def test_botocore_reads_what_was_written(headers: dict[str, str], payload: bytes) -> None:
    botocore = pytest.importorskip("botocore.eventstream")
    buffer = botocore.EventStreamBuffer()
    buffer.add_data(eventstream.frame(headers.items(), payload))
    (found,) = list(buffer)
    assert (found.headers, found.payload) == (headers, payload)


@given(st.binary(min_size=1))
def test_a_spoiled_frame_is_not_read(payload: bytes) -> None:
    botocore = pytest.importorskip("botocore.eventstream")
    buffer = botocore.EventStreamBuffer()
    buffer.add_data(eventstream.spoiled(eventstream.event("contentBlockDelta", payload)))
    with pytest.raises(botocore.ChecksumMismatch):
        list(buffer)
