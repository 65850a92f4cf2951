"""Files that are sent by their address: found in every shape, and put in their places, all else as it was written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.surfaces.file_addresses import InlineFile, as_if_fetched, attached, inlined
from detente.gateway.surfaces.surface import Asked
from detente.live.fetch import Fetch
from detente.providers.wire import Call, Media, Shape
from tests.gateway.surfaces.corpora import ANY_JSON, LAW

URL, PDF = "https://files.example/a.png", "http://files.example/b.pdf"
FILES = {URL: InlineFile("image/png", "QUJD"), PDF: InlineFile("application/pdf", "REVG")}
BOTH: tuple[Media, ...] = ("images", "documents")


def call(shape: Shape, member: str, items: Any) -> Call:
    return Call(shape, {member: msgspec.Raw(items if isinstance(items, bytes) else json.dumps(items).encode())})


CASES: dict[str, tuple[Shape, str, Any, Any]] = {
    "an image of a chat": (
        "chat",
        "messages",
        {"type": "image_url", "image_url": {"url": URL, "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "high"}},
    ),
    "a file of a chat": (
        "chat",
        "messages",
        {"type": "file", "file": {"file_data": PDF}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,REVG"}},
    ),
    "an image of a response": (
        "responses",
        "input",
        {"type": "input_image", "image_url": URL},
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
    ),
    "a file of a response": (
        "responses",
        "input",
        {"type": "input_file", "file_url": PDF},
        {"filename": "document.pdf", "type": "input_file", "file_data": "data:application/pdf;base64,REVG"},
    ),
    "an image of a message": (
        "messages",
        "messages",
        {"type": "image", "source": {"type": "url", "url": URL}, "cache_control": {"type": "ephemeral"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"},
            "cache_control": {"type": "ephemeral"},
        },
    ),
    "a document of a message": (
        "messages",
        "messages",
        {"type": "document", "title": "t", "source": {"type": "url", "url": PDF}},
        {
            "type": "document",
            "title": "t",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "REVG"},
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("within", ["content", "a result", "an output"])
def test_a_file_takes_the_place_of_its_address(name: str, within: str) -> None:
    shape, member, by_address, held = CASES[name]

    def items(part: Any) -> Any:
        text = {"type": "text", "text": f"see {URL}"}
        if within == "a result":
            part = {"type": "tool_result", "tool_use_id": "t", "content": [part]}
        if within == "an output":
            return [{"type": "function_call_output", "call_id": "c", "output": [text, part]}]
        return [{"role": "user", "content": "https://"}, {"role": "user", "content": [text, part]}]

    asked = call(shape, member, items(by_address))
    (found,) = attached(asked, BOTH)
    assert (found.url, found.media) == ((URL, "images") if "image" in name else (PDF, "documents"))
    ends = {"content": "[1].content[1]", "a result": "[1].content[1].content[0]", "an output": "[0].output[1]"}
    assert found.where == member + ends[within]
    assert json.loads(bytes(inlined(asked, BOTH, FILES).members[member])) == items(held)
    others: tuple[Media, ...] = ("documents",) if found.media == "images" else ("images",)
    assert attached(asked, others) == []
    assert inlined(asked, others, FILES).members == asked.members


def test_what_is_no_file_is_passed_on_to_the_byte() -> None:
    written = (
        b'[{"role":"user", "n": 1.10, "content":[ {"type":"text","text":"\\u00e9"} ,'
        + json.dumps(CASES["an image of a chat"][2]).encode()
        + b']},{"role":"tool","content":"https:\\/\\/x", "big": 12345678901234567890}]'
    )
    asked = call("chat", "messages", written)
    assert bytes(inlined(asked, BOTH, {}).members["messages"]) == written
    changed = bytes(inlined(asked, BOTH, FILES).members["messages"])
    assert b'{"type":"text","text":"\\u00e9"}' in changed
    assert b'"n":1.10' in changed
    assert b'"big": 12345678901234567890' in changed


def test_an_address_whose_slashes_are_escaped_is_one() -> None:
    written = (
        b'[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https:\\/\\/files.example\\/a.png"}}]}]'
    )
    assert [part.url for part in attached(call("chat", "messages", written), BOTH)] == [URL]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "image_url", "image_url": URL},  # no client's shape: its reader says so
        {"type": "image_url"},
        {"type": "image", "source": "https://a"},
        {"type": "document", "source": {"type": "text", "data": URL}},
        {"type": ["image_url"], "image_url": {"url": URL}},
        {"type": "text", "text": URL},
        {"type": "tool_use", "input": {"type": "image_url", "image_url": {"url": URL}}},
    ],
)
def test_what_only_looks_like_a_file_is_none(part: Any) -> None:
    assert attached(call("chat", "messages", [{"role": "user", "content": [part]}]), BOTH) == []


@LAW
@given(ANY_JSON, st.sampled_from(["messages", "input", "other"]))
def test_anything_else_stays_as_it_is(value: Any, member: str) -> None:
    asked = call("chat", member, [value, {"content": [value, {"type": "image_url", "image_url": value}]}, URL])
    assert attached(asked, BOTH) == []
    assert inlined(asked, BOTH, FILES).members == asked.members


def test_a_nest_that_is_too_deep_is_left_to_its_reader() -> None:
    deep = b'[{"content":' * 2000 + b'["https://"]' + b"}]" * 2000
    asked = call("messages", "messages", deep)
    assert attached(asked, BOTH) == []
    assert inlined(asked, BOTH, FILES).members == asked.members


def test_what_may_be_fetched_is_as_if_it_had_been() -> None:
    parts = [CASES["an image of a chat"][2], {"type": "image_url", "image_url": {"url": "https://other.example/a"}}]
    asked = Asked(call("chat", "messages", [{"role": "user", "content": parts}]), "m")
    assert as_if_fetched(asked, None) is asked
    told = json.loads(bytes(as_if_fetched(asked, Fetch(hosts=("files.example",))).call.members["messages"]))
    first, second = told[0]["content"]
    assert first["image_url"]["url"].startswith("data:image/png;base64,")
    assert second == parts[1]
