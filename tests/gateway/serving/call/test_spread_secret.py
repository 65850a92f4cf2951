"""Our own credential where a provider spreads it over several pieces of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.serving.call import spread_secret
from detente.gateway.serving.call.redaction import SHORTEST, STRUCK, sought
from detente.gateway.serving.call.spread_secret import SpreadSecret
from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from tests.gateway.caller import STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, ROLE, SSE, USED, chunked, delta, event, play
from tests.gateway.stage import SECRET, Stage, one

KEY = "sk-proj-abcdefghij"


def chat(text: str) -> bytes:
    return delta(content=text)


def second(text: str) -> bytes:
    """A piece of another choice, which comes first in its event's list, as each does."""
    return chat(text).replace(b'"index": 0', b'"index": 1')


def arguments(text: str) -> bytes:
    return delta(tool_calls=[{"index": 1, "function": {"arguments": text}}])


def message(text: str, kind: str = "text", block: int = 0) -> bytes:
    said = {"type": "content_block_delta", "index": block, "delta": {"type": f"{kind}_delta", kind: text}}
    return sse.event(json.dumps(said).encode(), "content_block_delta")


def response(text: str, item: int = 0) -> bytes:
    said = {"type": "response.output_text.delta", "output_index": item, "content_index": 0, "delta": text}
    return sse.event(json.dumps(said).encode(), "response.output_text.delta")


def typed(kind: str, **more: object) -> bytes:
    return sse.event(json.dumps({"type": kind, **more}).encode(), kind)


SHAPES: dict[str, Callable[[str], bytes]] = {
    "chat": chat,
    "another choice": second,
    "arguments": arguments,
    "reasoning": lambda text: delta(reasoning_content=text),
    "messages": message,
    "thinking": lambda text: message(text, "thinking"),
    "input": lambda text: message(text, "partial_json", 2),
    "responses": response,
}
"""An event with a piece of a text, by where that is."""
COMMENT = b": alive\n\n"
PING = typed("ping")
OF_COMPLETIONS = [
    COMMENT,
    chat(""),
    delta(),
    delta(role="assistant"),
    delta(content=None),
    delta(refusal="no"),
    event({"choices": []}),
    USED,
    delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": "sk-proj-"}}]),
    event({"choices": [{"index": 7, "delta": {"content": "sk-proj-"}}, {"index": 8, "delta": {"content": "é"}}]}),
    event({"choices": [{"index": 7, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "sk-proj-ab"}]}}]}),
    b'data: {"choices": [{"index": 9, "delta": {"content": "\\u0073k-proj-"}}], "n": 1234567890123456789012345}\n\n',
]
OF_MESSAGES = [
    *(COMMENT, PING, message(""), message("sk-proj-", block=7), message("x", "signature")),
    typed("content_block_stop", index=7),
]
BESIDE = {
    **dict.fromkeys(["chat", "another choice", "arguments", "reasoning"], OF_COMPLETIONS),
    **dict.fromkeys(["messages", "thinking", "input"], OF_MESSAGES),
    "responses": [
        *(COMMENT, response(""), response("sk-proj-", 7)),
        typed(
            "response.output_text.annotation.added", output_index=0, content_index=0, annotation={"url": "sk-proj-a"}
        ),
        typed("response.output_text.done", output_index=7, content_index=0, text="sk-proj-"),
    ],
}
"""Events that say nothing more of such a text."""


def texts(said: Any) -> list[str]:
    """All that is said in an event, in its order."""
    if isinstance(said, str):
        return [said]
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return [text for part in parts for text in texts(part)]


def text_of(data: bytes, shape: str) -> str:
    """What it comes to: what those events say that are of a shape; of others, nothing."""
    blank = texts(json.loads(sse.data_of(SHAPES[shape]("\0"))))
    found = ""
    for came in sse.split(data):
        said = texts(json.loads(sse.data_of(came) or b"0"))
        place = blank.index("\0")
        if len(said) == len(blank) and came not in BESIDE[shape]:
            found += said[place]
            said[place] = "\0"
            assert said == blank
    return found


def told(parts: Sequence[bytes], key: str = KEY) -> bytes:
    hides = SpreadSecret(sought((key,)))
    return b"".join([*map(hides.struck, parts), hides.rest()])


def escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


def spelled(said: Any, rng: Random) -> str:
    """JSON with some letters escaped."""
    if isinstance(said, str):
        letters = [escaped(letter) if rng.random() < 0.2 else json.dumps(letter)[1:-1] for letter in said]
        return '"' + "".join(letters) + '"'
    if isinstance(said, dict):
        return "{" + ",".join(json.dumps(name) + ":" + spelled(part, rng) for name, part in said.items()) + "}"
    return "[" + ",".join(spelled(part, rng) for part in said) + "]" if isinstance(said, list) else json.dumps(said)


def without(text: str, cuts: Sequence[int]) -> str:
    """A text without the secret, but for one that is cut within its first seven letters."""
    found, last = "", 0
    while (start := text.find(KEY, last)) >= 0:
        first = min((cut for cut in cuts if start < cut < start + len(KEY)), default=start + len(KEY))
        found += text[last:start] + (STRUCK if first - start >= SHORTEST else KEY)
        last = start + len(KEY)
    return found + text[last:]


@settings(max_examples=100)
@given(st.data(), st.randoms(use_true_random=False))
def test_of_a_text_in_pieces_its_caller_is_told_all_but_the_secret(data: st.DataObject, rng: Random) -> None:
    """However it is cut and spelled, and whatever stands between; all else comes as it came, in its order."""
    shape = data.draw(st.sampled_from(sorted(SHAPES)))
    words = [KEY, f"see {KEY}", KEY[:8], KEY[:12], KEY[:17], KEY[8:], " so", 'é\n"', "j"]
    text = "".join(data.draw(st.lists(st.sampled_from([*words, KEY]), min_size=1, max_size=4)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text)), max_size=6)) - {len(text)})
    edges = [0, *cuts, len(text)]
    came = [SHAPES[shape](text[a:b]) for a, b in pairwise(edges)]
    came = [
        sse.with_data(plain, spelled(json.loads(sse.data_of(plain)), rng).encode()) if rng.random() < 0.5 else plain
        for plain in came
    ]
    beside = data.draw(st.lists(st.tuples(st.integers(0, len(came)), st.sampled_from(BESIDE[shape])), max_size=5))
    for place, other in sorted(beside, key=lambda one: -one[0]):
        came.insert(place, other)
    at = sorted(data.draw(st.sets(st.integers(0, len(came)))))
    shown = told([b"".join(came[a:b]) for a, b in pairwise([0, *at, len(came)])])
    assert text_of(shown, shape) == without(text, cuts)
    assert len(sse.split(shown)) == len(came)
    for before, after in zip(came, sse.split(shown), strict=True):
        if before in BESIDE[shape]:
            assert after == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "pieces",
    [
        ["keys begin with sk-proj-", " and go on otherwise"],
        ["sk-proj-a", "sk-proj-", "x"],
        ["sk-proj-abc", "def", "x"],
        ["it ends with sk-proj-"],
        ["sk-proj-abc", ""],
        ["sk-proj-abc", "", "x"],
    ],
)
def test_what_only_begins_as_a_secret_is_told_as_it_was(shape: str, pieces: list[str]) -> None:
    events = [SHAPES[shape](piece) for piece in pieces]
    assert told(events) == b"".join(events)


def test_a_secret_that_begins_as_it_goes_on_is_found_wherever_it_begins() -> None:
    """Thirteen a, of which the first is not its beginning, and then the rest of it."""
    key = "a" * 13 + "b"
    assert text_of(told([chat("a" * 13), chat("ab.")], key), "chat") == f"a{STRUCK}."
    assert text_of(told([chat("a" * 8), chat("a" * 7), chat("b.")], key), "chat") == f"aa{STRUCK}."
    assert told([chat("a" * 20), chat("c")], key) == chat("a" * 20) + chat("c")


def test_two_texts_may_wait_at_once_and_each_is_struck_by_itself() -> None:
    events = [chat(KEY[:9]), second(KEY[:8] + "x"), second(KEY[:10]), chat(KEY[9:]), second("x")]
    shown = [chat(STRUCK), second(KEY[:8] + "x"), second(KEY[:10]), chat(""), second("x")]
    assert [json.loads(sse.data_of(one)) for one in sse.split(told(events))] == [json.loads(one[6:]) for one in shown]


@pytest.mark.parametrize(
    ("piece", "another", "end"),
    [
        (message, typed("content_block_stop", index=1), typed("content_block_stop", index=0)),
        (
            response,
            typed("response.output_text.done", output_index=1, content_index=0, text="see sk-proj-"),
            typed("response.output_text.done", output_index=0, content_index=0, text="see sk-proj-"),
        ),
    ],
)
def test_what_says_that_a_text_is_over_ends_the_wait(piece: Callable[[str], bytes], another: bytes, end: bytes) -> None:
    hides = SpreadSecret(sought((KEY,)))
    assert hides.struck(piece("see sk-proj-") + another) == b""
    assert hides.holds
    assert hides.struck(end) == piece("see sk-proj-") + another + end
    assert not hides.holds


def test_the_letters_of_a_text_may_stand_in_parts_and_in_tokens() -> None:
    """In a list of them, and from one event to the next; what stands beside each is another text."""

    def tokens(*said: str) -> bytes:
        each = [{"token": token, "top_logprobs": [{"token": "q"}, {"token": "x"}]} for token in said]
        return event({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": each}}]})

    def parts(*said: str) -> bytes:
        return delta(content=[{"type": "text", "text": text} for text in said])

    for pieces in tokens, parts:
        shown = told([pieces("see ", KEY[:8], KEY[8:10]), pieces(KEY[10:12]), pieces(KEY[12:], " so")])
        assert list(map(json.loads, map(sse.data_of, sse.split(shown)))) == [
            json.loads(sse.data_of(one)) for one in (pieces("see ", "[credential]", ""), pieces(""), pieces("", " so"))
        ]


def test_a_text_may_begin_with_its_block() -> None:
    start = typed("content_block_start", index=0, content_block={"type": "text", "text": KEY[:8]})
    shown = sse.split(told([start, PING, message(KEY[8:] + ".")]))
    assert json.loads(sse.data_of(shown[0]))["content_block"]["text"] == STRUCK
    assert shown[1] == PING
    assert json.loads(sse.data_of(shown[2]))["delta"]["text"] == "."


def test_numbers_of_an_event_that_is_changed_stay_as_they_were() -> None:
    """0.1 in 32 digits, whole numbers beyond 64 bits and one beyond floats."""
    more = b'"p": 0.10000000000000000000000000000001, "n": 1234567890123456789012345, "e": 1E+400'
    shown = told([chat(KEY[:9]).replace(b'"created": 1', more), chat(KEY[9:])])
    assert shown.startswith(b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk",' + more.replace(b" ", b""))


def test_a_stream_that_says_too_much_beside_a_text_that_waits_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than what it held be told, or memory filled."""
    monkeypatch.setattr(spread_secret, "MAX_HELD", len(chat("sk-proj-") + chat("a-letter")))
    hides = SpreadSecret(sought((KEY,)))
    for _ in range(3):  # what was told is held no more
        assert hides.struck(chat("sk-proj-")) + hides.struck(chat("x")) == chat("sk-proj-") + chat("x")
    assert hides.struck(chat("sk-proj-")) + hides.struck(second("a-letter")) == b""
    with pytest.raises(UnsayableError, match=r"may go on as our credential, and over \d+ bytes came beside it"):
        hides.struck(COMMENT)


def test_nothing_else_waits_and_an_event_that_waits_comes_before_what_follows() -> None:
    hides = SpreadSecret(sought((KEY,)))
    assert hides.struck(chat("a")) == chat("a")
    assert hides.struck(chat("b") + chat("sk-proj-")) == chat("b")
    assert hides.struck(b"") == b""
    assert hides.struck(chat("c")) == chat("sk-proj-") + chat("c")
    assert hides.rest() == b""


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        ([chat(SECRET[:10]), chat(SECRET[10:] + ".")], "It is [credential]."),
        ([chat(SECRET[:10]), event({"choices": []}), chat(""), chat(SECRET[10:] + ".")], "It is [credential]."),
        ([chat("clé " + SECRET[:10]), chat(SECRET[10:] + ".")], "It is clé [credential]."),
        ([chat(SECRET[:10])], f"It is {SECRET[:10]}"),
    ],
)
def test_a_caller_sees_none_of_it_and_all_else(tmp_path: Path, pieces: list[bytes], shown: str) -> None:
    """Also what is held as the stream ends."""

    async def main() -> None:
        said = (ROLE, chat("It is "), *pieces, delta("stop"), DONE)
        async with play([SSE, *map(chunked, said), LAST]) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(STREAM)
            assert answer.said == shown
            assert answer.events[-1] == "[DONE]"

    run(main())
