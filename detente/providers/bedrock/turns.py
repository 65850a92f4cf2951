"""Messages in OpenAI's shape as Converse's system prompts and turns.

Owns: roles, calls of tools and their results, and that turns alternate. Not here: the parts of a message's content
(``content_parts``), and the tools that are on offer (``tools``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from detente.providers.bedrock.calls import CallIds, input_of
from detente.providers.bedrock.content_parts import (
    CachePoint,
    ContentPart,
    ConverseBlock,
    cached,
    document_of,
    image_of,
    refused,
    text_of,
)
from detente.providers.bedrock.family import Family
from detente.providers.bedrock.foreign import foreign_part
from detente.providers.bedrock.member import NULL, Member
from detente.providers.omission import Omissions, remedy
from detente.providers.system_turns import REMINDER
from detente.providers.tool_names import shortened
from detente.providers.tool_use_ids import fitting
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Refusal

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""A tool's name, in Bedrock's model of the service as in OpenAI's."""

_NO_ID = re.compile(r"[^a-zA-Z0-9_.:-]")


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: str = ""


class _ToolCall(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: str = "function"
    function: _Function | None = None
    custom: Any = None
    index: int | None = None
    """Of a stream's chunks, whence clients send it back: the order of the list says it."""
    cache_control: CachePoint | None = None


class _Later(msgspec.Struct, forbid_unknown_fields=True):
    """A thought that did not begin its message: what of the content and of the calls came before it."""

    characters: int
    calls: int
    reasoning_content: str = ""
    reasoning_signature: str | None = None
    reasoning_redacted: str | None = None
    index: int | None = None
    """Of a stream, where a client kept it."""


class _Detail(msgspec.Struct):
    signature: Any = None
    data: Any = None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    cache_control: CachePoint | None = None
    """As some clients write it (opencode, the Vercel AI SDK): the prompt is cached up to the end of the message."""
    reasoning_content: str | None = None
    reasoning: str | None = None
    """The same as vLLM and others write it; OpenRouter's ``reasoning_details`` repeat it, with what signs it."""
    reasoning_details: list[_Detail] | None = None
    reasoning_signature: str | None = None
    reasoning_redacted: str | None = None
    later_reasoning: list[_Later] | None = None
    function_call: Any = None
    audio: Any = None
    annotations: Any = None
    """What a reply's message may hold and clients send back: of no use to a model."""


_ANYONES = ("role", "content", "name", "tool_call_id", "cache_control")
_REPLIES = [name for name in _Message.__struct_fields__ if name not in _ANYONES]
_ELSEWHERE = {"user": [*_REPLIES, "tool_call_id"], "assistant": ["tool_call_id"], "tool": _REPLIES}
"""Members of a message that are another role's: Converse has no place for them in this one's turn."""
_MESSAGES: Member[list[_Message]] = Member("messages", list[_Message])


class Turns(NamedTuple):
    """A conversation as Converse takes it."""

    system: list[ConverseBlock]
    messages: list[dict[str, Any]]
    called: tuple[str, ...]
    """The tools that were called in it: Converse then wants to know them."""
    unsigned: bool
    """Whether the assistant's last turn calls tools without the signed reasoning that led there."""


def turns_of(members: Mapping[str, msgspec.Raw], family: Family, omissions: Omissions) -> Turns:
    """The turns of a call. Raises Refusal where Converse cannot say them.

    Turns alternate: messages of one side that follow each other become one turn of several blocks, and results of
    tools are blocks of the user's turn, and come first in it: what else was said between a call and its result follows
    them, as Claude wants it. A message of nothing but blanks says nothing, and Bedrock refuses it.
    """
    system: list[ConverseBlock] = []
    turns: list[dict[str, Any]] = []
    ids = CallIds()
    unsigned = False
    results = 0
    for at, message in enumerate(messages_of(members)):
        try:
            side, blocks = _said(message, family, omissions, ids, at, begun=bool(turns))
        except Refusal as refusal:
            raise refusal.at(f"[{at}]") from None
        if message.role == "assistant":
            unsigned = _is_unsigned(message)
        if side == "system":
            system += blocks
        elif blocks:
            if not turns or turns[-1]["role"] != side:
                if side == "assistant":
                    ids.over(before=at)
                turns.append({"role": side, "content": []})
                results = 0
            content = turns[-1]["content"]
            if message.role == "tool":
                content[results:results] = blocks
                results += len(blocks)
            else:
                content += blocks
    if system and not family.system:
        raise refused(f"a system prompt, which {family.title} does not take")
    if not turns:
        raise refused("nothing that is said: no text but blanks, and nothing else; write what the user says")
    if turns[0]["role"] != "user":
        what = "a conversation that does not begin with the user"
        raise refused(f"{what}: {family.interface.house} wants the user's turn first")
    if turns[-1]["role"] == "assistant":
        what = (
            f"an assistant's turn at the end: OpenAI's interface answers it, and {family.interface.name} would continue"
        )
        raise refused(f"{what} it (prefill) or refuse it; end with a turn of the user").at(f"[{at}]")
    ids.over()
    return Turns(system, turns, tuple(dict.fromkeys(map(shortened, filter(None, ids.names.values())))), unsigned)


def _said(
    message: _Message, family: Family, omissions: Omissions, ids: CallIds, at: int, *, begun: bool
) -> tuple[str, list[ConverseBlock]]:
    """What a message says, and on whose side; ``begun`` is whether there is a turn before it. Raises Refusal."""
    role = message.role
    _at_home(message)
    if role == "user":
        side, blocks = "user", _user(message, family, omissions)
    elif role == "assistant":
        _told_apart(message, ids, at)
        side, blocks = "assistant", _assistant(message, family, omissions)
    elif role == "tool":
        message.tool_call_id = ids.result(message.tool_call_id) if message.tool_call_id else None
        side, blocks = "user", _result(message, family, ids.names)
    elif role in ("system", "developer") and not begun:
        side, blocks = "system", _blocks(message, family, images=False)
    elif role in ("system", "developer"):
        side, blocks = "user", _reminder(message, family)
    else:
        raise refused(f"role `{role[:40]}`, which is none of system, developer, user, assistant and tool")
    return side, blocks + _marked(message, blocks, family)


def _is_unsigned(message: _Message) -> bool:
    """Whether a message calls tools without the signed reasoning that led there."""
    thoughts = (message, *(message.later_reasoning or ()))
    return bool(message.tool_calls) and not any(one.reasoning_signature or one.reasoning_redacted for one in thoughts)


def messages_of(members: Mapping[str, msgspec.Raw]) -> list[_Message]:
    """The messages of a call. Raises Refusal."""
    try:
        return _MESSAGES.of(members) or []
    except Refusal:
        if (said := _without_nulls(members["messages"])) != members["messages"]:
            return messages_of({"messages": said})  # clients send back all that their own kind of a message may hold
        if (foreign := foreign_part(members["messages"])) is not None:
            raise foreign from None
        raise


def _without_nulls(messages: msgspec.Raw) -> msgspec.Raw:
    """Messages without members that are null: those say nothing, by whatever name."""
    try:
        found = msgspec.json.decode(messages, type=list[dict[str, msgspec.Raw]])
    except UNREADABLE:
        return messages
    told = [{name: raw for name, raw in message.items() if raw != NULL} for message in found]
    return messages if told == found else msgspec.Raw(msgspec.json.encode(told))


def _told_apart(message: _Message, ids: CallIds, at: int) -> None:
    """Give each call of a message an id that none before has."""
    if message.tool_calls:
        ids.begin()
    for place, call in enumerate(message.tool_calls or ()):
        try:
            call.id = ids.call(call.id, call.function.name if call.function is not None else "", at, place)
        except Refusal as refusal:
            raise refusal.at(f".tool_calls[{place}]") from None


def _at_home(message: _Message) -> None:
    for name in _ELSEWHERE.get(message.role, _ELSEWHERE["user"]):
        if getattr(message, name):
            raise refused(f"`{name}` in a message of `{message.role[:40]}`, which has no such member")


def _user(message: _Message, family: Family, omissions: Omissions) -> list[ConverseBlock]:
    _nameless(message, family, omissions)
    return _blocks(message, family, images=True)


def _reminder(message: _Message, family: Family) -> list[ConverseBlock]:
    """A system message within the conversation, which Converse has no place for: said in the user's turn.

    The words are those of Claude's own tools, where a model takes no such message.
    """
    return [
        {"text": f"{REMINDER[0]}{block['text']}{REMINDER[1]}"} if "text" in block else block
        for block in _blocks(message, family, images=False)
    ]


def _marked(message: _Message, blocks: list[ConverseBlock], family: Family) -> list[ConverseBlock]:
    """The point of the cache at the end of a message that is marked as a whole, unless its last part was."""
    return cached(message.cache_control, family) if blocks and "cachePoint" not in blocks[-1] else []


def _assistant(message: _Message, family: Family, omissions: Omissions) -> list[ConverseBlock]:
    _nameless(message, family, omissions)
    if message.audio is not None or message.function_call is not None:
        what = "`audio`" if message.audio is not None else "`function_call`, which `tool_calls` replaced"
        raise refused(f"{what}: {family.interface.name} does not know it")
    if message.tool_calls and not family.tools:
        raise refused(f"calls of tools, which {family.title} does not make")
    blocks: list[ConverseBlock] = []
    for step in _steps(message):
        blocks += _reasoning(step, family, omissions) + _blocks(step, family, images=False)
        if step.refusal:
            blocks.append({"text": step.refusal})
        for call in step.tool_calls or ():
            blocks += [_use(call, family), *cached(call.cache_control, family)]
    return blocks


def _steps(message: _Message) -> list[_Message]:
    """A message that was thought in several steps as several, each of which begins with its thought."""
    if not message.later_reasoning:
        return [message]
    content, calls = message.content or "", message.tool_calls or []
    if not isinstance(content, str):
        raise refused("`later_reasoning`, whose places are counted in one text, beside content in parts")
    steps = []
    thought: _Message | _Later = message
    characters = called = 0
    for later in [*message.later_reasoning, _Later(len(content), len(calls))]:
        to, until = later.characters, later.calls
        if not characters <= to <= len(content) or not called <= until <= len(calls):
            raise refused("`later_reasoning` that is out of place: it counts what comes before it, in order")
        step = _Message(message.role, content[characters:to], tool_calls=calls[called:until])
        step.reasoning_content, step.reasoning_signature = thought.reasoning_content, thought.reasoning_signature
        step.reasoning_redacted = thought.reasoning_redacted
        steps.append(step)
        thought, characters, called = later, to, until
    steps[-1].refusal = message.refusal
    return steps


def _reasoning(message: _Message, family: Family, omissions: Omissions) -> list[ConverseBlock]:
    """What the model thought before: Claude takes it back only as it signed it, gpt-oss only unsigned.

    Without its signature it is left out, as Claude itself leaves out the thoughts of earlier turns. With one it never
    is: whoever cannot read it is passed by. A signed thought may be empty, where its text was not asked for.
    """
    text, signature = message.reasoning_content or message.reasoning, message.reasoning_signature
    if signature or message.reasoning_redacted:
        if family.thinking not in ("budget", "adaptive"):
            if omissions.may("reasoning", "thinking"):
                return []
            what = f"thinking that Claude signed, which {family.title} does not take back"
            raise refused(f"{what}; {remedy('reasoning')}")
        if message.reasoning_redacted:
            return [{"reasoningContent": {"redactedContent": message.reasoning_redacted}}]
        return [{"reasoningContent": {"reasoningText": {"text": text or "", "signature": signature}}}]
    signs = any(one.signature or one.data for one in message.reasoning_details or ())
    if signs and not omissions.may("reasoning", "reasoning_details"):
        what = "`reasoning_details` that are signed or encrypted, which only the model that made them reads"
        raise refused(f"{what}; {remedy('reasoning')}")
    if text and family.thinking == "gpt-oss":
        return [{"reasoningContent": {"reasoningText": {"text": text}}}]
    return []


def _use(call: _ToolCall, family: Family) -> ConverseBlock:
    if call.type != "function" or call.function is None:
        raise refused(f"a call of a tool of type `{call.type[:40]}`: {family.interface.name} knows functions")
    name = shortened(call.function.name)
    if not NAME.fullmatch(name):
        raise refused(f"a call of `{name[:80]}`: a tool's name has letters, digits, `_` and `-`")
    return {"toolUse": {"toolUseId": _id(call.id, family), "name": name, "input": input_of(call.function.arguments)}}


def _result(message: _Message, family: Family, names: Mapping[str, str]) -> list[ConverseBlock]:
    """The result of a call. The tool's ``name``, which older clients repeat, was said by the call."""
    if message.tool_call_id is None:
        raise refused("a tool's message without `tool_call_id`")
    if message.name is not None and message.name != names.get(message.tool_call_id):
        raise refused(f"a result of `{message.name[:40]}`, and the call that it answers is of another tool")
    content = message.content
    parts = [ContentPart("text", content)] if isinstance(content, str) else content or []
    found: list[ConverseBlock] = []
    blocks: list[ConverseBlock] = [{"toolResult": {"toolUseId": _id(message.tool_call_id, family), "content": found}}]
    for at, part in enumerate(parts):
        try:
            block = _shown(part, family, sum("document" in one for one in found))
        except Refusal as refusal:
            raise (refusal if isinstance(content, str) else refusal.at(f".content[{at}]")) from None
        found += [] if block is None else [block]
        blocks += cached(part.mark, family)
    return blocks


def _shown(part: ContentPart, family: Family, documents: int) -> ConverseBlock | None:
    """The block of a part of a result, after so many documents; None of blank text. Raises Refusal."""
    if part.type == "image_url":
        if not family.shown:
            what = f"an image in a tool's result, which {family.title} does not take"
            raise refused(
                f"{what}: in {family.interface.name} it is for Claude 3 and later and for Nova, but Nova Micro"
            )
        return image_of(part, family)
    if part.type == "file":
        return document_of(part, documents)
    text = text_of(part, family)
    return {"text": text} if text.strip() else None


def _id(stated: str, family: Family) -> str:
    if not stated:
        raise refused(f"a tool call without an id, which {family.interface.house} wants: give each one of its own")
    return fitting(stated, _NO_ID)


def _nameless(message: _Message, family: Family, omissions: Omissions) -> None:
    if message.name and not omissions.may("names", "name"):
        what = f"a participant's name (`{message.name[:40]}`), which {family.interface.name} cannot say"
        raise refused(f"{what}; leave it out, or {remedy('names')}")


def _blocks(message: _Message, family: Family, *, images: bool) -> list[ConverseBlock]:
    """The blocks of a message's content. Blank text is left out: Bedrock refuses it, and it says nothing."""
    content = message.content
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    blocks: list[ConverseBlock] = []
    for at, part in enumerate(content or ()):
        try:
            block = _block(part, message.role, family, sum("document" in one for one in blocks), images=images)
        except Refusal as refusal:
            raise refusal.at(f".content[{at}]") from None
        if block is not None:
            blocks += [block, *cached(part.mark, family)]
    return blocks


def _block(part: ContentPart, role: str, family: Family, documents: int, *, images: bool) -> ConverseBlock | None:
    """The block of a part, after so many documents; None of blank text. Raises Refusal."""
    if part.type == "file" and role == "user":
        return document_of(part, documents)
    if part.type != "image_url":
        text = text_of(part, family)
        return {"text": text} if text.strip() else None
    if not images:
        raise refused(f"an image in a message of `{role}`")
    if not family.images:
        raise refused(f"an image, which {family.title} does not take")
    return image_of(part, family)
