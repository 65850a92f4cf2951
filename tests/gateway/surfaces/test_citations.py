"""What a reply cites of the web reaches its caller in the caller's shape, whoever answers, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from openai.types.responses import Response

from detente.gateway.surfaces.citations import Citation, citations_of, in_text, sources_of
from detente.providers.own_citations import without_own_citations
from detente.providers.wire import Wire
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import ANTHROPIC, CHAT, CHAT_ONLY, MESSAGES, NOVA, RESPONSES, as_chunks, as_frames
from tests.gateway.surfaces.replies import as_named as named
from tests.providers.test_messages_stream import block, delta, stop

A, B = "https://a.test/x", "https://b.test"
TEXT = "Hot [a.test]."
"""The mark `[a.test]` stands at characters 4 to 12: `Hot ` is 4 long, and the mark 8."""
PLACE = {"start_index": 4, "end_index": 12, "url": A, "title": "A"}
IN_CHAT = {"type": "url_citation", "url_citation": PLACE}
IN_RESPONSE = {"type": "url_citation", **PLACE}
IN_MESSAGE = {
    "type": "web_search_result_location",
    "url": A,
    "title": "A",
    "cited_text": "",
    "encrypted_index": "",
}


def completion(content: str = TEXT, **more: Any) -> dict[str, Any]:
    beside: dict[str, Any] = {name: more.pop(name) for name in ("citations", "search_results") if name in more}
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **beside}


def chunk(finish: str | None = None, beside: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **(beside or {})}


def told(path: str, wire: Wire, reply: Any) -> Any:
    found = replies.whole(path, wire, reply)
    assert not found.why
    return json.loads(found.body)


def events(path: str, wire: Wire, data: bytes) -> list[dict[str, Any]]:
    found = replies.streamed(path, wire, data)
    assert not found.why
    lines = [line[6:] for line in found.body.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


# -- a chat completion's, in other shapes -----------------------------------------------------------------------------
def test_a_response_holds_them_by_its_own_form() -> None:
    found = told(RESPONSES, CHAT_ONLY, completion(annotations=[IN_CHAT]))
    (item,) = found["output"]
    assert item["content"][0]["annotations"] == [IN_RESPONSE]
    Response.model_validate(found)


def test_a_streamed_response_says_each_before_its_part_ends() -> None:
    data = as_chunks([chunk(content="Hot "), chunk(content="[a.test]."), chunk("stop", annotations=[IN_CHAT])])
    found = events(RESPONSES, CHAT_ONLY, data)
    kinds = [one["type"] for one in found]
    at = kinds.index("response.output_text.annotation.added")
    assert kinds[at + 1] == "response.output_text.done"
    assert (found[at]["annotation"], found[at]["annotation_index"], found[at]["content_index"]) == (IN_RESPONSE, 0, 0)
    assert found[at]["item_id"] == "msg_1"
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    for part in (found[at + 2]["part"], found[at + 3]["item"]["content"][0]):
        assert part["annotations"] == [IN_RESPONSE]
    assert found[-1]["response"]["output"][0]["content"][0]["annotations"] == [IN_RESPONSE]


def test_a_message_holds_them_at_its_text() -> None:
    found = told(MESSAGES, CHAT_ONLY, completion(annotations=[IN_CHAT]))
    assert found["content"] == [{"type": "text", "text": TEXT, "citations": [IN_MESSAGE]}]


def test_a_streamed_message_says_each_before_its_text_ends() -> None:
    data = as_chunks([chunk(content=TEXT), chunk("stop", annotations=[IN_CHAT])])
    found = events(MESSAGES, CHAT_ONLY, data)
    said = [one["delta"] for one in found if one["type"] == "content_block_delta"]
    assert said == [{"type": "text_delta", "text": TEXT}, {"type": "citations_delta", "citation": IN_MESSAGE}]


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
def test_those_that_come_after_the_text_has_ended_are_not_lost(path: str) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    pieces = [chunk(content=TEXT), chunk(tool_calls=[call]), chunk("tool_calls", annotations=[IN_CHAT])]
    assert A in json.dumps(events(path, CHAT_ONLY, as_chunks(pieces)))


# -- what stands beside the choices -----------------------------------------------------------------------------------
MARKED = "Hot [2][1]."
"""The mark `[2]` stands at characters 4 to 7, and `[1]` at 7 to 10."""
BESIDE = {"citations": [A, B], "search_results": [{"title": "A", "url": A}, {"title": "B", "url": B}]}


def _marked(number: int, start: int) -> dict[str, Any]:
    url, title = ((A, "A"), (B, "B"))[number - 1]
    return {"type": "url_citation", "start_index": start, "end_index": start + 3, "url": url, "title": title}


def test_sources_are_cited_at_their_marks() -> None:
    found = told(RESPONSES, CHAT_ONLY, completion(MARKED, **BESIDE))
    assert found["output"][0]["content"][0]["annotations"] == [_marked(2, 4), _marked(1, 7)]
    data = as_chunks([chunk(beside=BESIDE, content="Hot [2]"), chunk("stop", BESIDE, content="[1].")])
    last = events(RESPONSES, CHAT_ONLY, data)[-1]["response"]
    assert last["output"][0]["content"][0]["annotations"] == [_marked(2, 4), _marked(1, 7)]


def test_of_a_message_they_are_citations_each_once() -> None:
    found = told(MESSAGES, CHAT_ONLY, completion(MARKED, **BESIDE))
    assert [one["url"] for one in found["content"][0]["citations"]] == [A, B]
    data = as_chunks([chunk(beside=BESIDE, content="Hot [2]"), chunk("stop", BESIDE, content="[1].")])
    cited = [one["delta"]["citation"]["url"] for one in events(MESSAGES, CHAT_ONLY, data) if "citation" in str(one)]
    assert cited == [A, B]


def test_of_two_words_for_one_address_the_annotation_s_title_stays() -> None:
    said: dict[str, Any] = {"annotations": [IN_CHAT], "citations": [A]}
    assert told(MESSAGES, CHAT_ONLY, completion(**said))["content"][0]["citations"] == [IN_MESSAGE]
    data = as_chunks([chunk("stop", {"citations": [A]}, content=TEXT, annotations=[IN_CHAT])])
    assert [one["delta"]["citation"] for one in events(MESSAGES, CHAT_ONLY, data) if "citation" in str(one)] == [
        IN_MESSAGE
    ]


def test_one_without_a_mark_stands_at_the_end_and_one_that_is_an_annotation_is_told_once() -> None:
    sources = sources_of([A, B], None)
    assert in_text("Hot.", [], sources) == [Citation(A, "", 4, 4), Citation(B, "", 4, 4)]
    own = citations_of([IN_CHAT])
    assert in_text(TEXT, own, sources) == [Citation(A, "A", 4, 12), Citation(B, "", 13, 13)]


ODD: list[Any] = [None, 5, "x", {}, [5], [{}], [{"type": "url_citation"}], [{"type": "url_citation", "url": 5}]]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
def test_what_cannot_be_read_spoils_no_reply(odd: Any, path: str) -> None:
    reply = completion(annotations=odd, citations=odd, search_results=odd)
    assert "Hot" in json.dumps(told(path, CHAT_ONLY, reply))
    data = as_chunks([chunk("stop", {"citations": odd, "search_results": odd}, content=TEXT, annotations=odd)])
    assert "Hot" in json.dumps(events(path, CHAT_ONLY, data))


# -- Claude's and Converse's ------------------------------------------------------------------------------------------
FOUND: Any = {"type": "web_search_result_location", "url": A, "title": "A", "cited_text": "hot", "encrypted_index": "E"}
DOCUMENT: Any = {"type": "page_location", "cited_text": "x", "document_index": 0, "start_page_number": 1}
CLAUDES = {
    **replies.MESSAGE,
    "content": [{"type": "text", "text": "Hot "}, {"type": "text", "text": "[a.test]", "citations": [FOUND, DOCUMENT]}],
    "stop_reason": "end_turn",
}
CLAUDES_EVENTS = [
    replies.EVENTS[0],
    block(0, type="text", text=""),
    delta(0, type="text_delta", text="Hot "),
    stop(0),
    block(1, type="text", text="", citations=[]),
    delta(1, type="citations_delta", citation=FOUND),
    delta(1, type="text_delta", text="[a.test]"),
    delta(1, type="citations_delta", citation=DOCUMENT),
    stop(1),
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]
WEB = {"title": "A", "location": {"web": {"url": A, "domain": "a.test"}}}
CONVERSED = {"content": [{"text": "[a.test]"}], "citations": [WEB]}
CONVERSES = {
    **replies.CONVERSE,
    "output": {"message": {"role": "assistant", "content": [{"text": "Hot "}, {"citationsContent": CONVERSED}]}},
    "stopReason": "end_turn",
}
FRAMES = [
    {"kind": "messageStart", "role": "assistant"},
    {"kind": "contentBlockDelta", "contentBlockIndex": 0, "delta": {"text": "Hot "}},
    {"kind": "contentBlockStop", "contentBlockIndex": 0},
    {"kind": "contentBlockDelta", "contentBlockIndex": 1, "delta": {"text": "[a.test]"}},
    {"kind": "contentBlockDelta", "contentBlockIndex": 1, "delta": {"citation": WEB}},
    {"kind": "contentBlockStop", "contentBlockIndex": 1},
    {"kind": "messageStop", "stopReason": "end_turn"},
    replies.FRAMES[-1],
]
MAKERS = [(ANTHROPIC, CLAUDES, named(CLAUDES_EVENTS)), (NOVA, CONVERSES, as_frames(FRAMES))]


@pytest.mark.parametrize(("wire", "reply", "data"), MAKERS, ids=["anthropic", "converse"])
def test_pages_of_the_web_that_a_claude_or_a_nova_cites_are_annotations(wire: Wire, reply: Any, data: bytes) -> None:
    said = told(CHAT, wire, reply)["choices"][0]["message"]
    assert (said["content"], said["annotations"]) == ("Hot [a.test]", [IN_CHAT])
    deltas = [one["choices"][0]["delta"] for one in events(CHAT, wire, data) if one.get("choices")]
    assert [one["annotations"] for one in deltas if "annotations" in one] == [[IN_CHAT]]
    response = told(RESPONSES, wire, reply)
    assert response["output"][0]["content"][0]["annotations"] == [IN_RESPONSE]
    assert events(RESPONSES, wire, data)[-1]["response"]["output"][0]["content"][0]["annotations"] == [IN_RESPONSE]


# -- sent back --------------------------------------------------------------------------------------------------------
def test_what_was_made_here_may_be_sent_back() -> None:
    turns: list[Any] = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": TEXT, "citations": [IN_MESSAGE]}]},
        {"role": "user", "content": "Thanks"},
    ]
    _, asked = replies.asked(MESSAGES, CHAT_ONLY, messages=turns)
    assert json.loads(bytes(asked.call.members["messages"]))[1] == {"role": "assistant", "content": TEXT}
    _, asked = replies.asked(MESSAGES, ANTHROPIC, messages=turns)
    sent = json.loads(ANTHROPIC.encode(asked.call).body)["messages"]
    assert sent[1]["content"] == [{"type": "text", "text": TEXT}]
    turns[1]["content"] = [{"type": "text", "text": TEXT, "citations": [IN_MESSAGE, FOUND]}]
    _, asked = replies.asked(MESSAGES, ANTHROPIC, messages=turns)
    assert json.loads(ANTHROPIC.encode(asked.call).body)["messages"][1]["content"][0]["citations"] == [FOUND]


@pytest.mark.parametrize("odd", [b'"x"', b"[5]", b'[{"content":[5]}]', b'[{"content":[{"citations":5}]}]'])
def test_turns_that_cannot_be_read_are_the_providers_to_judge(odd: bytes) -> None:
    assert bytes(without_own_citations(Raw(odd))) == odd
