"""``POST /v1/chat/completions``: OpenAI's own shape, passed through.

Owns: which members of a body routing needs, and what a call needs of a deployment. A reply passes through as it is,
under the name by which its caller asked for the model (``naming``). Not here: what a provider cannot do (its wire says
so).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from detente.gateway.surfaces import asked_to_reason
from detente.gateway.surfaces.naming import Renamed, renamed, text_of
from detente.gateway.surfaces.prompt_size import prompt_tokens
from detente.gateway.surfaces.surface import NO_HEADERS, Asked, BlockPlace, Rendering, StreamHead, Surface
from detente.gateway.surfaces.unreadable import why
from detente.live.deployment import Feature, Operation
from detente.providers import marks
from detente.providers.omission import thoughtless
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Around, Call, Members, Refusal, Reply, is_utf8

DONE = b"data: [DONE]\n\n"
PREFIX_BYTES = 1024
MAX_NAME = 500
"""Characters of a model's name: it is recorded, whatever it is, and a record is bounded."""
MAX_COUNT = 2**31 - 1
"""Beyond any model, and small enough to be reckoned with beside what other calls take."""
USUAL_REPLY = 256
"""Tokens that a reply is taken to need where the caller sets no limit: for headroom only."""

_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool)
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,9})?")
_COUNT = msgspec.json.Decoder(int)
_OBJECT = msgspec.json.Decoder(dict[str, Any])

# A member whose presence means that a deployment must be able to do something, unless it says nothing after all.
_NEEDED: tuple[tuple[str, Feature, frozenset[bytes]], ...] = (
    ("tools", "tools", frozenset({b"null", b"[]"})),
    ("functions", "tools", frozenset({b"null", b"[]"})),
    ("logprobs", "logprobs", frozenset({b"null", b"false"})),
    ("n", "n", frozenset({b"null", b"1"})),
    ("seed", "seed", frozenset({b"null"})),
    ("reasoning_effort", "reasoning", frozenset({b"null", b'"none"'})),
    ("frequency_penalty", "penalties", frozenset({b"null", b"0", b"0.0"})),
    ("presence_penalty", "penalties", frozenset({b"null", b"0", b"0.0"})),
    ("logit_bias", "logit-bias", frozenset({b"null", b"{}"})),
    ("prediction", "prediction", frozenset({b"null"})),
    ("response_format", "structured-output", frozenset({b"null", b'{"type":"text"}'})),
    ("audio", "audio", frozenset({b"null"})),
)
_MEMBER: dict[str, str] = {
    **{str(feature): name for name, feature, _ in _NEEDED if feature not in ("tools", "penalties")},
    "tools": "tools",
    "streaming": "stream",
    "parallel-tools": "parallel_tool_calls",
    "images": "messages",
}
"""Of what a deployment cannot do, the member that asks for it, where there is one."""
_NEEDED_NAMES = frozenset(name for name, _, _ in _NEEDED)
_TELLING = _NEEDED_NAMES | asked_to_reason.NAMES | {"parallel_tool_calls"}
_MAX_NOTHING = 60
_NOTHING: frozenset[Feature] = frozenset()
_ATTACHMENTS: dict[bytes, Feature] = {marks.IMAGE: "images", marks.AUDIO: "audio"}


def members_of(body: bytes) -> dict[str, msgspec.Raw]:
    """The top-level members of a body. Raises Refusal where it is not a JSON object."""
    if not (body.isascii() or is_utf8(body)):  # members that are passed on unread must be text as well
        raise Refusal(*why(body))
    try:
        return _BODY.decode(body)
    except UNREADABLE:
        raise Refusal(*why(body)) from None


def text(members: Mapping[str, msgspec.Raw], name: str) -> str:
    """A member that is text. Raises Refusal where it is missing, or is not."""
    raw = members.get(name)
    try:
        found = _TEXT.decode(raw) if raw is not None else ""
    except UNREADABLE:
        raise Refusal(f"`{name}` is not text", name) from None
    if not found:
        raise Refusal(f"`{name}` is missing", name)
    if len(found) > MAX_NAME:
        raise Refusal(f"`{name}` is longer than {MAX_NAME} characters", name)
    return found


def flag(members: Mapping[str, msgspec.Raw], name: str) -> bool:
    """A member that is true or false; absent and null are false. Raises Refusal."""
    raw = members.get(name)
    if raw is None or bytes(raw) == b"null":
        return False
    try:
        return _FLAG.decode(raw)
    except UNREADABLE:
        raise Refusal(f"`{name}` is neither true nor false", name) from None


def count(members: Mapping[str, msgspec.Raw], *names: str, least: int = 1) -> int | None:
    """The first of some members that is stated, a whole number of at least ``least``; None where none is.

    Raises Refusal.
    """
    for name in names:
        raw = members.get(name)
        if raw is None or bytes(raw) == b"null":
            continue
        try:
            found = _COUNT.decode(raw)
        except UNREADABLE:
            if (beyond := _beyond(bytes(raw))) is None:
                raise Refusal(f"`{name}` is not a whole number", name) from None
            found = beyond
        if found < least:
            shown = f"{found}" if found > -MAX_COUNT else "less than 0"
            raise Refusal(f"`{name}` is {shown}; write {least} or more", name)
        if found > MAX_COUNT:
            raise Refusal(f"`{name}` is more than {MAX_COUNT:,}", name)
        return found
    return None


def _beyond(written: bytes) -> int | None:
    """A bound that a number is beyond, if it is: one of too many digits, or a whole number with an exponent."""
    if not _NUMBER.fullmatch(written):
        return None
    found = Decimal(written.decode())
    if found > MAX_COUNT:
        return MAX_COUNT + 1
    return -MAX_COUNT - 1 if found < -MAX_COUNT else None


def _says_something(text: bytes, nothing: frozenset[bytes]) -> bool:
    """Whether a member's text is none of those that say nothing, blanks apart."""
    return len(text) > _MAX_NOTHING or b"".join(text.split()) not in nothing


def needs_of(members: Mapping[str, msgspec.Raw], marked: frozenset[bytes], stream: bool) -> frozenset[Feature]:
    """What a chat completion needs of a deployment beyond text; ``marked`` is what its messages hold."""
    if not (stream or marked) and _TELLING.isdisjoint(members):
        return _NOTHING
    found: set[Feature] = set()
    if stream:
        found.add("streaming")
    if not _NEEDED_NAMES.isdisjoint(members):
        for name, feature, nothing in _NEEDED:
            raw = members.get(name)
            if raw is not None and _says_something(bytes(raw), nothing):
                found.add(feature)
    if not asked_to_reason.NAMES.isdisjoint(members) and asked_to_reason.asks_to_reason(members):
        found.add("reasoning")
    parallel = members.get("parallel_tool_calls")
    if parallel is not None and bytes(parallel) == b"true":
        found.add("parallel-tools")
    if marked:
        found.update(_ATTACHMENTS[one] for one in marked if one in _ATTACHMENTS)
    return frozenset(found) if found else _NOTHING


def asked(members: Members, messages: bytes, model: str, stream: bool, asks_usage: bool, most: int | None) -> Asked:
    """What a chat call asks for."""
    marked = marks.marks_in(messages)
    prompt = prompt_tokens(messages, data=marks.DATA in marked)
    return Asked(
        Call("chat", members, stream, asks_usage, marks=marked),
        model,
        needs_of(members, marked, stream),
        prefix=messages[:PREFIX_BYTES],
        tokens=prompt + (most or USUAL_REPLY),
        prompt=prompt,
    )


class ChatSurface(Surface):
    """Chat completions."""

    path: ClassVar[str] = "/v1/chat/completions"
    operation: ClassVar[Operation] = "chat"

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read the members that routing needs; all others pass on as they are."""
        members = members_of(body)
        model = text(members, "model")
        messages = bytes(members["messages"]) if "messages" in members else b""
        if messages[:1] != b"[":
            raise Refusal("`messages` is not a list" if messages else "`messages` is missing", "messages")
        stream = flag(members, "stream")
        asks_usage = False
        options = members.get("stream_options")
        if options is not None and bytes(options) != b"null":
            if not stream:
                raise Refusal("`stream_options` without `stream: true`", "stream_options")
            try:
                asks_usage = _OBJECT.decode(options).get("include_usage") is True
            except UNREADABLE:
                raise Refusal("`stream_options` is not an object", "stream_options") from None
        most = count(members, "max_completion_tokens", "max_tokens")
        return asked(members, messages, model, stream, asks_usage, most)

    def forgetful(self, asked: Asked) -> Asked | None:
        """Without the thoughts that a Claude signed, where the call is lenient."""
        call = asked.call
        if "reasoning" not in call.optional or marks.SIGNED.isdisjoint(marks.marks_of(call)):
            return None
        return self.forgotten(asked, "messages", thoughtless(bytes(call.members["messages"])), "thinking")

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """As it came, but for the model's name. Raises ``UnsayableError``."""
        return renamed(reply.body, text_of(asked.shown_model()), reply.model)

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """As it comes, but for the model's name."""
        return ChunkRendering(asked.shown_model())

    def member(self, unable: str) -> str | None:
        """As OpenAI names it."""
        return _MEMBER.get(unable) or super().member(unable)

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """OpenAI's shape."""
        return msgspec.json.encode({"error": error})


class ChunkRendering(Rendering):
    """Events as they come, under the model's name as it was asked for, and OpenAI's own end."""

    def __init__(self, model: str) -> None:
        self._events = Renamed(model)

    def feed(self, data: bytes) -> bytes:
        """The same events. Raises ``UnsayableError``."""
        return self._events.block(data)

    def begins(self, around: Around) -> bytes | None:
        """With the model's name, where that stands before the text."""
        return self._events.begins(around)

    def goes_on(self, asked: Asked, deployment: str, place: BlockPlace) -> None:
        """Each chunk names the model."""
        self._events = Renamed(asked.shown_model())

    def close(self) -> bytes:
        """``[DONE]``."""
        return DONE

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """An event with an error: OpenAI's clients raise it."""
        return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"
