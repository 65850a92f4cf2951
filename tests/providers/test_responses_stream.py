"""The decoder of OpenAI's responses: what events mean, in any split and with any line ends; bounded; whole replies."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.providers.responses_stream import ResponsesDecoder, reply_of_response
from detente.providers.wire import Failure, Reply, StreamPart, Tokens
from tests.providers.test_chat_stream import BLANK

CORPUS = Path(__file__).parents[1] / "gateway" / "surfaces" / "corpus" / "responses_streams"
NAMES = sorted(file.stem for file in CORPUS.glob("*.json"))
LAW = settings(
    deadline=None, derandomize=True, database=None, max_examples=130, suppress_health_check=list(HealthCheck)
)


def shape(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def event(data: dict[str, Any]) -> bytes:
    """As OpenAI writes it: the name of the event, and compact JSON."""
    return f"event: {data['type']}\n".encode() + b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def events_of(name: str) -> list[bytes]:
    return [event(data) for data in shape(name)["events"]]


def read(pieces: list[bytes], most: int = 1 << 20) -> StreamPart:
    """All that a stream means; its end with it."""
    decoder, all_ = ResponsesDecoder(most), StreamPart()
    for part in [*map(decoder.feed, pieces), decoder.end()]:
        all_.data += part.data
        all_.content += part.content
        all_.done |= part.done
        all_.tokens, all_.finish = part.tokens or all_.tokens, part.finish or all_.finish
        all_.failure = all_.failure or part.failure
    return all_


@pytest.mark.parametrize("name", NAMES)
def test_what_a_stream_means(name: str) -> None:
    expected, events = shape(name), events_of(name)
    found = read(events)
    assert found.tokens == (Tokens(*expected["tokens"]) if expected.get("tokens") else None)
    assert found.finish == expected.get("finish")
    assert found.done == ("failure" not in expected)
    if "failure" in expected:
        assert found.failure is not None
        assert [found.failure.kind, found.failure.status] == expected["failure"]
        assert found.failure.error["message"]
    else:
        assert found.failure is None
    ends = len(events) if found.done or name == "cut" else len(events) - 1  # a failure is the gateway's to tell
    assert found.data == b"".join(events[:ends])


@pytest.mark.parametrize("name", [name for name in NAMES if "first" in shape(name)])
def test_content_begins_with_the_first_that_is_made(name: str) -> None:
    decoder = ResponsesDecoder()
    parts = [decoder.feed(one) for one in events_of(name)]
    assert [bool(part.content) for part in parts].index(True) == shape(name)["first"]
    assert all(part.data for part in parts[: shape(name)["first"]])


ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


@LAW
@given(st.sampled_from(NAMES), st.sampled_from(sorted(ENDS)), st.booleans(), st.data())
def test_any_split_and_any_line_ends_mean_the_same(name: str, ends: str, named: bool, data: st.DataObject) -> None:
    events = events_of(name)
    if not named:
        events = [one[one.index(b"data:") :] for one in events]
    stream = b": hello\n\n" + b": still here\n\n".join(events) + b"\n"  # a last CR waits for an LF: one more line
    wire = stream.replace(b"\n", ENDS[ends])
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10))), len(wire)]
    assert read([wire[a:b] for a, b in pairwise(cuts)]) == read([stream])


def test_data_in_several_lines_is_read_as_one() -> None:
    found = read([b'event: error\ndata: {"type":"error",\ndata: "code":"rate_limit_exceeded"}\n\n'])
    assert found.failure is not None
    assert found.failure.kind == "throttled"


def test_what_comes_after_the_end_is_not_told() -> None:
    events = events_of("text")
    assert read([b"".join(events) + b"data: [DONE]\n\n" + events[0]]).data == b"".join(events)
    decoder = ResponsesDecoder()
    decoder.feed(b"".join(events))
    assert decoder.feed(events[0]) == StreamPart()


def test_a_mark_of_completion_completes_nothing() -> None:
    found = read([*events_of("cut"), b"data: [DONE]\n\n"])
    assert not found.done
    assert found.failure is not None
    assert found.failure.fails_over
    assert b"[DONE]" not in found.data


@pytest.mark.parametrize("before", [0, 3, 6], ids=["at once", "before content", "after content"])
@pytest.mark.parametrize(
    "broken",
    [
        b'event: response.output_text.delta\ndata: {"type":\n\n',
        b"data: \xff\n\n",
        b"data: 5\n\n",
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"b" oops}\n\n',
        b'data: {"type":"response.output_text.delta","delta":"b"} {}\n\n',
        b"event: response.output_text.delta\ndata: {oops}\n\n",
    ],
)
def test_an_event_that_cannot_be_read_is_broken(before: int, broken: bytes) -> None:
    events = events_of("text")[:before]
    found = read([*events, broken])
    assert found.failure is not None
    assert found.failure.kind == "broken"
    assert found.data == b"".join(events)


def test_an_event_without_end_is_broken_and_held_no_longer() -> None:
    found = read([events_of("text")[0], b"data: " + b"x" * 3000, b"x" * 3000], most=4000)
    assert found.failure is not None
    assert found.failure.kind == "broken"
    assert "4,000 bytes" in found.failure.error["message"]


def test_failures_do_not_repeat_what_a_provider_says_of_itself() -> None:
    """Its words may name hosts and accounts; those about the request itself are the caller's to read."""
    secret = {"type": "error", "code": "server_error", "message": "host 10.0.0.7 of account 42 is down"}
    found = read([event(secret)])
    assert found.failure is not None
    assert "10.0.0.7" not in found.failure.error["message"]
    told = read([event(secret | {"code": "invalid_image", "message": "Not an image.", "param": "input"})])
    assert told.failure is not None
    assert (told.failure.error["message"], told.failure.error["param"]) == ("Not an image.", "input")
    assert not told.failure.fails_over


@LAW
@given(st.lists(st.binary(max_size=40) | st.sampled_from(events_of("text") + events_of("failed-later")), max_size=8))
def test_any_bytes_mean_something(pieces: list[bytes]) -> None:
    found = read(pieces)
    assert found.done or found.failure is not None


# -- whole replies --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in NAMES if "finish" in shape(name)])
def test_a_whole_reply_means_what_its_stream_means(name: str) -> None:
    expected = shape(name)
    body = json.dumps(expected["events"][-1]["response"]).encode()
    tokens = Tokens(*expected["tokens"]) if expected["tokens"] else None
    assert reply_of_response(body) == Reply(body, tokens, expected["finish"])


@pytest.mark.parametrize("name", ["failed-at-once", "failed-at-its-limit", "refused-image"])
def test_a_whole_reply_that_failed_is_a_failure(name: str) -> None:
    expected = shape(name)
    found = reply_of_response(json.dumps(expected["events"][-1]["response"]).encode())
    assert isinstance(found, Failure)
    assert [found.kind, found.status] == expected["failure"]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": 5},
        {"input_tokens": -5, "output_tokens": 1},
        {"input_tokens": 2**53 + 1, "output_tokens": 1},
        {"input_tokens": 5, "output_tokens": 10**18},
        {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 6}},
        {"input_tokens": 5, "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 2}},
    ],
)
def test_usage_that_is_absent_or_contradicts_itself_is_unknown(usage: Any) -> None:
    found = reply_of_response(json.dumps({"status": "completed", "output": [{}], "usage": usage}).encode())
    assert isinstance(found, Reply)
    assert found.tokens is None


@LAW
@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b'{"usage":{"input_tokens":1.5}}', b'{"error":"x"}']))
def test_any_whole_reply_is_read_or_broken(body: bytes) -> None:
    found = reply_of_response(body)
    assert isinstance(found, Reply) or found.kind == ("unavailable" if b'"error"' in body else "broken")


# -- what says nothing ------------------------------------------------------------------------------------------------
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
PIECE = {"type": "response.output_text.delta", "delta": "a"}
SIGNS: list[dict[str, Any]] = [
    {"type": "ping"},
    {"x": 1},
    {"type": "keepalive"},
    {"type": "codex.rate_limits", "delta": "a"},
    PIECE | {"delta": ""},
    {"type": "response.output_item.added", "item": {"type": "message"}},
]


def unnamed(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


@pytest.mark.parametrize("said", SIGNS, ids=str)
def test_a_sign_of_life_is_no_content_before_the_first_or_after(said: dict[str, Any]) -> None:
    decoder = ResponsesDecoder()
    assert not decoder.feed(unnamed(CREATED) + unnamed(said)).content
    assert decoder.feed(unnamed(PIECE)).content == 1
    for pieces, told in ((1, unnamed(said)), (3, unnamed(PIECE) * 2 + unnamed(said) + unnamed(PIECE))):
        found = decoder.feed(told)
        assert (found.content, found.failure) == (pieces if told != unnamed(said) else 0, None)


@pytest.mark.parametrize("blanks", [True, False])
def test_pieces_are_counted_alike_however_they_are_written(blanks: bool) -> None:
    decoder = ResponsesDecoder()
    said = unnamed(PIECE) if blanks else event(PIECE)
    assert [decoder.feed(said * 3).content for _ in range(2)] == [3, 3]


HOLLOW: list[tuple[dict[str, Any], bool]] = [
    ({}, False),
    ({"response": None}, False),
    ({"response": {}}, False),
    ({"response": {"output": None}}, False),
    ({"response": {"status": "completed", "output": {}}}, False),
    ({"response": {"status": "failed", "output": [], "error": {"code": "server_error", "message": "x"}}}, True),
    ({"response": {"status": "cancelled", "output": []}}, True),
]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"status": "incomplete", "output": [], "incomplete_details": {"reason": "max_output_tokens"}}, "incomplete"),
        ({"output": []}, "incomplete"),
        ({"status": "completed", "output": [{"type": "reasoning", "summary": []}]}, "completed"),
    ],
    ids=str,
)
def test_an_answer_that_was_cut_before_it_began_is_one_and_so_is_a_thought(said: dict[str, Any], kind: str) -> None:
    found = read([unnamed(CREATED), unnamed({"type": f"response.{kind}", "response": said})])
    assert (found.done, found.failure) == (True, None)
    whole = reply_of_response(json.dumps(said, indent=1).encode())
    assert isinstance(whole, Reply) is ("status" in said)  # an event says by its type that it was cut


@pytest.mark.parametrize("blank", ["[]", "[ ]", "[\n]"])
def test_a_whole_response_without_an_item_is_a_failure(blank: str) -> None:
    response = b'{"status":"completed","output":%b}' % blank.encode()
    found = reply_of_response(response)
    assert isinstance(found, Failure)
    assert found.fails_over
    end = b'data: {"type":"response.completed","response":%b}\n\n' % response.replace(b"\n", b" ")
    cut = read([unnamed(CREATED), end]).failure
    assert cut is not None
    assert cut.fails_over
    assert read([unnamed(CREATED), unnamed(PIECE), end]).done  # all of it had been told


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
@pytest.mark.parametrize(("said", "always"), HOLLOW, ids=str)
def test_an_end_that_holds_nothing_or_says_that_it_failed_is_a_failure(
    said: dict[str, Any], always: bool, kind: str
) -> None:
    """After its text one that holds nothing is whole all the same: what it would hold has been told."""
    end = unnamed({"type": f"response.{kind}"} | said)
    found = read([unnamed(CREATED), end])
    assert (found.done, found.content) == (False, 0)
    assert found.failure is not None
    assert found.failure.fails_over
    assert read([unnamed(CREATED), unnamed(PIECE), end]).done is not always


def test_a_usage_that_clients_cannot_reckon_with_is_null_in_a_stream_and_in_a_whole_reply() -> None:
    said = {"id": "resp_1", "status": "completed", "output": [{"type": "message"}], "usage": ["12"]}
    found = read([event({"type": "response.completed", "response": said})])
    assert (found.done, found.tokens) == (True, None)
    assert found.data == event({"type": "response.completed", "response": {**said, "usage": None}})
    whole = reply_of_response(json.dumps(said).encode())
    assert isinstance(whole, Reply)
    assert (json.loads(whole.body), whole.tokens) == ({**said, "usage": None}, None)


@pytest.mark.parametrize("blank", BLANK)
def test_an_event_of_nothing_is_left_out_wherever_it_stands(blank: bytes) -> None:
    said = events_of("text")
    for at in range(len(said)):
        assert read([*said[:at], blank, *said[at:]]) == read(said)


@pytest.mark.parametrize("kind", ["response.in_progress", "response.queued"])
@pytest.mark.parametrize("held", [[], "x", 7])
def test_a_sign_of_life_that_holds_no_response_is_left_out(kind: str, held: Any) -> None:
    """Nothing of the content can be in it. One that should begin the response, or end it, cannot be done without."""
    said = events_of("text")
    for at in range(len(said)):
        assert read([*said[:at], event({"type": kind, "response": held}), *said[at:]]) == read(said)
    for needed in ("response.created", "response.completed"):
        failed = read([*said[:1], event({"type": needed, "response": held}), *said[1:]]).failure
        assert failed is not None
        assert failed.kind == "broken"
