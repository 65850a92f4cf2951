"""A request of the Responses API as a chat completion.

Owns: members and items, and refusing by name what a chat completion cannot say. Not here: tools (``responses_tools``),
replies (``responses_reply``, ``responses_events``), and what is refused on this path whoever serves it (``responses``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces.answered_once import AnsweredOnce
from detente.gateway.surfaces.responses_thought import unpacked
from detente.gateway.surfaces.responses_tools import INPUT, SEARCH, Toolbox, loaded, read, tools_of
from detente.gateway.surfaces.surface import Asked
from detente.gateway.surfaces.told_from import ToldFrom
from detente.providers.omission import Omissions, remedy
from detente.providers.quoted import quoted
from detente.providers.wire import FETCHING, Call, Refusal

SAME = ("model", "stream", "temperature", "top_p", "user", "safety_identifier", "service_tier", "parallel_tool_calls")
"""Members that a chat completion has by the same name and meaning."""
HINTS = (
    *("metadata", "client_metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "store"),
    "max_tool_calls",
)
"""Members that change no answer: tags, where a prompt is cached, whether the reply is kept for later, and how often
tools are called that run at OpenAI, of which there are none here."""
READ = ("input", "instructions", "max_output_tokens", "reasoning", "text", "tools", "tool_choice", "include")
NEUTRAL: dict[str, tuple[bytes, ...]] = {
    "background": (b"false",),
    "stream_options": (),
    "truncation": (b'"disabled"',),
    "top_logprobs": (b"0",),
}
"""Members that pass where they say nothing: null, or these."""
_NULL = b"null"
_BREAKPOINT = quoted("prompt_cache_breakpoint")
_FREE = ("auto", "none")
"""Choices that leave it to the model to call no tool."""


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None


class _Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    content: str | list[msgspec.Raw] | None = None
    call_id: str | None = ""
    name: str = ""
    namespace: str | None = None
    arguments: Any = ""
    execution: str | None = None
    tools: list[msgspec.Raw] = []
    input: str = ""
    output: str | list[msgspec.Raw] | None = None
    encrypted_content: str | None = None
    summary: list[msgspec.Raw] | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    mode: str | None = None
    context: str | None = None


class _Text(msgspec.Struct):
    format: dict[str, msgspec.Raw] | None = None
    verbosity: str | None = None


def as_chat(asked: Asked, tags: Collection[str] = ()) -> Asked:
    """The same as a chat completion, with those of its ``tags`` that whoever is asked logs. Raises Refusal."""
    own, omissions = asked.call, Omissions(asked.call.optional)
    said: dict[str, Any] = {name: own.members[name] for name in (*SAME, *tags) if _says(own.members, name)}
    _known({n: raw for n, raw in own.members.items() if n not in said}, omissions, kept=bool(asked.kept_as))
    box = tools_of(own.members.get("tools"), own.optional)
    for name in box.left_out:
        omissions.hint(name)
    said["messages"], told = _messages(own.members, box, omissions)
    _output(own.members, said, omissions)
    _tools(own.members, said, box)
    if own.stream:
        said["stream_options"] = {"include_usage": True}
    members = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in said.items()}
    left_out = tuple(dict.fromkeys((*own.left_out, *omissions.names)))
    call = Call("chat", members, own.stream, asks_usage=True, optional=own.optional, left_out=left_out)
    told_from = {"messages": told, "tools": box.told}
    return msgspec.structs.replace(asked, call=call, origin=own, tools=box.names, told_from=told_from)


def _says(members: Mapping[str, msgspec.Raw], name: str) -> bool:
    return name in members and bytes(members[name]) != _NULL


def _known(members: Mapping[str, msgspec.Raw], omissions: Omissions, *, kept: bool) -> None:
    for name, raw in members.items():
        if name in READ or bytes(raw) == _NULL:
            continue
        if name in HINTS:
            if bytes(raw) not in (b"false", b"{}") and not (name == "store" and kept):
                omissions.hint(name)
        elif name == "truncation" and bytes(raw) == b'"auto"':
            omissions.hint(name)  # what is too long is refused, not cut
        elif name == "stream_options":
            omissions.hint(name)  # padding against those who measure the length of events
        elif name == "top_logprobs" and bytes(raw) != b"0":
            if not omissions.may("logprobs", name):
                raise Refusal(f"`{name}` is not supported by chat models here; {remedy('logprobs')}", name)
        elif bytes(raw) not in NEUTRAL.get(name, ()):
            what = f"`{name[:60]}` is not supported where the model is asked by chat completions"
            raise Refusal(f"{what}; leave it out", name[:60])
    for stated in read(members["include"], list[str] | None, "include") or () if "include" in members else ():
        if stated == "message.output_text.logprobs" and not omissions.may("logprobs", "include"):
            raise Refusal(f"`include` asks for log probabilities; leave it out, or {remedy('logprobs')}", "include")
        if stated != "reasoning.encrypted_content":  # which is always given, where there is any
            omissions.hint("include")


def _output(members: Mapping[str, msgspec.Raw], said: dict[str, Any], omissions: Omissions) -> None:
    """How much is made, in which shape, and with how much thought."""
    if _says(members, "max_output_tokens"):
        said["max_completion_tokens"] = members["max_output_tokens"]
    if _says(members, "reasoning"):
        _reasoning(read(members["reasoning"], _Reasoning, "reasoning"), said, omissions)
    text = read(members["text"], _Text, "text") if _says(members, "text") else _Text()
    if text.verbosity not in (None, "medium"):
        said["verbosity"] = text.verbosity
    if text.format is not None:
        kind = read(text.format.get("type", msgspec.Raw(b'""')), str, "text.format.type")
        if kind == "json_schema":
            rest = {name: raw for name, raw in text.format.items() if name != "type"}
            said["response_format"] = {"type": kind, "json_schema": rest}
        elif kind != "text":
            said["response_format"] = {"type": kind}


def _reasoning(asked: _Reasoning, said: dict[str, Any], omissions: Omissions) -> None:
    if asked.effort:
        said["reasoning_effort"] = asked.effort
    if asked.mode not in (None, "standard") and not omissions.may("reasoning", "reasoning.mode"):
        what = f"`reasoning.mode: {asked.mode[:40]}` is not known to chat completions"
        raise Refusal(f"{what}; leave it out, or {remedy('reasoning')}", "reasoning.mode")
    if asked.context not in (None, "auto"):
        omissions.hint("reasoning.context")  # earlier thoughts are told where their model can read them


def _tools(members: Mapping[str, msgspec.Raw], said: dict[str, Any], box: Toolbox) -> None:
    stated = _says(members, "tool_choice")
    choice = read(members["tool_choice"], str | dict[str, Any], "tool_choice") if stated else "auto"
    if not box.functions:
        said.pop("parallel_tool_calls", None)
        if choice not in _FREE:
            what = "all of them are left out" if box.left_out else "there are none"
            raise Refusal(f"`tool_choice` chooses among `tools`, and {what}", "tool_choice")
        return
    said["tools"] = box.functions
    if not stated:
        return
    if isinstance(choice, str):
        said["tool_choice"] = choice
    elif choice.get("type") in ("function", "custom") and isinstance(choice.get("name"), str):
        name = box.function(choice["name"], choice.get("namespace"))
        said["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif choice.get("type") == "allowed_tools":
        said["tool_choice"] = {"type": "allowed_tools", "allowed_tools": _allowed(choice, box)}
    else:
        what = f"`tool_choice.type: {str(choice.get('type'))[:40]}` is not supported"
        raise Refusal(f"{what}; write `auto`, `none`, `required`, a function, or `allowed_tools`", "tool_choice")


def _allowed(choice: dict[str, Any], box: Toolbox) -> dict[str, Any]:
    """The part of the tools that may be called, as a chat completion says it. Raises Refusal."""
    mode, stated = choice.get("mode"), choice.get("tools")
    if mode not in ("auto", "required") or not isinstance(stated, list) or not stated:
        what = "`tool_choice` of type `allowed_tools` holds `mode`, `auto` or `required`, and a list of `tools`"
        raise Refusal(what, "tool_choice")
    tools = []
    for at, one in enumerate(stated):
        tool = one if isinstance(one, dict) else {}
        name, namespace = tool.get("name"), tool.get("namespace")
        own = box.function(name, namespace if isinstance(namespace, str) else None) if isinstance(name, str) else ""
        if own not in box.names or tool.get("type") != box.names[own].kind:
            what = "is none that a chat completion can call: name those that `tools` hold, or send only these"
            raise Refusal(f"`tool_choice.tools[{at}]` {what}", f"tool_choice.tools[{at}]")
        tools.append({"type": "function", "function": {"name": own}})
    return {"mode": mode, "tools": tools}


# -- items ------------------------------------------------------------------------------------------------------------
def _messages(
    members: Mapping[str, msgspec.Raw], box: Toolbox, omissions: Omissions
) -> tuple[list[dict[str, Any]], list[ToldFrom]]:
    """(the messages, where each was written). Raises Refusal."""
    found: list[dict[str, Any]] = []
    told: list[ToldFrom] = []
    if _says(members, "instructions"):
        found.append({"role": "system", "content": read(members["instructions"], str, "instructions")})
        told.append(ToldFrom("instructions"))
    if not _says(members, "input"):
        raise Refusal("`input` is missing; write what the user says, or the items of a conversation", "input")
    given = read(members["input"], str | list[msgspec.Raw], "input")
    if isinstance(given, str):
        return [*found, {"role": "user", "content": given}], [*told, ToldFrom("input")]
    if _BREAKPOINT(bytes(members["input"])):
        omissions.hint("prompt_cache_breakpoint")
    thoughts: dict[str, Any] = {}
    left = set[str]()
    once = AnsweredOnce()
    for at, raw in enumerate(given):
        where = f"input[{at}]"
        item = read(raw, _Item, where)
        if item.type == "reasoning":
            more = unpacked(item.encrypted_content or "") or {}
            if not more and item.encrypted_content:
                what = "`encrypted_content` can only be read by the model that made it"
                if not omissions.may("reasoning", "reasoning"):
                    raise Refusal(f"{what}; {remedy('reasoning')}", where)
            elif not more and (item.summary or item.content):
                omissions.hint("reasoning")  # a thought that only who stored it could tell
            if more.keys() != {"later_reasoning"}:
                thoughts = more
            elif found and found[-1]["role"] == "assistant" and not thoughts:
                found[-1] |= more  # of a stream, which tells it after the text that it may stand in
            else:
                thoughts = {**thoughts, **more}
        elif item.type == "tool_search_call" and item.execution != "client":
            pass  # what OpenAI looked for; what it found is on offer
        elif item.type in ("function_call", "custom_tool_call", "tool_search_call"):
            once.call(item.call_id, where)
            if _called(item, where, box, found, thoughts):
                told.append(ToldFrom(where, calls=[where]))
            else:
                told[-1] = told[-1]._replace(calls=[*told[-1].calls, where])
            thoughts = {}
        elif item.type in ("tool_search_output", "additional_tools"):
            names = loaded(item.tools, box, where)
            if item.execution == "client":
                once.result(item.call_id, where)
                found.append({"role": "tool", "tool_call_id": item.call_id, "content": names})
                told.append(ToldFrom(where))
        elif item.type in ("function_call_output", "custom_tool_call_output") and item.call_id in left:
            pass  # the result of a call that is left out
        elif item.type in ("function_call_output", "custom_tool_call_output"):
            once.result(item.call_id, where)
            found.append(
                {"role": "tool", "tool_call_id": item.call_id, "content": _content(item.output, f"{where}.output")}
            )
            told.append(ToldFrom(where, f"{where}.output"))
        elif item.type == "message":
            found.append(_message(item, where, thoughts))
            told.append(ToldFrom(where, f"{where}.content"))
            thoughts = {}
            if item.role == "user":
                once.goes_on()
        elif item.type.endswith("_call") or item.type.endswith("_call_output"):
            if not omissions.may("hosted-tools", "input"):
                what = f"`{item.type[:60]}` is of a tool of OpenAI's own, which chat completions do not have"
                raise Refusal(f"{what}; leave it out with its output, or {remedy('hosted-tools')}", where)
            if item.call_id:
                left.add(item.call_id)
        else:
            raise Refusal(f"an item of type `{item.type[:60]}` has no place in a chat completion", where)
    return found, told


def _message(item: _Item, where: str, thoughts: Mapping[str, Any]) -> dict[str, Any]:
    if item.role not in ("user", "assistant", "system", "developer"):
        what = f"`{where}.role` is `{item.role[:40]}`, and is one of user, assistant, system and developer"
        raise Refusal(what, f"{where}.role")
    role = "system" if item.role == "developer" else item.role  # which every chat model knows
    own = thoughts if role == "assistant" else {}
    return {"role": role, "content": _content(item.content, f"{where}.content"), **own}


def _called(item: _Item, where: str, box: Toolbox, found: list[dict[str, Any]], thoughts: Mapping[str, Any]) -> bool:
    """A call of a tool, which is one message with those, or the text, right before it; whether it is a new one."""
    function = {"name": box.function(item.name, item.namespace), "arguments": item.arguments}
    if item.type == "custom_tool_call":
        function["arguments"] = msgspec.json.encode({INPUT: item.input}).decode()
    elif item.type == "tool_search_call":
        function = {"name": SEARCH, "arguments": msgspec.json.encode(item.arguments).decode()}
    elif not isinstance(item.arguments, str):
        raise Refusal(f"`{where}.arguments` is not text", f"{where}.arguments")
    call = {"id": item.call_id, "type": "function", "function": function}
    if found and found[-1]["role"] == "assistant" and not thoughts:
        found[-1].setdefault("tool_calls", []).append(call)
        return False
    found.append({"role": "assistant", "content": None, **thoughts, "tool_calls": [call]})
    return True


def _content(content: str | list[msgspec.Raw] | None, where: str) -> str | list[dict[str, Any]]:
    if content is None or isinstance(content, str):
        return content or ""
    parts: list[dict[str, Any]] = []
    for at, raw in enumerate(content):
        here = f"{where}[{at}]"
        part = read(raw, _Part, here)
        if part.type in ("input_text", "output_text", "text") and part.text is not None:
            parts.append({"type": "text", "text": part.text})
        elif part.type == "refusal" and part.refusal is not None:
            parts.append({"type": "text", "text": part.refusal})
        elif part.type == "input_image" and part.image_url is not None:
            image = {"url": part.image_url} | ({"detail": part.detail} if part.detail else {})
            parts.append({"type": "image_url", "image_url": image})
        elif part.type == "input_file" and part.file_data is not None:
            parts.append({"type": "file", "file": {"filename": part.filename or "file", "file_data": part.file_data}})
        elif part.type == "input_file" and part.file_url is not None:
            raise Refusal(f"a chat completion takes files within the call: send it as `file_data`, {FETCHING}", here)
        else:
            what = f"a part `{part.type[:40]}` is kept elsewhere, or is none that a chat completion has"
            remedy_ = "send what it holds within the call (`input_text`; `image_url` or `file_data`, `data:…;base64,…`)"
            raise Refusal(f"{what}; {remedy_}", here)
    return str(parts[0]["text"]) if len(parts) == 1 and parts[0]["type"] == "text" else parts
