"""``POST /v1/messages``: Anthropic's Messages API.

Owns: the surface itself: what a request needs, and in which shape it is said. Where a deployment takes Anthropic's own
shape the body passes through; elsewhere it is said as a chat completion. Nothing is dropped in silence
(``docs/guide/surfaces.md`` has the tables). Not here: translated requests (``messages_request``, ``messages_prompt``,
``messages_tools``), replies (``messages_reply``, ``messages_stream``), what passes through (``messages_native``) and
errors (``messages_error``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from detente.gateway.surfaces.chat import PREFIX_BYTES, count, flag, text
from detente.gateway.surfaces.messages_error import error_of, type_of_status
from detente.gateway.surfaces.messages_native import NativeRendering, named
from detente.gateway.surfaces.messages_reply import message
from detente.gateway.surfaces.messages_request import Asking, members_of
from detente.gateway.surfaces.messages_stream import MessagesRendering
from detente.gateway.surfaces.prompt_size import CHARACTERS_PER_TOKEN, IMAGE_TOKENS, prompt_tokens
from detente.gateway.surfaces.surface import NO_HEADERS, Asked, Rendering, StreamHead, Surface
from detente.live.deployment import Feature, Operation
from detente.providers import marks
from detente.providers.breakpoints import few_breakpoints
from detente.providers.unsigned_thoughts import without_signatures
from detente.providers.wire import Call, Refusal, Reply, Wire

BETAS = b"anthropic-beta"
_BEFORE = ("tools", "system")
"""What of a prompt comes before its messages."""
_TELLING = frozenset({"tools", "output_config", "thinking"})
"""Members whose presence may mean that a deployment must be able to do something."""
_NOTHING: frozenset[Feature] = frozenset()
_IMAGE = re.compile(rb'"type"\s*:\s*"image"')
_ENABLED = re.compile(rb'"type"\s*:\s*"enabled"')
_ADAPTIVE = re.compile(rb'"type"\s*:\s*"adaptive"')
_FORMAT = re.compile(rb'"format"\s*:\s*\{')
_SENT = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/=]{1000,})"')
"""What is sent along as base64: an image or a page of a document, each of which counts alike."""
_BETA = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MEMBER = {
    "streaming": "stream",
    "tools": "tools",
    "structured-output": "output_config.format",
    "reasoning": "thinking",
    "images": "messages",
}


PING = b'event: ping\ndata: {"type":"ping"}\n\n'


class MessagesSurface(Surface):
    """Anthropic's Messages API."""

    path: ClassVar[str] = "/v1/messages"
    operation: ClassVar[Operation] = "chat"
    id_header: ClassVar[str] = "request-id"
    words: ClassVar[Mapping[str, str]] = {
        "max_completion_tokens": "max_tokens",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
        "reasoning_effort": "thinking",
        "response_format": "output_config.format",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
    }

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read the members that routing needs. Raises ``Refusal`` with a sentence and the member that is wrong."""
        members = members_of(body)
        model, stream = text(members, "model"), flag(members, "stream")
        if (most := count(members, "max_tokens", least=0)) is None:
            raise Refusal("`max_tokens` is missing", "max_tokens")
        if "messages" not in members:
            raise Refusal("`messages` is missing", "messages")
        messages = bytes(members["messages"])
        marked = marks.marks_in(messages)
        needs, wishes = _needs(members, messages, marked, stream)
        before = [bytes(members[name]) for name in _BEFORE if name in members]
        told = _tokens(messages, before, marked)
        call = Call(
            "messages",
            members,
            stream,
            asks_usage=True,
            optional=wishes,
            betas=betas_of(headers),
            version=_version(headers),
            marks=marked,
        )
        begins = b"".join([part[:PREFIX_BYTES] for part in (*before, messages)])
        return Asked(call, model, needs, prefix=begins[:PREFIX_BYTES], tokens=told + most, prompt=told, wishes=wishes)

    def spoken(self, asked: Asked, wire: Wire) -> Asked:
        """As it came, or as a chat completion. Raises ``Refusal``."""
        if wire.speaks("messages"):
            return asked
        said = as_chat(asked, marks=wire.marks)
        unable = (said.needs - asked.needs) & set(wire.deployment.lacks) - said.call.optional
        if unable:
            raise Refusal(f"it cannot do {' or '.join(sorted(unable))}, which `messages` need", "messages")
        return said

    def forgetful(self, asked: Asked) -> Asked | None:
        """Without the thoughts of earlier turns, where the call is lenient."""
        messages = asked.call.members["messages"]
        if "reasoning" not in asked.call.optional or (told := without_signatures(messages)) is messages:
            return None
        return self.forgotten(asked, "messages", told, "thinking")

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """One of Anthropic's messages. Raises ``UnsayableError``."""
        if asked.call.operation == "messages":
            return named(reply.body, asked.shown_model(), reply.model)
        return message(asked, reply)

    def head(self, asked: Asked, created: int, wires: Iterable[Wire]) -> StreamHead:
        """Anthropic's own sign of life."""
        return StreamHead(PING)

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """A renderer of Anthropic's events."""
        return NativeRendering(asked.shown_model()) if asked.call.operation == "messages" else MessagesRendering(asked)

    def member(self, unable: str) -> str | None:
        """As Anthropic names it."""
        return _MEMBER.get(unable) or super().member(unable)

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """An error of Anthropic's."""
        return msgspec.json.encode(error_of(error, type_of_status(status)))


def as_chat(asked: Asked, *, marks: Collection[str] = ()) -> Asked:
    """The same as a chat completion. Raises ``Refusal`` with a sentence and the member that cannot be said.

    ``marks``: which members may hold marks up to which a prompt is cached; in OpenAI's own, none may.
    """
    own = asked.call
    few_breakpoints(own.members, marks)
    asking = Asking(own.members, own.optional, marks=bool(marks))
    asking.sampling()
    asking.output()
    prompt = asking.prompt()
    said = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in asking.said.items()}
    call = Call(
        "chat",
        said,
        own.stream,
        asks_usage=True,
        optional=own.optional,
        left_out=tuple(dict.fromkeys((*own.left_out, *asking.left_out))),
        budget=asking.budget,
    )
    needs = frozenset(asking.needs | prompt.needs) - asked.wishes
    return msgspec.structs.replace(asked, call=call, needs=needs, told_from=asking.told_from)


def betas_of(headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """The betas that a caller asks for. Raises ``Refusal`` where they are no names."""
    stated = headers.get(BETAS)
    if stated is None:
        return ()
    found = tuple(dict.fromkeys(name for part in stated.decode("latin-1").split(",") if (name := part.strip())))
    if not all(_BETA.fullmatch(name) for name in found):
        raise Refusal("`anthropic-beta` holds what is not a beta's name", BETAS.decode())
    return found


def _version(headers: Mapping[bytes, bytes]) -> str:
    stated = headers.get(b"anthropic-version", b"").decode("latin-1")
    if stated and not _VERSION.fullmatch(stated):
        raise Refusal("`anthropic-version` is not a date", "anthropic-version")
    return stated


def _needs(
    members: Mapping[str, msgspec.Raw], messages: bytes, marked: frozenset[bytes], stream: bool
) -> tuple[frozenset[Feature], frozenset[Feature]]:
    """(what it needs, what it may do without). Text cannot look like a member: its quotation marks are escaped."""
    if not (stream or marked) and _TELLING.isdisjoint(members):
        return _NOTHING, _NOTHING
    needs: set[Feature] = {"streaming"} if stream else set()
    wishes: set[Feature] = set()
    if "tools" in members and bytes(members["tools"])[1:].strip() != b"]":
        needs.add("tools")
    if marks.BLOCK in marked and _IMAGE.search(messages):
        needs.add("images")
    if "output_config" in members and _FORMAT.search(bytes(members["output_config"])):
        needs.add("structured-output")
    thinking = bytes(members.get("thinking", b""))
    if thinking and _ENABLED.search(thinking):
        needs.add("reasoning")
    elif thinking and _ADAPTIVE.search(thinking):
        wishes.add("reasoning")  # the model decides whether it thinks; one that cannot never does
    return frozenset(needs), frozenset(wishes)


def _tokens(messages: bytes, before: list[bytes], marked: frozenset[bytes]) -> int:
    """About how many tokens a prompt takes: for headroom, never for a bill."""
    found = prompt_tokens(messages, data=marks.DATA in marked)
    for part in before:
        found += prompt_tokens(part)
    if marks.SENT in marked:
        for sent in _SENT.finditer(messages):
            found += IMAGE_TOKENS - len(sent[1]) // CHARACTERS_PER_TOKEN
    return max(found, 1)
