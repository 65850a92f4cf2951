"""OpenAI's own wire, as OpenAI, vLLM and most GPU clouds speak it. See ``docs/providers/openai-compatible.md``.

Owns: paths, the few members of a body that change on the way, and what replies and errors mean. A body passes through
otherwise untouched. Not here: reading streams (``chat_stream``, ``responses_stream``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from detente.live.deployment import CompatibleDeployment
from detente.providers.authority import Authority, KeyAuthority
from detente.providers.chat_shape import TakenCompletion, as_taken, taken
from detente.providers.chat_stream import GAVE_UP, ChatDecoder
from detente.providers.error_object import error_of, failure_of, plain
from detente.providers.omission import unmarked, without
from detente.providers.openai_usage import told_usage, with_usage
from detente.providers.outgoing import Outgoing
from detente.providers.responses_stream import ResponsesDecoder, reply_of_response
from detente.providers.retry_after import retry_after
from detente.providers.said_anything import says_anything
from detente.providers.tool_calls import completion_with_own_ids
from detente.providers.tool_names import (
    NamingDecoder,
    OfferedNames,
    WholeNames,
    as_models_take_them,
    is_plain,
    offers_tools,
)
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import (
    Call,
    Decoder,
    Failure,
    Headers,
    Media,
    Refusal,
    Reply,
    Shape,
    Tokens,
    Wire,
    as_reason,
    failure,
    is_utf8,
)

_FETCHED: Mapping[Shape, frozenset[Media]] = {
    "chat": frozenset({"images"}),
    "responses": frozenset({"images", "documents"}),
}
PATHS = {"chat": "/chat/completions", "embeddings": "/embeddings", "responses": "/responses"}
JSON = (("content-type", "application/json"),)


class _Message(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"null")
    text: Any = None
    finish_reason: Any = None

    def __post_init__(self) -> None:
        """Some write a text in place of a message."""
        if bytes(self.message) == b"null" and isinstance(self.text, str):
            self.message = msgspec.Raw(msgspec.json.encode({"content": self.text}))


class _Vector(msgspec.Struct):
    embedding: msgspec.Raw


class _Whole(msgspec.Struct):
    model: msgspec.Raw = msgspec.Raw(b"")
    usage: msgspec.Raw = msgspec.Raw(b"null")
    choices: list[_Message] | None = None
    data: list[_Vector] | None = None
    error: Any = None


_VECTOR = re.compile(rb'\[\s*[^\s\]]|"[^"]')
"""How a vector begins, in numbers or as base64: one of nothing is none."""
_WHOLE = msgspec.json.Decoder(_Whole, strict=False)
_OPTIONS = msgspec.json.Decoder(dict[str, Any])
_CHOICES = msgspec.json.Decoder(int | None)


class CompatibleWire(Wire):
    """An OpenAI-compatible endpoint."""

    @cached_property
    def caches_alone(self) -> bool:
        """Whether it is OpenAI's own API, which refuses marks of what is cached. Others do not."""
        deployment = self.deployment  # Bedrock's is spoken to in this shape, too
        return isinstance(deployment, CompatibleDeployment) and deployment.endpoint.startswith(
            "https://api.openai.com/"
        )

    @property
    def base(self) -> str:
        assert isinstance(self.deployment, CompatibleDeployment)
        return self.deployment.endpoint.rstrip("/")

    def authority(self) -> Authority:
        return KeyAuthority(self.deployment.credential)

    def target(self, call: Call) -> str:
        """Path and query of a call, under ``base``."""
        return PATHS[call.operation]

    def fetches(self, shape: Shape) -> frozenset[Media]:
        return _FETCHED.get(shape, frozenset())

    def encode(self, call: Call) -> Outgoing:
        if call.item:
            return Outgoing(self.target(call) + call.item, (), b"", call.method)
        if not self.deployment.lacks and is_plain(call):
            return Outgoing(self.target(call), JSON, body_of(call, call.members, self.name))
        members, left_out = without(call, self.deployment.lacks)
        if self.caches_alone and (bare := unmarked(call, members)) is not members:
            members, left_out = bare, (*left_out, "cache_control")
        members = as_models_take_them(call, members)
        return Outgoing(self.target(call), JSON, body_of(call, members, self.name), left_out=left_out)

    def decode(self, call: Call, headers: Headers, body: bytes) -> Reply | Failure:
        if call.item:
            return Reply(body, Tokens(0, 0))  # what was stored was metered when it was made
        if not (body.isascii() or is_utf8(body)):
            return failure("broken", 502, "the provider's reply is not UTF-8")
        if offers_tools(call):
            body = WholeNames(call).given_back(body)
        if call.operation == "responses":
            return reply_of_response(body)
        finish: str | None
        found: TakenCompletion | _Whole | None = taken(body) if call.operation == "chat" else None
        if isinstance(found, TakenCompletion):  # as it nearly always is: clients take it as it came
            answers, finish = len(found.choices) >= choices_of(call), found.choices[0].finish_reason
        else:
            try:
                found = _WHOLE.decode(body)
            except UNREADABLE:
                return failure("broken", 502, "the provider's reply is not JSON of the expected shape")
            if found.error and not found.choices:  # some answer 200 with an error inside
                return failure_of(found.error)
            answers, finish = _answers(call, found)
        if not answers:
            return failure("broken", 502, "the provider's reply has status 200 and holds no answer")
        if finish in GAVE_UP:
            return failure_of({"code": finish})
        if call.operation == "chat":
            try:
                body = completion_with_own_ids(body if isinstance(found, TakenCompletion) else as_taken(body))
            except UNREADABLE:
                return failure("broken", 502, "the provider's reply holds an answer that cannot be read")
        # A good reply with a usage that cannot be read was served, and paid for: its use is unknown (§12).
        tokens, told = told_usage(found.usage)
        if told is not found.usage:
            body = with_usage(body, told)
        return Reply(body, tokens, finish, bytes(found.model))

    def decoder(self, call: Call, headers: Headers) -> Decoder:
        found: Decoder
        if call.operation == "responses":
            found = ResponsesDecoder()
        else:
            found = ChatDecoder(call.asks_usage, choices=choices_of(call), offered=OfferedNames(call))
        return NamingDecoder(found, WholeNames(call)) if offers_tools(call) else found

    def failed(self, status: int, headers: Headers, body: bytes, call: Call | None = None) -> Failure:
        error = error_of(body)
        found = failure_of(error, status, retry_after(headers))
        if status == 404 and found.kind == "unavailable" and call is not None and call.item:
            return replace(found, kind="refused", status=404, error=plain(error) if error else found.error)
        return found


def _answers(call: Call, found: _Whole) -> tuple[bool, str | None]:
    """Whether a reply of status 200 holds what was asked for, and why the first choice that says it ended."""
    if call.operation == "embeddings":
        vectors = found.data or ()
        whole = all(_VECTOR.match(vector.embedding) for vector in vectors)
        return whole and len(vectors) == texts_of(call), None
    finish, choices = None, found.choices or ()
    for choice in choices:
        if not bytes(choice.message).startswith(b"{"):
            return False, None
        if not choice.finish_reason:
            if not says_anything(choice.message):
                return False, None
        elif finish is None:
            finish = as_reason(choice.finish_reason)
    return len(choices) >= choices_of(call), finish


def texts_of(call: Call) -> int:
    """How many texts a call wants embedded: a list of numbers is one, in tokens."""
    try:
        given = msgspec.json.decode(call.members.get("input", b'""'), type=str | list[msgspec.Raw])
    except UNREADABLE:
        return 1
    if isinstance(given, str) or not given or bytes(memoryview(given[0])[:1]) not in (b'"', b"["):
        return 1
    return len(given)


def choices_of(call: Call) -> int:
    """How many choices a chat call asks for; 1 where it does not say."""
    stated = call.members.get("n")
    if stated is None:
        return 1
    try:
        return _CHOICES.decode(stated) or 1
    except UNREADABLE:
        return 1


@lru_cache(maxsize=1024)
def _quoted(name: str) -> msgspec.Raw:
    """A model's name as JSON. Cached: there are few."""
    return msgspec.Raw(msgspec.json.encode(name))


def body_of(call: Call, members: Mapping[str, msgspec.Raw], name: str) -> bytes:
    """A call's members under the provider's name for the model, asking for the usage of a stream in any case."""
    told = dict(members)
    told["model"] = _quoted(name)
    if call.stream and call.operation == "chat":
        stated = members.get("stream_options")
        try:
            options = _OPTIONS.decode(stated) if stated is not None and bytes(stated) != b"null" else {}
        except UNREADABLE:
            raise Refusal.of("stream_options", "is not an object") from None
        told["stream_options"] = msgspec.Raw(msgspec.json.encode({**options, "include_usage": True}))
    return msgspec.json.encode(told)
