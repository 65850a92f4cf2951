"""Converse and ConverseStream: read, answered whole, answered as events, in Bedrock's shape.

Owns: the shape, and what Bedrock refuses of a conversation (roles that do not alternate, blank text, tool results that
answer no call, tool content without a tool configuration). Not here: frames (``eventstream``), signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.sandbox.ask import Ask, Beat, Choice, Generation, Tool, WrongError
from detente.sandbox.messages import tool_choice
from detente.sandbox.reply import Json
from detente.sandbox.tokens import count

STOP = {
    "stop": "end_turn",
    "stopped": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "content_filtered",
    "blocked": "guardrail_intervened",
}
MEDIA = ("image", "document", "video", "audio")


# -- reading --------------------------------------------------------------------------------------------------------
def ask(body: Mapping[str, Any]) -> Ask:
    """What is asked. Raises WrongError as Bedrock would refuse it."""
    reading = _Reading()
    reading.system(body.get("system"))
    tools, forced = _tools(body.get("toolConfig"))
    fields = _mapping(body.get("additionalModelRequestFields"), "additionalModelRequestFields")
    barred, parallel = False, True
    if "tool_choice" in fields:  # Claude's own, which says more than Converse's
        forced, barred, parallel = tool_choice(_mapping(fields["tool_choice"], "tool_choice"), tools)
    last = reading.messages(body.get("messages"), bool(tools))
    shown = [msgspec.json.encode([tool.name, tool.schema]).decode() for tool in tools]
    before = sum(len(text) + 1 for text in shown)
    inference = _mapping(body.get("inferenceConfig"), "inferenceConfig")
    stops = inference.get("stopSequences") or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise WrongError("The value at inferenceConfig.stopSequences is not a list of text.")
    return Ask(
        prompt="\n".join([*shown, *reading.texts]),
        last=last,
        images=reading.images,
        tools=tools,
        forced=forced,
        schema=_schema(_mapping(body.get("outputConfig"), "outputConfig")),
        most=_most(inference.get("maxTokens")),
        stop=tuple(stops),
        barred=barred,
        parallel=parallel,
        reasoning=_reasoning(fields),
        points=tuple(before + point for point in reading.points),
    )


class _Reading:
    """Texts in order, with the places that are marked for caching."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.points: list[int] = []
        self._used = set[str]()
        self.images = 0

    def system(self, given: Any) -> None:
        for at, block in enumerate(_list(given or [], "system")):
            self._block(block, f"system.{at}", "system", set(), set(), tools=True)

    def messages(self, given: Any, tools: bool) -> str:
        """Read all; the last message's text, where it is a user's own."""
        messages = _list(given, "messages")
        if not messages:
            raise WrongError("A conversation must have at least one message.")
        calls: set[str] = set()
        last = ""
        for at, message in enumerate(messages):
            role = message.get("role") if isinstance(message, Mapping) else None
            if role != ("user", "assistant")[at % 2]:
                what = "A conversation must alternate between user and assistant roles."
                raise WrongError("A conversation must start with a user message." if at == 0 else what)
            first, answered, asked = len(self.texts), set[str](), set[str]()
            for k, block in enumerate(_list(message.get("content"), f"messages.{at}.content")):
                self._block(block, f"messages.{at}.content.{k}", role, answered, asked, tools=tools)
            if answered != calls:
                what = f"The toolResult blocks at messages.{at}.content do not answer the toolUse blocks before them."
                raise WrongError(what)
            said = [kind for block in message["content"] for kind in block if kind != "cachePoint"]
            if "toolResult" in said[len(answered) :]:
                what = "Messages following toolUse blocks must begin with a matching number of toolResult blocks"
                raise WrongError(f"messages.{at}.content: {what}.")
            calls = asked
            last = "" if answered or role != "user" else "".join(self.texts[first:])
        if calls:
            raise WrongError("The last message holds toolUse blocks that nothing answers.")
        return last

    def _block(self, block: Any, place: str, role: str, answered: set[str], asked: set[str], *, tools: bool) -> None:
        kinds = list(block) if isinstance(block, Mapping) else []
        if len(kinds) != 1:
            raise WrongError(f"The ContentBlock object at {place} must set exactly one member.")
        kind, held = kinds[0], block[kinds[0]]
        if kind in ("toolUse", "toolResult") and not tools:
            raise WrongError("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        if kind == "text":
            if not isinstance(held, str) or not held.strip():
                raise WrongError(f"The text field in the ContentBlock object at {place} is blank.")
            self.texts.append(held)
        elif kind in MEDIA and role == "user":
            self.images += 1
        elif kind == "toolUse" and role == "assistant" and isinstance(held, Mapping):
            if (id_ := str(held.get("toolUseId"))) in self._used:
                raise WrongError(f"The toolUse id {id_[:80]} at {place} is not unique in the conversation.")
            self._used.add(id_)
            asked.add(id_)
            self.texts.append(f"{held.get('name')}{msgspec.json.encode(held.get('input')).decode()}")
        elif kind == "toolResult" and role == "user" and isinstance(held, Mapping):
            if (id_ := str(held.get("toolUseId"))) in answered:
                raise WrongError(f"Each toolUse block must have a single toolResult. Found multiple for {id_[:80]}.")
            answered.add(id_)
            for part in _list(held.get("content"), f"{place}.toolResult.content"):
                found = part if isinstance(part, Mapping) else {}
                self.images += "image" in found
                self.texts.append(found["text"] if isinstance(found.get("text"), str) else repr(found.get("json", "")))
        elif kind == "reasoningContent" and role == "assistant":
            pass
        elif kind == "cachePoint":
            self.points.append(sum(len(text) + 1 for text in self.texts))
        else:
            raise WrongError(f"The sandbox does not play `{str(kind)[:40]}` at {place}.")


def _tools(given: Any) -> tuple[tuple[Tool, ...], str | None]:
    if given is None:
        return (), None
    config, found = _mapping(given, "toolConfig"), []
    for at, tool in enumerate(_list(config.get("tools"), "toolConfig.tools")):
        if isinstance(tool, Mapping) and "cachePoint" in tool:
            continue
        spec = _mapping(tool.get("toolSpec") if isinstance(tool, Mapping) else None, f"toolConfig.tools.{at}.toolSpec")
        schema = _mapping(spec.get("inputSchema"), "inputSchema").get("json")
        if not isinstance(spec.get("name"), str) or not isinstance(schema, Mapping):
            raise WrongError(f"The toolSpec at toolConfig.tools.{at} has no name or no inputSchema.json.")
        found.append(Tool(spec["name"], schema))
    if not found:
        raise WrongError("The value at toolConfig.tools is empty.")
    choice = _mapping(config.get("toolChoice"), "toolConfig.toolChoice")
    named = _mapping(choice.get("tool"), "toolConfig.toolChoice.tool").get("name")
    if "tool" in choice and named not in [tool.name for tool in found]:
        raise WrongError("The tool at toolConfig.toolChoice.tool is not among toolConfig.tools.")
    return tuple(found), named if "tool" in choice else "*" if "any" in choice else None


def _schema(output: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON Schema of a reply: Bedrock takes it as text."""
    if output.get("textFormat") is None:
        return None
    structure = _mapping(_mapping(output["textFormat"], "textFormat").get("structure"), "textFormat.structure")
    text = _mapping(structure.get("jsonSchema"), "textFormat.structure.jsonSchema").get("schema")
    try:
        schema = msgspec.json.decode(text) if isinstance(text, str) else None
    except UNREADABLE:
        schema = None
    if not isinstance(schema, dict):
        raise WrongError(
            "The value at outputConfig.textFormat.structure.jsonSchema.schema is not a JSON schema in text."
        )
    return schema


def _most(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise WrongError("The value at inferenceConfig.maxTokens must be 1 or more.")
    return given


def _reasoning(fields: Mapping[str, Any]) -> str | None:
    """The effort of reasoning, as models of several makers spell it."""
    thinking, nova = fields.get("thinking"), fields.get("reasoningConfig")
    if isinstance(thinking, Mapping) and thinking.get("type") in ("enabled", "adaptive"):
        return "medium"
    if isinstance(nova, Mapping) and nova.get("type") == "enabled":
        return str(nova.get("maxReasoningEffort", "medium"))
    effort = fields.get("reasoning_effort")
    return effort if isinstance(effort, str) else None


def _mapping(given: Any, place: str) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise WrongError(f"The value at {place} is not an object.")
    return given or {}


def _list(given: Any, place: str) -> list[Any]:
    if not isinstance(given, list):
        raise WrongError(f"The value at {place} is missing, or is not a list.")
    return given


# -- answering ------------------------------------------------------------------------------------------------------
def usage(generation: Generation) -> Json:
    """Usage in Bedrock's words: what was read from the cache or written to it stands beside the input, not in it."""
    counts = generation.counts
    found: Json = {
        "inputTokens": counts.input - counts.cached - counts.written,
        "outputTokens": counts.output,
        "totalTokens": counts.input + counts.output,
    }
    if generation.ask.points:
        found |= {"cacheReadInputTokens": counts.cached, "cacheWriteInputTokens": counts.written}
    return found


def whole(generation: Generation, latency: int) -> Json:
    """A reply in one piece."""
    message = {"role": "assistant", "content": _blocks(generation, generation.choices[0])}
    return {
        "output": {"message": message},
        "stopReason": stop_reason(generation),
        "usage": usage(generation),
        "metrics": {"latencyMs": latency},
    }


def stop_reason(generation: Generation) -> str:
    """Why the reply ends."""
    return STOP[generation.choices[0].finish]


def _blocks(generation: Generation, choice: Choice) -> list[Json]:
    blocks: list[Json] = []
    if choice.reasoning:
        thought = {"text": choice.reasoning, "signature": _signature(generation)}
        blocks.append({"reasoningContent": {"reasoningText": thought}})
    if choice.text or not choice.calls:
        blocks.append({"text": choice.text})
    for at, call in enumerate(choice.calls):
        use = {"toolUseId": tool_id(generation, at), "name": call.name, "input": _input(call.arguments)}
        blocks.append({"toolUse": use})
    return blocks


def _input(arguments: str) -> Any:
    """A call's arguments as an object; of those cut short, nothing."""
    try:
        return msgspec.json.decode(arguments)
    except UNREADABLE:
        return {}


def _signature(generation: Generation) -> str:
    return f"sandbox-{generation.mark}"


def tool_id(generation: Generation, at: int) -> str:
    """The id of a call of a tool."""
    return f"tooluse_{generation.mark[:18]}{at:04d}"


def events(generation: Generation, latency: int) -> Iterator[tuple[str, Json, int]]:
    """A reply as events, in order: kind, content, and the tokens that it holds. Usage comes last, after the stop."""
    yield "messageStart", {"role": "assistant"}, 0
    for at, (writing, beats) in enumerate(generation.choices[0].blocks()):
        yield from (_step(generation, at, beat) for beat in beats)
        yield from _closing(generation, at, writing)
    yield "messageStop", {"stopReason": stop_reason(generation)}, 0
    yield "metadata", {"usage": usage(generation), "metrics": {"latencyMs": latency}}, 0


def _step(generation: Generation, at: int, beat: Beat) -> tuple[str, Json, int]:
    if beat.kind == "call":
        use = {"toolUse": {"toolUseId": tool_id(generation, beat.call), "name": beat.text}}
        return "contentBlockStart", {"start": use, "contentBlockIndex": at}, count(beat.text)
    deltas: dict[str, Json] = {
        "text": {"text": beat.text},
        "reasoning": {"reasoningContent": {"text": beat.text}},
        "arguments": {"toolUse": {"input": beat.text}},
    }
    return "contentBlockDelta", {"delta": deltas[beat.kind], "contentBlockIndex": at}, beat.tokens


def _closing(generation: Generation, at: int, writing: str) -> Iterator[tuple[str, Json, int]]:
    if writing.startswith("reasoning"):
        signed = {"reasoningContent": {"signature": _signature(generation)}}
        yield "contentBlockDelta", {"delta": signed, "contentBlockIndex": at}, 0
    yield "contentBlockStop", {"contentBlockIndex": at}, 0
