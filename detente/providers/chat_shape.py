"""A chat completion, or a chunk of one, as clients take it, where it passes through.

Owns: what is told otherwise than its provider wrote it, so that typed clients do not raise and lose the answer; and
what of the content cannot be read, which is no answer. Not here: which call a piece is of (``tool_calls``), a usage
(``openai_usage``), and completions that are said in another shape (``gateway/surfaces/completion``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from detente.providers.reply_head import CHUNK, WHOLE, mended
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Members

_Json = dict[str, Any]
_Raws = dict[str, msgspec.Raw]
_Reason = Annotated[str, Meta(min_length=1)]
_Kind = Literal["function", "custom"]
CAUTIOUS = "length"
"""The reason that promises least: told for one that nobody here knows (decision 0070)."""
ASSISTANT = "assistant"
_TEXTS = ("refusal", "reasoning_content", "reasoning")
"""What is said beside the content: what is no text says nothing."""


# -- what is taken ----------------------------------------------------------------------------------------------------
class _Beside(msgspec.Struct):
    """What is said beside the content. ``reasoning`` is OpenRouter's name, and vLLM's newer one."""

    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _Call(msgspec.Struct):
    id: str
    type: _Kind
    function: _Function | UnsetType = UNSET
    custom: _Raws | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.function is UNSET and self.custom is UNSET:
            raise ValueError("a call of nothing")


class _Message(_Beside, kw_only=True):
    role: Literal["assistant"]
    content: str | None = None
    tool_calls: list[_Call] | None = None
    annotations: list[_Raws] | None = None


class _Choice(msgspec.Struct):
    index: int
    message: _Message
    finish_reason: _Reason
    logprobs: _Raws | None = None


class _Head(msgspec.Struct):
    id: str
    created: int | float
    system_fingerprint: str | None = None
    service_tier: str | None = None


class TakenCompletion(_Head, kw_only=True):
    """A whole completion that every client takes as it is."""

    object: Literal["chat.completion"]
    choices: list[_Choice]
    model: msgspec.Raw = msgspec.Raw(b"")
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: None = None


class _FunctionPiece(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallPiece(msgspec.Struct):
    type: _Kind | UnsetType = UNSET
    function: _FunctionPiece | UnsetType = UNSET
    custom: _Raws | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.function is UNSET and self.custom is UNSET:
            raise ValueError("a piece of a call of nothing")


class _Delta(_Beside, kw_only=True):
    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[_CallPiece] | None = None


class _ChoicePiece(msgspec.Struct):
    index: int
    delta: _Delta
    finish_reason: str | None = None
    logprobs: _Raws | None = None


class _TakenChunk(_Head, kw_only=True):
    object: Literal["chat.completion.chunk"]
    choices: list[_ChoicePiece]


_TAKEN = msgspec.json.Decoder(TakenCompletion)
_TAKEN_CHUNK = msgspec.json.Decoder(_TakenChunk)
_CHOICES = msgspec.json.Decoder(list[_Json])


def taken(completion: bytes) -> TakenCompletion | None:
    """A whole completion that clients take as it is; None of another."""
    try:
        found = _TAKEN.decode(completion)
    except UNREADABLE:
        return None
    return found if found.choices else None


def is_taken(chunk: bytes) -> bool:
    """Whether clients take a chunk as it is."""
    try:
        _TAKEN_CHUNK.decode(chunk)
    except UNREADABLE:
        return False
    return True


# -- what is told instead ---------------------------------------------------------------------------------------------
def as_taken(completion: bytes) -> bytes:
    """A whole completion as clients take it. Raises ``UNREADABLE`` where its content cannot be read."""
    return _with(completion, WHOLE, "")


def chunk_as_taken(chunk: bytes, name: str) -> bytes:
    """A chunk that has choices as clients take it, by the ``name`` of its stream where it has none.

    Raises ``UNREADABLE`` as ``as_taken``.
    """
    return _with(chunk, CHUNK, name)


def _with(reply: bytes, kind: str, name: str) -> bytes:
    members = msgspec.json.decode(mended(reply, kind=kind, name=name), type=Members)
    try:
        choices = [_choice(at, choice, kind) for at, choice in enumerate(_CHOICES.decode(members["choices"]))]
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
    for member in ("system_fingerprint", "service_tier"):
        if not isinstance(msgspec.json.decode(members.get(member, b"null")), str | None):
            members[member] = msgspec.Raw(b"null")
    return msgspec.json.encode({**members, "choices": choices})


def place_of(index: Any, otherwise: int = 0) -> int:
    """Which of its choices a provider numbers; ``otherwise`` where that is no number."""
    if isinstance(index, str) and index.isdecimal() and len(index) < 10:
        return int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) else otherwise


def _choice(at: int, choice: _Json, kind: str) -> _Json:
    """A choice, ``at`` a place in its list, which is its number in a whole that states none. In a stream that is 0."""
    choice["index"] = place_of(choice.get("index"), at if kind == WHOLE else 0)
    reason = choice.get("finish_reason")
    choice["finish_reason"] = reason if reason and isinstance(reason, str) else CAUTIOUS if reason else None
    if not isinstance(choice.get("logprobs"), dict | None):
        choice["logprobs"] = None
    if kind == CHUNK:
        choice["delta"] = _said(choice.get("delta") or {}, whole=False)
        return choice
    message = choice.get("message")
    if message is None and isinstance(text := choice.pop("text", None), str):
        message = {"content": text}
    choice["message"] = {**_said(message, whole=True), "role": ASSISTANT}
    return choice


def _said(said: Any, *, whole: bool) -> _Json:
    """A message, or a piece of one. Raises ``ValueError``."""
    if not isinstance(said, dict):
        raise ValueError("what is said is no object")
    for name in _TEXTS:
        if not isinstance(said.get(name), str | None):
            said[name] = None
    if said.get("role") not in (None, ASSISTANT):
        said["role"] = ASSISTANT
    if (noted := said.get("annotations")) is not None:
        said["annotations"] = [one for one in noted if isinstance(one, dict)] if isinstance(noted, list) else None
    if not isinstance(stated := said.get("content"), str | None):
        said["content"], thought = parts_of(stated)
        if cited := [part for part in stated or () if _is_silent(part)]:
            said["references"] = cited
        if thought:
            said["reasoning_content"] = (said.get("reasoning_content") or "") + thought
    calls = said.get("tool_calls")
    if not isinstance(calls, list | None) and calls:
        raise ValueError("calls of tools that are no list")
    for call in calls or ():
        _called(call, whole=whole)
    if "tool_calls" in said and not calls:
        del said["tool_calls"]
    return said


def _called(call: Any, *, whole: bool) -> None:
    """A call of a tool, or a piece of one. Raises ``ValueError``."""
    if not isinstance(call, dict):
        raise ValueError("a call of a tool that is no object")
    if call.get("type", "function") not in get_args(_Kind):
        del call["type"]
    if call.get("custom") is not None:
        return
    function = call["function"] = call.get("function") or {}
    if not isinstance(function, dict):
        raise ValueError("a function that is no object")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str if whole else str | None):
        raise ValueError("a tool without a name")
    if whole or not isinstance(arguments, str | None):
        function["arguments"] = arguments_of(arguments)


def parts_of(content: Any) -> tuple[str, str]:
    """(text, thought) of a content, which some write as a list of parts. Raises ``ValueError`` of what is neither."""
    if isinstance(content, str) or not content:
        return content or "", ""
    text = thought = ""
    for part in content if isinstance(content, list) else (content,):
        match part:
            case {"type": "text" | "output_text", "text": str() as said}:
                text += said
            case {"type": "thinking", "thinking": said}:
                thought += parts_of(said)[0]
            case _ if _is_silent(part):
                pass
            case _:
                raise ValueError("a content that is no text")
    return text, thought


def _is_silent(part: Any) -> bool:
    """Whether a part of a content has no text: Mistral's, which say what the text before them refers to."""
    return isinstance(part, dict) and part.get("type") in ("reference", "tool_reference")


def arguments_of(stated: Any) -> str:
    """What a tool is called with, as JSON text: some write the object itself. Raises ``ValueError``."""
    if isinstance(stated, dict):
        return msgspec.json.encode(stated).decode()
    if stated is not None and not isinstance(stated, str):
        raise ValueError("arguments that are no text")
    return stated or ""
