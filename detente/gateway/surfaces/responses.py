"""``POST /v1/responses``: OpenAI's Responses API, passed through to upstreams that serve it.

Owns: what a call needs, where the state lies that it builds on, and the ids that say so (``responses_pin``). Only
top-level members are read; nothing of a body or reply changes but the ids of responses and the model's name. Not here:
the wire, streams that pass through (``responses_native``), and what providers send (``providers/responses_stream``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from detente.gateway.surfaces import encrypted_reasoning as encrypted
from detente.gateway.surfaces import responses_kept as kept
from detente.gateway.surfaces import responses_pin as pin
from detente.gateway.surfaces.chat import (
    PREFIX_BYTES,
    USUAL_REPLY,
    count,
    flag,
    members_of,
    text,
)
from detente.gateway.surfaces.naming import renamed, text_of
from detente.gateway.surfaces.prompt_size import prompt_tokens
from detente.gateway.surfaces.responses_events import ResponseEvents
from detente.gateway.surfaces.responses_head import ResponseHead
from detente.gateway.surfaces.responses_native import IDS, ResponsesRendering, sealed
from detente.gateway.surfaces.responses_reply import response_of
from detente.gateway.surfaces.responses_request import as_chat
from detente.gateway.surfaces.surface import (
    NO_HEADERS,
    Asked,
    KeptTurn,
    Rendering,
    StreamHead,
    Surface,
    UnsayableError,
)
from detente.live.deployment import Feature, Operation
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Members, Refusal, Reply, Wire

NOT_HERE = {
    "background": "a reply that is fetched later has no stream and no caller to meter; leave out `background`",
    "background_options": "replies in the background are not served; leave it out",
    "conversation": "conversations are kept at one provider; use `previous_response_id`",
    "prompt": "a stored prompt is kept at one provider, and its id does not say which; send its text",
}
_REFERENCE, _COMPARED, _IMAGE = quoted("item_reference"), quoted("comparison_response_id"), quoted("input_image")
_UNKNOWN = (
    "a response that is stored for this caller: what was made with `store: false` is not, and what the gateway keeps"
    " itself is for one key and a time (`serving.kept-responses`), unless it was deleted; send the whole conversation"
    " as `input`"
)
_EMPTY = frozenset({b"null", b"false", b"[]", b"{}"})

_MEMBER = {
    "state": "previous_response_id",
    "streaming": "stream",
    "tools": "tools",
    "parallel-tools": "parallel_tool_calls",
    "structured-output": "text",
    "reasoning": "reasoning",
    "logprobs": "top_logprobs",
    "images": "input",
}
"""Of what a deployment cannot do, the member that asks for it."""
_REASONING: frozenset[Feature] = frozenset({"reasoning"})


class _Item(msgspec.Struct):
    type: str | None = None
    content: Any = None
    output: Any = None


class _Typed(msgspec.Struct):
    type: str | None = None


class _Format(msgspec.Struct):
    format: _Typed | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


# -- asking ---------------------------------------------------------------------------------------------------------
class ResponsesSurface(Surface):
    """OpenAI's Responses API."""

    path: ClassVar[str] = "/v1/responses"
    operation: ClassVar[Operation] = "responses"
    words: ClassVar[Mapping[str, str]] = {
        "max_completion_tokens": "max_output_tokens",
        "messages": "input",
        "reasoning_effort": "reasoning.effort",
        "response_format": "text.format",
        "verbosity": "text.verbosity",
    }

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read a request. Raises ``Refusal`` with a sentence and the member that is wrong."""
        members = members_of(body)
        for name, why in NOT_HERE.items():
            if _says(members, name):
                raise Refusal(f"`{name}` is not served: {why}", name)
        previous = _read(members, "previous_response_id", str) or ""
        if previous.startswith(kept.PREFIX):
            del members["previous_response_id"]
            return _asked(members, workload, recalls=previous)
        pinned = None
        if previous:
            pinned, own = _opened(previous, "previous_response_id", workload)
            members["previous_response_id"] = msgspec.Raw(msgspec.json.encode(own))
        return _asked(members, workload, pinned)

    def recalled(self, asked: Asked, turns: Sequence[KeptTurn]) -> Asked:
        """The same with the conversation before it. Raises ``Refusal``."""
        if not turns:
            raise Refusal(f"`previous_response_id` is not an id of {_UNKNOWN}", "previous_response_id")
        own = bytes(asked.call.members.get("input", b"[]"))
        try:
            members = {**asked.call.members, "input": kept.continued(turns, own)}
        except UNREADABLE:
            raise Refusal("`input` is not a list of items", "input") from None
        return msgspec.structs.replace(_asked(members, asked.workload, recalls=asked.recalls), fresh=own)

    def keeps(self, asked: Asked) -> bool:
        """A response is kept unless its caller says not to."""
        return bytes(asked.call.members.get("store", b"")) != b"false"

    def turn(self, asked: Asked, body: bytes) -> KeptTurn | None:
        """A turn that was asked as a chat completion: others are stored by their providers."""
        return kept.turn_of(asked, body) if asked.call.operation == "chat" else None

    def spoken(self, asked: Asked, wire: Wire) -> Asked:
        """As it came, or as a chat completion. Raises ``Refusal``."""
        return asked if wire.speaks("responses") else as_chat(asked, wire.tags)

    def forgetful(self, asked: Asked) -> Asked | None:
        """Without its encrypted reasoning, where the call is lenient."""
        if "reasoning" not in asked.call.optional or "input" not in asked.call.members:
            return None
        told = msgspec.Raw(encrypted.forgotten(bytes(asked.call.members["input"])))
        stays = asked.pinned if "previous_response_id" in asked.call.members else None  # which nobody else holds
        return msgspec.structs.replace(self.forgotten(asked, "input", told, "reasoning"), pinned=stays)

    def lost(self, asked: Asked, model: str | None) -> Refusal | None:
        """A response that is stored where this model is not served: only its deployment can read it."""
        if bytes(asked.call.members.get("previous_response_id", b"null")) in (b"null", b'""'):
            return None
        return pin.gone(asked.pinned, model)

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """The reply under the model's name as it was asked for, its ids sealed. Raises ``UnsayableError``."""
        if asked.call.operation == "chat":
            return response_of(asked, reply)
        told = renamed(reply.body, text_of(asked.shown_model()))
        if names := _sealable(asked):
            told = msgspec.json.encode(sealed(_members(told), deployment, asked.workload, names))
        return encrypted.sealed(told, deployment)

    def head(self, asked: Asked, created: int, wires: Iterable[Wire]) -> StreamHead:
        """A response that its provider stores has no name before that gives it one."""
        own = "id" in _sealable(asked) or "previous_response_id" in asked.call.members
        stored = own and any(wire.speaks("responses") for wire in wires)
        return ResponseHead(asked, created, names=not stored)

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """A renderer that seals ids."""
        told = head if isinstance(head, ResponseHead) else ResponseHead(asked)
        if asked.call.operation == "chat":
            return ResponseEvents(asked, told)
        return ResponsesRendering(deployment, asked.workload, told, _sealable(asked), asked.shown_model())

    def member(self, unable: str) -> str | None:
        """As OpenAI names it."""
        return _MEMBER.get(unable) or super().member(unable)

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """OpenAI's error."""
        return msgspec.json.encode({"error": error})


def _asked(members: Members, workload: str, pinned: str | None = None, recalls: str = "") -> Asked:
    """What is asked for, once it is known where the state lies that it builds on. Raises ``Refusal``."""
    left_out: tuple[str, ...] = ()
    if encrypted.PREFIX in bytes(members.get("input", b"")):
        pinned, left_out = _unsealed(members, pinned)
    _no_strays(members, pinned)
    model, stream = text(members, "model"), flag(members, "stream")
    told = b"".join(bytes(members[n]) for n in ("tools", "instructions", "input") if n in members)
    prompt = prompt_tokens(told)
    needs, wishes = _needs(members, stream)
    return Asked(
        Call("responses", members, stream, asks_usage=True, optional=wishes, left_out=left_out),
        model,
        needs,
        pinned,
        told[:PREFIX_BYTES],
        prompt + (count(members, "max_output_tokens") or USUAL_REPLY),
        workload,
        prompt,
        wishes=wishes,
        recalls=recalls,
    )


def _says(members: Members, name: str) -> bool:
    """Whether a member is there and says anything."""
    return name in members and bytes(members[name]) not in _EMPTY


def _read(members: Members, name: str, kind: Any) -> Any:
    """A member as one kind of thing; None where it is absent or null."""
    if name not in members:
        return None
    try:
        return msgspec.json.decode(members[name], type=kind | None)
    except UNREADABLE as error:
        text = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refusal(f"`{name}` cannot be read: {text[:1].lower()}{text[1:200]}", name) from None


def _opened(sealed: str, name: str, workload: str) -> tuple[str, str]:
    try:
        return pin.open(sealed, workload)
    except pin.UnknownIdError:
        raise Refusal(f"`{name}` is not an id of {_UNKNOWN}", name) from None


def _unsealed(members: Members, pinned: str | None) -> tuple[str | None, tuple[str, ...]]:
    """(who made the reasoning that is sent back, what is left out of the call); the input is changed in place."""
    try:
        given, maker, others = encrypted.opened(bytes(members["input"]), pinned)
    except UNREADABLE:
        raise Refusal("`input` is not a list of items", "input") from None
    members["input"] = msgspec.Raw(given)
    return maker, ("reasoning",) if others else ()


def _no_strays(members: Members, pinned: str | None) -> None:
    """State whose id does not say where it is stored would be looked for wherever the call happens to go.

    A text cannot look like a name in JSON, since its quotation marks are escaped: most bodies are not parsed for this.
    """
    if pinned is None and _REFERENCE(bytes(members.get("input", b""))) and _holds(members, "item_reference"):
        what = "an `item_reference` does not say where the item is stored"
        raise Refusal(f"{what}; build on `previous_response_id`, or send the item itself", "input")
    if _COMPARED(bytes(members.get("prompt_cache_options", b""))):
        what = "a response to compare with is stored at one provider only"
        raise Refusal(f"{what}; leave it out", "prompt_cache_options.comparison_response_id")


def _needs(members: Members, stream: bool) -> tuple[frozenset[Feature], frozenset[Feature]]:
    """(what it needs, what it may do without)."""
    wishes: frozenset[Feature] = frozenset()
    needs: set[Feature] = set()
    if stream:
        needs.add("streaming")
    if _says(members, "tools"):
        needs.add("tools")
    if bytes(members.get("parallel_tool_calls", b"")) == b"true":
        needs.add("parallel-tools")
    shape = _read(members, "text", _Format)
    if shape and shape.format and shape.format.type in ("json_schema", "json_object"):
        needs.add("structured-output")
    if reasoning := _read(members, "reasoning", _Reasoning):
        if reasoning.effort not in (None, "none"):
            needs.add("reasoning")
        elif reasoning.summary:
            wishes = _REASONING  # who does not reason has nothing to summarize
    if (_read(members, "top_logprobs", int) or 0) > 0:
        needs.add("logprobs")
    if _IMAGE(bytes(members.get("input", b""))) and _holds(members, "input_image"):
        needs.add("images")
    return frozenset(needs), wishes


def _holds(members: Members, kind: str) -> bool:
    """Whether the input holds an item, or part of an item, of a type."""
    items = _read(members, "input", str | list[_Item])
    if not isinstance(items, list):
        return False
    parts = [
        part for item in items for whole in (item.content, item.output) if isinstance(whole, list) for part in whole
    ]
    return any(i.type == kind for i in items) or any(isinstance(p, dict) and p.get("type") == kind for p in parts)


# -- answering ------------------------------------------------------------------------------------------------------
def _sealable(asked: Asked) -> Sequence[str]:
    """Which of them do: a response itself is stored unless the call says not to, and what it builds on was stored."""
    if bytes(asked.call.members.get("store", b"")) != b"false":
        return IDS
    return IDS[1:] if asked.pinned is not None else ()


def _members(response: bytes) -> Members:
    try:
        return msgspec.json.decode(response, type=Members)
    except UNREADABLE:
        raise UnsayableError("the provider's reply is not a response") from None
