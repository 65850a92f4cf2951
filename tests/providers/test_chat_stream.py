"""Streams of chat completions: content, usage and the end, the same in any split, whatever a provider sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.chat_stream import ChatDecoder
from detente.providers.sse import split
from detente.providers.wire import StreamPart, Tokens
from tests.gateway.script import DONE, ROLE, USED, delta, event, refusal
from tests.providers.test_sse import CUTS, cut

HEAD = {"id": "x", "object": "chat.completion.chunk", "created": 1}
FLOW = [ROLE, delta(content="he"), delta(content="llo"), delta("stop"), USED, DONE]


def decoded(
    pieces: list[bytes], *, asks: bool = False, most: int = 1 << 20, choices: int = 1
) -> tuple[list[bytes], StreamPart]:
    """The events that a caller is shown, and all else that was said, put together."""
    decoder, whole = ChatDecoder(asks, most, choices), StreamPart()
    shown = []
    for piece in pieces:
        part = decoder.feed(piece)
        shown += split(part.data)
        whole.content += part.content
        whole.tokens = part.tokens or whole.tokens
        whole.finish = part.finish or whole.finish
        if part.failure is not None or part.done:
            whole.failure, whole.done = part.failure, part.done
            return shown, whole
    last = decoder.end()
    whole.failure, whole.done = last.failure, last.done
    return shown, whole


@pytest.mark.parametrize("asks", [False, True])
def test_a_whole_stream(asks: bool) -> None:
    shown, whole = decoded([b"".join(FLOW)], asks=asks)
    assert shown == FLOW[: 5 if asks else 4]
    assert whole == StreamPart(content=3, tokens=Tokens(10, 5), finish="stop", done=True)


ODD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "no choices at first, as Azure begins": (event({"choices": [], "prompt_filter_results": []}), {}),
    "a role and empty text": (ROLE, {}),
    "a role and nothing": (delta(role="assistant", content=None), {}),
    "text": (delta(content="x"), {"content": True}),
    "a tool call": (delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}}]), {"content": True}),
    "reasoning, as vLLM sends it": (delta(reasoning_content="hm"), {"content": True}),
    "a refusal": (delta(refusal="no"), {"content": True}),
    "an end": (delta("length"), {"content": True, "finish": "length"}),
    "usage that is null": (
        event({**HEAD, "choices": [{"index": 0, "delta": {"content": "x"}}], "usage": None}),
        {"content": True},
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_an_event_means(name: str) -> None:
    data, means = ODD[name]
    assert ChatDecoder(asks_usage=False).feed(data) == StreamPart(data, **means)


def test_usage_beside_content_is_noted_and_shown() -> None:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 1,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    data = event({**HEAD, "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}], "usage": usage})
    decoder = ChatDecoder(asks_usage=False)
    decoder.feed(delta(content="first"))
    assert decoder.feed(data) == StreamPart(data, content=True, tokens=Tokens(7, 1, cached=4))


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (refusal("content_filter", "filtered"), "filtered", 400),
        (refusal("rate_limit_exceeded"), "throttled", 429),
        ({"error": {"message": "x", "code": 429}}, "throttled", 429),
        (refusal("server_error", "told by the provider"), "unavailable", 503),
        ({"error": {"message": "x", "type": "InternalServerError", "code": 500}}, "unavailable", 503),
        (refusal("odd", "told by the provider"), "unavailable", 503),
        ({"error": "something"}, "unavailable", 503),
        ({"error": {"code": None, "type": None}}, "unavailable", 503),
    ],
)
def test_an_error_within_a_stream(error: dict[str, Any], kind: str, status: int, early: bool) -> None:
    before = [ROLE] if early else [ROLE, delta(content="x")]
    shown, whole = decoded([*before, event(error)])
    assert shown == before
    assert whole.failure is not None
    assert (whole.failure.kind, whole.failure.status, whole.done) == (kind, status, False)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    "half", [b'data: {"choices": [{"delta": {"content": "half a\n\n', b"data: {\n\n", b"data: \xff\n\n"]
)
def test_half_an_event_is_a_failure_and_is_not_shown(half: bytes, early: bool) -> None:
    before = [ROLE] if early else [ROLE, delta(content="x")]
    shown, whole = decoded([*before, half, delta(content="y"), DONE])
    assert shown == before
    assert whole.failure is not None
    assert (whole.failure.kind, whole.done) == ("broken", False)


def test_a_stream_that_only_stops_has_failed_unless_it_gave_its_reason_to_finish() -> None:
    reason = next(n for n, said in enumerate(FLOW) if b'"stop"' in said)
    for upto in range(len(FLOW)):
        _, whole = decoded(FLOW[:upto])
        assert (whole.failure is None) is whole.done is (upto > reason)


@pytest.mark.parametrize("after", [b"data: [DONE] \n\n", b"data:  [done]\n\n", b"data: {half\n\n", b"data: <html>\n\n"])
def test_what_cannot_be_read_behind_the_reason_to_finish_spoils_nothing(after: bytes) -> None:
    """Nothing of the content can be in it; use that comes behind it is read, but for what comes behind a mark."""
    said = [ROLE, delta(content="x"), delta("stop")]
    shown, whole = decoded([*said, after, USED, DONE])
    marked = b"[" in after
    assert shown == said
    assert (whole.done, whole.failure, whole.tokens is None) == (True, None, marked)
    unfinished = decoded([ROLE, delta(content="x"), after, delta("stop"), DONE])[1]
    assert unfinished.failure is not None
    one_of_two = decoded([*said, after, DONE], choices=2)[1]
    assert one_of_two.failure is not None


BLANK = (b"data:\n\n", b"data\n\n", b"data:  \n\n", b"event: ping\ndata:\n\n", b": hm\ndata:\ndata:\n\n")


@pytest.mark.parametrize("blank", BLANK)
def test_an_event_of_nothing_is_left_out_wherever_it_stands(blank: bytes) -> None:
    """OpenAI's client would read it as JSON, and lose the rest."""
    said = [ROLE, delta(content="x"), delta(content="y"), delta("stop"), USED, DONE]
    expected = decoded(said)
    for at in range(len(said)):
        assert decoded([*said[:at], blank, *said[at:]]) == expected
    comment = b": alive\n\n"
    assert decoded([*said[:2], comment, *said[2:]])[0] == [*said[:2], comment, *said[2:4]]


def test_what_follows_the_end_is_not_read() -> None:
    decoder = ChatDecoder(asks_usage=False)
    part = decoder.feed(delta("stop", content="x") + DONE + delta(content="y"))
    assert (part.data, part.done) == (delta("stop", content="x"), True)
    assert decoder.feed(delta(content="z")) == StreamPart()
    assert decoder.end() == StreamPart(done=True)


@pytest.mark.parametrize("said", [[], [ROLE], [ROLE, delta(content="half")], [ROLE, delta(content="half"), USED]])
def test_an_end_without_a_reason_to_finish_is_no_end(said: list[bytes]) -> None:
    """As after an error that was not understood."""
    _, whole = decoded([*said, DONE])
    assert whole.failure is not None
    assert (whole.failure.kind, whole.done) == ("broken", False)


def test_any_reason_to_finish_is_an_end() -> None:
    for chunk in (delta("tool_calls"), delta("function_call"), delta("eos")):
        assert decoded([ROLE, chunk, DONE])[1].done


def test_an_end_is_one_once_each_choice_that_was_asked_for_has_finished() -> None:
    """Of ``n`` choices, also in one chunk."""
    first, second = ({"index": at, "delta": {"content": "x"}, "finish_reason": "stop"} for at in (0, 1))
    cut = {**second, "finish_reason": None}
    for chunks, why in (
        ([[first], [second]], None),
        ([[first, second]], None),
        ([[first], [cut]], "without a reason to finish of 1 of 2 choices"),
        ([[first]], "without a reason to finish of 1 of 2 choices"),
    ):
        _, whole = decoded([*(event({"choices": chunk}) for chunk in chunks), DONE], choices=2)
        assert whole.done == (why is None)
        assert whole.failure is None or (whole.failure.kind, why) == ("broken", whole.failure.error["message"][30:])


@pytest.mark.parametrize("reason", ["error", "abort"])
def test_a_reason_to_finish_that_says_that_it_failed_is_a_failure(reason: str) -> None:
    for said in ([], [delta(content="half")]):
        shown, whole = decoded([ROLE, *said, delta(reason), USED, DONE])
        assert shown == [ROLE, *said]
        assert whole.failure is not None
        assert (whole.failure.kind, whole.done) == ("unavailable", False)


NAMED = b'event: error\ndata: {"message": "told by the provider", "code": 429}\n\n'
UNNAMED = event({"object": "error", "message": "told by the provider", "code": 400})
PAGE = b"data: <html><style>a{}\n\n"


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(("error", "kind"), [(NAMED, "throttled"), (UNNAMED, "refused"), (PAGE, "broken")])
@given(CUTS)
def test_an_error_in_another_shape_is_an_error_in_any_split(
    error: bytes, kind: str, early: bool, places: list[int]
) -> None:
    before = [ROLE] if early else [ROLE, delta(content="x")]
    shown, whole = decoded(cut(b"".join([*before, error, delta("stop"), DONE]), places))
    assert shown == before
    assert whole.failure is not None
    assert (whole.failure.kind, whole.done) == (kind, False)


def test_nesting_and_counts_beyond_reason_are_bounded() -> None:
    nested = b'data: {"choices":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"
    _, whole = decoded([nested])
    assert whole.failure is not None
    assert whole.failure.kind == "broken"
    for count in (2**53 + 1, 10**399):
        usage = {"prompt_tokens": count, "completion_tokens": 1}
        assert decoded([delta("stop"), event({"choices": [], "usage": usage}), DONE])[1].tokens is None


def test_text_that_looks_like_members_is_text() -> None:
    for text in ('"usage": {}', '"error"', '"finish_reason":"stop"', "data: [DONE]\n\n", '{"error": 1}'):
        decoder = ChatDecoder(asks_usage=False)
        decoder.feed(delta(content="first"))
        assert decoder.feed(delta(content=text)) == StreamPart(delta(content=text), content=True)


def test_an_event_that_grows_past_its_bound_is_a_failure() -> None:
    _, whole = decoded([b"data: " + b"x" * 90, b"x" * 20], most=100)
    assert whole.failure is not None
    assert whole.failure.kind == "broken"


TEXT = st.text(max_size=12)
CHUNKS = st.one_of(
    TEXT.map(lambda t: delta(content=t)),
    st.sampled_from([": ping\n\n", "id: 5\n: x\n\n"]).map(str.encode),
    st.sampled_from([ROLE, USED, delta("stop"), delta(tool_calls=[{"index": 0, "id": "a"}])]),
    st.sampled_from([NAMED, UNNAMED, PAGE]),
    st.sampled_from([event({"choices": []}), event({"choices": [], "usage": None}), event(refusal("oops"))]),
)


@given(st.lists(CHUNKS, max_size=8), st.booleans(), st.booleans(), CUTS)
def test_a_stream_is_the_same_in_any_split(chunks: list[bytes], ends: bool, asks: bool, places: list[int]) -> None:
    data = b"".join([*chunks, *([DONE] if ends else [])])
    assert decoded(cut(data, places), asks=asks) == decoded([data], asks=asks)
    crlf = data.replace(b"\n", b"\r\n")
    assert decoded(cut(crlf, places), asks=asks) == decoded([data], asks=asks)


@pytest.mark.parametrize(
    "nothing", [delta(content=""), delta(role="assistant"), delta(), event({"choices": [], "usage": None})]
)
def test_a_chunk_that_says_nothing_is_no_piece_whatever_came_before(nothing: bytes) -> None:
    said = delta(content="x")
    for chunks in ([said, nothing, said], [said, nothing + said], [said, said + nothing], [said + nothing + said]):
        assert decoded([*chunks, delta("stop"), DONE])[1].content == 3  # the reason to finish is one


SOUP = st.lists(CHUNKS | st.binary(max_size=20) | st.sampled_from([DONE, b"data: ", b"{}", b"\n\n"]), max_size=8)


@given(SOUP.map(b"".join), CUTS)
def test_any_bytes_are_read_without_error_and_end_well_or_not(data: bytes, places: list[int]) -> None:
    for pieces in ([data], cut(data, places)):
        shown, whole = decoded(pieces, most=200)
        assert whole.done == (whole.failure is None)
        assert not [e for e in shown if e == DONE]
        if whole.failure is not None:
            json.dumps(whole.failure.error)


def test_a_comment_is_shown_once_there_is_content_and_is_none_itself() -> None:
    decoder, alive = ChatDecoder(asks_usage=False), b": keep-alive\n\n"
    assert decoder.feed(alive) == StreamPart()
    assert decoder.feed(delta(content="a")).content == 1
    assert decoder.feed(alive) == StreamPart(alive)


def tight(said: bytes) -> bytes:
    """Events as most providers write them, without blanks between members."""
    return b"".join(
        b"data: " + json.dumps(json.loads(one[6:]), separators=(",", ":")).encode() + b"\n\n" for one in split(said)
    )


LIKE = [
    *(
        tight(delta(content=text))
        for text in ("x", 'a "quoted" word', "a\\", '","finish_reason":"stop', "é", "a\nb", "")
    ),
    tight(delta("stop", content="x")),
    tight(delta(content="x", tool_calls=[])),
    tight(delta(content="x", tool_calls=None)),
    tight(delta(content="x", tool_calls=[{"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}])),
    tight(delta(content="x") + delta("stop")),
    tight(delta(content="x") + delta(content="y")),
    tight(delta(content="x"))[:-2],
    tight(event({"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"prompt_tokens": 1}})),
    event({"error": {"message": "no"}}),
    b": comment\n\n",
    DONE,
]


@pytest.mark.parametrize("following", LIKE)
def test_what_follows_plain_events_means_what_it_means_to_who_reads_each(following: bytes) -> None:
    begun = [tight(ROLE), *[tight(delta(content="hello"))] * 3]
    ahead = decoded([*begun, following, following])
    assert ahead == decoded([b"".join([*begun, following, following])])  # in one piece, each event is looked into


def test_a_call_that_begins_beside_text_is_one_however_its_stream_is_cut() -> None:
    """Its beginning, which alone names it, stood in an event that was taken for text and nothing else."""
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
    more = [delta(tool_calls=[{"index": 0, "function": {"arguments": text}}]) for text in ('{"a":', "1}")]
    said = [ROLE, delta(content="Let me "), delta(content="now.", tool_calls=[begun]), *more, delta("tool_calls")]
    events = [tight(one) for one in said]
    data = b"".join([*events, DONE])
    for size in (*range(1, 9), 50, 300, len(data)):
        shown, whole = decoded([data[at : at + size] for at in range(0, len(data), size)])
        assert (shown, whole.failure, whole.finish) == (events, None, "tool_calls")
    assert decoded([*events, DONE])[0] == events


def test_what_follows_plain_events_and_is_not_utf_8_is_broken() -> None:
    said = tight(delta(content="hello"))
    _, whole = decoded([tight(ROLE), said, said, said.replace(b"hello", b"\xff")])
    assert whole.content == 2
    assert whole.failure is not None


# -- what is no stream ------------------------------------------------------------------------------------------------
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi", "tool_calls": [CALL, {**CALL, "id": "c2"}]}}
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
WHOLE["choices"][0]["finish_reason"] = "tool_calls"  # type: ignore[index]


@given(CUTS, st.sampled_from([None, 2]))
def test_a_completion_that_comes_whole_is_its_stream(places: list[int], indent: int | None) -> None:
    reader = ChatDecoder(False)
    for piece in cut(json.dumps(WHOLE, indent=indent).encode(), places):
        assert reader.feed(piece) == StreamPart()
    found = reader.end()
    assert (found.content, found.finish, found.tokens, found.done) == (1, "tool_calls", Tokens(10, 5), True)
    (choice,) = json.loads(found.data[6:])["choices"]
    assert (choice["delta"]["content"], [call["index"] for call in choice["delta"]["tool_calls"]]) == ("hi", [0, 1])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "busy", "code": "429"}}, "throttled"),
        ({"object": "error", "message": "maximum context length is 5", "code": 400}, "too-long"),
        ({**WHOLE, "choices": []}, "broken"),
        ({**WHOLE, "choices": [{"index": 0, "message": None, "finish_reason": "stop"}]}, "broken"),
        ({**WHOLE, "choices": [{"index": 0, "finish_reason": "stop"}]}, "broken"),
        ({**WHOLE, "choices": [{"index": 0, "message": {"content": "cut"}}]}, "broken"),
        ({"detail": "no"}, "broken"),
    ],
)
def test_one_that_is_none_has_failed(said: dict[str, Any], kind: str) -> None:
    _, whole = decoded([json.dumps(said).encode()])
    assert whole.failure is not None
    assert whole.failure.kind == kind
    _, whole = decoded([json.dumps(WHOLE).encode()[:-9]])
    assert whole.failure is not None


@pytest.mark.parametrize("data", [{}, {"id": "x", "citations": ["a"]}, {"choices": None}, {"choices": {}}])
def test_an_event_without_choices_has_none_to_go_through(data: dict[str, Any]) -> None:
    shown, whole = decoded([b"event: ping\n" + event(data), delta("stop", content="x"), DONE])
    assert json.loads(shown[0][6:]) == {**data, "choices": []}
    assert whole.content == 1


@pytest.mark.parametrize("stated", [{}, {"delta": None}, {"delta": []}], ids=str)
@pytest.mark.parametrize("finish", [None, "stop"])
def test_a_choice_without_a_delta_has_an_empty_one_to_look_into(stated: dict[str, Any], finish: str | None) -> None:
    """Azure sends what it filtered later so; OpenAI's client raises where it finds none."""
    decoder = ChatDecoder(asks_usage=False)
    decoder.feed(ROLE + delta(content="a"))
    part = decoder.feed(event({**HEAD, "choices": [{"index": 0, "finish_reason": finish, **stated}]}))
    told = json.loads(part.data.removeprefix(b"data: "))
    assert told == {**HEAD, "choices": [{"index": 0, "finish_reason": finish, "delta": {}}]}
    assert (part.content, part.finish) == (int(finish is not None), finish)
