"""A chat completion in Anthropic's own shape, and its reply back.

Owns: Anthropic's words for what Converse says in its own. Converse was made after Anthropic's shape: what a Claude can
be told, and what is refused by name, is decided there once (``bedrock/converse``), and block becomes block here. Not
here: streams (``claude_chat_stream``), and what is asked in Anthropic's shape anyway (``claude``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from detente.providers.anthropic_error import error_inside
from detente.providers.bedrock import converse
from detente.providers.bedrock.converse_reply import reply_of as chat_of
from detente.providers.bedrock.family import ChatInterface, Family, family_of
from detente.providers.breakpoints import few_breakpoints
from detente.providers.conversation import checked
from detente.providers.marks import marks_in
from detente.providers.messages_usage import usage_of
from detente.providers.omission import Omissions
from detente.providers.tool_use_ids import NO_ID, fitting
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Failure, Headers, Members, Refusal, Reply, Tokens, as_text, failure

STOPS = {"refusal": "content_filtered", "pause_turn": "end_turn"}
"""Anthropic's reasons to stop that Converse has other words for."""
TAGS = ("metadata", "service_tier")
"""Members that Anthropic has no place for, and that change no answer."""
_ANTHROPIC = ChatInterface("Anthropic's API", "Anthropic's API", "Anthropic")


# -- asking -----------------------------------------------------------------------------------------------------------
def claude_family(name: str, model: str | None) -> Family:
    """What a Claude takes at Anthropic of a chat completion."""
    return replace(family_of(name, model), fetches=True, interface=_ANTHROPIC)


def request_of(call: Call, family: Family) -> tuple[Members, tuple[str, ...]]:
    """(the members of a request but its model, what is left out of it). Raises Refusal."""
    omissions = Omissions(call.optional)
    few_breakpoints(call.members)
    members = dict(call.members)
    user = _user(members, omissions)
    for name in TAGS:
        if bytes(members.pop(name, b"null")) not in (b"null", b'"auto"', b'"default"', b"{}"):
            omissions.hint(name)
    body = converse.said(msgspec.structs.replace(call, members=members), family, omissions)
    said = _said(body) | ({"metadata": {"user_id": user}} if user else {})
    told = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in said.items()}
    if call.stream:
        told["stream"] = msgspec.Raw(b"true")
    checked(told, marks_in(bytes(told["messages"])))
    return told, omissions.names


def _user(members: Members, omissions: Omissions) -> str | None:
    """Whose call it is, which Anthropic has one place for; taken out of the members."""
    found = None
    for name in ("safety_identifier", "user"):
        raw = bytes(members.pop(name, b"null"))
        if raw == b"null":
            continue
        try:
            stated = msgspec.json.decode(raw, type=str)
        except UNREADABLE:
            raise Refusal.of(name, "is not text") from None
        if found and stated != found:
            omissions.hint(name)
        found = found or stated
    return found


_INFERENCE = {
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "stopSequences": "stop_sequences",
}


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    """A request of Converse in Anthropic's words; what it says in Anthropic's words already is taken as it is."""
    said: dict[str, Any] = {"messages": [turn | {"content": _blocks(turn["content"])} for turn in body["messages"]]}
    if "system" in body:
        said["system"] = _blocks(body["system"])
    said |= {_INFERENCE[name]: value for name, value in body.get("inferenceConfig", {}).items()}
    if "toolConfig" in body:
        said["tools"] = _marked(body["toolConfig"]["tools"], _tool)
        if (choice := body["toolConfig"].get("toolChoice")) is not None:
            ((kind, named),) = choice.items()
            said["tool_choice"] = {"type": kind, **named}
    output = body.get("outputConfig", {})
    config = {"effort": output["effort"]} if "effort" in output else {}
    if "textFormat" in output:
        schema = output["textFormat"]["structure"]["jsonSchema"]["schema"]
        config["format"] = {"type": "json_schema", "schema": msgspec.Raw(schema.encode())}
    additional: dict[str, Any] = body.get("additionalModelRequestFields", {})
    return said | ({"output_config": config} if config else {}) | additional


def _blocks(blocks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return _marked(blocks, _block)


def _marked(items: Iterable[dict[str, Any]], said: Any) -> list[dict[str, Any]]:
    """Items in Anthropic's words: a point of the cache is a mark on what stands before it."""
    found: list[dict[str, Any]] = []
    for item in items:
        if "cachePoint" not in item:
            found.append(said(item))
        elif found:
            ttl = item["cachePoint"].get("ttl")
            found[-1]["cache_control"] = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    return found


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    spec = tool["toolSpec"]
    kept = {name: value for name, value in spec.items() if name != "inputSchema"}
    return {**kept, "input_schema": spec["inputSchema"]["json"]}


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, said),) = block.items()
    match kind:
        case "text":
            return {"type": "text", "text": said}
        case "image":
            return {"type": "image", "source": _source(said["source"], f"image/{said.get('format')}")}
        case "document":
            return {"type": "document", "source": _source(said["source"], "application/pdf")}
        case "toolUse":
            return {"type": "tool_use", "id": _id(said["toolUseId"]), "name": said["name"], "input": said["input"]}
        case "toolResult":
            return {"type": "tool_result", "tool_use_id": _id(said["toolUseId"]), "content": _blocks(said["content"])}
    if "redactedContent" in said:
        return {"type": "redacted_thinking", "data": said["redactedContent"]}
    thought = said["reasoningText"]
    return {"type": "thinking", "thinking": thought["text"], "signature": thought["signature"]}


def _source(source: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if "url" in source:
        return {"type": "url", "url": source["url"]}
    return {"type": "base64", "media_type": kind, "data": source["bytes"]}


def _id(stated: str) -> str:
    """The id of a call: Anthropic's have fewer signs than others'."""
    return fitting(stated, NO_ID)


# -- what comes back --------------------------------------------------------------------------------------------------
class _Whole(msgspec.Struct):
    content: list[dict[str, msgspec.Raw]]
    id: Any = ""
    stop_reason: Any = None
    stop_sequence: Any = None
    usage: Any = None


_WHOLE = msgspec.json.Decoder(_Whole)


def reply_of(model: str, headers: Headers, body: bytes, names: Mapping[str, str]) -> Reply | Failure:
    """A whole reply as a chat completion. One that cannot be read is a ``broken`` failure."""
    try:
        found = _WHOLE.decode(body)
        content = [_as_converse(block) for block in found.content]
    except (ValueError, RecursionError, KeyError):  # msgspec's errors, or UTF-8's
        return error_inside(body) or failure("broken", 502, "the provider's reply is not one of Anthropic's messages")
    usage = usage_of(found.usage)
    tokens = usage.tokens if usage else None
    said = {
        "output": {"message": {"content": content}},
        "stopReason": stop_of(found.stop_reason),
        "usage": counted(tokens),
        "additionalModelResponseFields": {"stop_sequence": found.stop_sequence},
    }
    told = chat_of(model, headed(headers, as_text(found.id)), msgspec.json.encode(said), names)
    if isinstance(told, Failure):
        return told
    return msgspec.structs.replace(told, tokens=tokens)


def _as_converse(block: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    kind = msgspec.json.decode(block["type"])
    match kind:
        case "text" if bytes(block.get("citations", b"null")) not in (b"null", b"[]"):
            cited = msgspec.json.decode(block["citations"], type=list[Any])
            return {"citationsContent": {"content": [{"text": block["text"]}], "citations": list(map(citation, cited))}}
        case "text":
            return {"text": block["text"]}
        case "tool_use":
            return {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}}
        case "thinking":
            text = {"text": block.get("thinking"), "signature": block.get("signature")}
            return {"reasoningContent": {"reasoningText": text}}
        case "redacted_thinking":
            return {"reasoningContent": {"redactedContent": block["data"]}}
    raise ValueError(f"a block of type {kind}")


def citation(stated: Any) -> dict[str, Any]:
    """What a text cites, in Converse's words: a page of the web, or a result of a search by its source."""
    cited = stated if isinstance(stated, dict) else {}
    return {"title": cited.get("title"), "source": cited.get("source"), "location": {"web": {"url": cited.get("url")}}}


def stop_of(reason: Any) -> Any:
    """A reason to stop in Converse's words."""
    return STOPS.get(reason, reason) if isinstance(reason, str) else reason


def counted(tokens: Tokens | None) -> dict[str, int] | None:
    """Usage in Converse's words."""
    if tokens is None:
        return None
    fresh = tokens.input - tokens.cached - tokens.written
    cache = {"cacheReadInputTokens": tokens.cached, "cacheWriteInputTokens": tokens.written}
    return {"inputTokens": fresh, "outputTokens": tokens.output, **cache}


def headed(headers: Headers, id_: str) -> Headers:
    """Headers by which a completion gets the id of its message, and the time of its reply."""
    return {"date": headers.get("date", ""), "x-amzn-requestid": id_.removeprefix("msg_")}
