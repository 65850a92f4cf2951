"""Anthropic's Messages API: read, answered whole, answered as events.

Owns: the shape, and what is refused of a request, as Anthropic and Bedrock word it: unknown members, blank text, tool
results that answer no call, thought that a model's version does not take. Not here: paths and authorization
(``anthropic``, ``bedrock``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from detente.providers.claude import Claude
from detente.providers.unreadable import UNREADABLE
from detente.sandbox.ask import Ask, Beat, Choice, Generation, Tool, WrongError
from detente.sandbox.reply import Json
from detente.sandbox.tokens import count

STOP = {
    "stop": "end_turn",
    "stopped": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "refusal",
    "blocked": "refusal",
}
MEMBERS = frozenset(
    {
        *("max_tokens", "messages", "metadata", "output_config", "stop_sequences", "system", "temperature", "thinking"),
        *("tool_choice", "tools", "top_k", "top_p"),
    }
)
"""Members that every one who serves it takes."""
BLOCKS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
TOOL = ("name", "description", "input_schema", "cache_control", "type", "strict")


# -- reading --------------------------------------------------------------------------------------------------------
def ask(
    body: Mapping[str, Any], claude: Claude, more: Collection[str], tool: Collection[str], mark: Collection[str]
) -> Ask:
    """What is asked. Raises WrongError.

    Parameters
    ----------
    claude
        What the model's version takes.
    more, tool, mark
        Members of a request, of a tool and of a mark for the cache that are taken beside the usual ones.
    """
    for name in body:
        if name not in MEMBERS and name not in more:
            raise _extra(str(name))
    most = body.get("max_tokens")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise WrongError("max_tokens: Field required" if most is None else "max_tokens: Input should be 1 or more")
    reading = _Reading(claude, mark)
    tools = _tools(body.get("tools"), tool, reading)
    _untold(body, claude)
    reading.system(body.get("system"))
    last = reading.messages(body.get("messages"))
    effort = _thought(body, claude, most, reading)
    forced, barred, parallel = tool_choice(body.get("tool_choice"), tools)
    if effort and forced:
        raise WrongError("Thinking may not be enabled when tool_choice forces tool use.")
    return Ask(
        prompt="\n".join(reading.texts),
        last=last,
        images=reading.images,
        tools=tools,
        forced=forced,
        barred=barred,
        parallel=parallel,
        schema=_schema(body.get("output_config")),
        most=most,
        stop=tuple(body.get("stop_sequences") or ()),
        reasoning=effort,
        points=tuple(reading.points),
    )


class _Reading:
    """Texts in order, with the places that are marked for the cache."""

    def __init__(self, claude: Claude, mark: Collection[str]) -> None:
        self._claude, self._mark = claude, mark
        self.texts: list[str] = []
        self.points: list[int] = []
        self._used = set[str]()
        self.images = 0
        self.thoughtless = False
        """Whether the assistant's last turn calls tools, and does not begin with a thought."""

    def say(self, text: str, block: Mapping[str, Any], place: str) -> None:
        """Take a text, and the mark behind it."""
        self.texts.append(text)
        marked = block.get("cache_control")
        if isinstance(marked, Mapping):
            for name in marked:
                if name not in ("type", *self._mark):
                    raise _extra(f"{place}.cache_control.ephemeral.{name}")
            self.points.append(sum(len(text) + 1 for text in self.texts) - 1)

    def system(self, given: Any) -> None:
        for at, block in enumerate([{"type": "text", "text": given}] if isinstance(given, str) else given or ()):
            self.say(_text(block, f"system.{at}"), block, f"system.{at}")

    def messages(self, given: Any) -> str:
        """Read all; the last message's text, where it is a user's own."""
        if not isinstance(given, list) or not given:
            raise WrongError("messages: at least one message is required")
        calls: set[str] = set()
        last, before = "", ""
        for at, message in enumerate(given):
            place = f"messages.{at}"
            role = message.get("role") if isinstance(message, Mapping) else None
            content = message.get("content") if isinstance(message, Mapping) else None
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            if role not in ("user", "assistant", "system") or not isinstance(blocks, list):
                raise WrongError(f"{place}: Input does not match the expected shape")
            if role == "system" and not self._claude.system_turns:
                what = 'The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
                raise WrongError(f'messages: Unexpected role "system". {what}')
            if role == "system" and before != "user":
                raise WrongError(f"{place}: a system message must follow a user message")
            answered, asked, first = set[str](), set[str](), len(self.texts)
            for k, block in enumerate(blocks):
                self._block(block, f"{place}.content.{k}", role, answered, asked)
            kinds = [block.get("type") for block in blocks]
            if "tool_result" in kinds[len(answered) :]:
                what = "`tool_result` blocks must come first in the content, before any other block"
                raise WrongError(f"{place}: {what}.")
            if role == "user" and calls - answered:
                what = "`tool_use` ids were found without `tool_result` blocks immediately after"
                raise WrongError(f"{place}: {what}: {', '.join(sorted(calls - answered))}.")
            if answered - calls:
                what = "unexpected `tool_use_id` found in `tool_result` blocks"
                raise WrongError(f"{place}: {what}: {', '.join(sorted(answered - calls))}.")
            if role == "assistant":
                self.thoughtless = "tool_use" in kinds and "thinking" not in str(kinds[0])
            calls = asked if role != "system" else calls
            before = role
            if role != "system":
                last = "" if answered or role != "user" else "\n".join(self.texts[first:])
        if calls:
            raise WrongError(f"messages: `tool_use` ids were found without `tool_result` blocks: {sorted(calls)[0]}.")
        return last

    def _block(self, block: Any, place: str, role: str, answered: set[str], asked: set[str]) -> None:
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind not in BLOCKS or (role == "system" and kind != "text"):
            raise WrongError(
                f"{place}: Input tag '{str(kind)[:40]}' found using 'type' does not match any of the expected tags"
            )
        if kind == "text":
            self.say(_text(block, place), block, place)
        elif kind in ("image", "document"):
            self.images += 1
            self.say("", block, place)
        elif kind == "tool_use":
            if str(block.get("id")) in self._used:
                raise WrongError(f"{place}: `tool_use` ids must be unique")
            self._used.add(str(block.get("id")))
            asked.add(str(block.get("id")))
            self.say(f"{block.get('name')}{msgspec.json.encode(block.get('input')).decode()}", block, place)
        elif kind == "tool_result":
            if str(block.get("tool_use_id")) in answered:
                raise WrongError(
                    f"{place}: each tool_use must have a single result. Found multiple `tool_result` blocks."
                )
            answered.add(str(block.get("tool_use_id")))
            content = block.get("content")
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
            self.images += sum(part.get("type") in ("image", "document") for part in parts)
            self.say("".join(str(part.get("text", "")) for part in parts), block, place)
        elif kind == "thinking" and not str(block.get("signature", "")).startswith("sandbox-"):
            raise WrongError(f"{place}: Invalid `signature` in `thinking` block")


def _text(block: Any, place: str) -> str:
    text = block.get("text") if isinstance(block, Mapping) else None
    if not isinstance(text, str):
        raise WrongError(f"{place}.text: Field required")
    if not text.strip():
        why = "must be non-empty" if not text else "must contain non-whitespace text"
        raise WrongError(f"{place.rpartition('.')[0] or place}: text content blocks {why}")
    return text


def _untold(body: Mapping[str, Any], claude: Claude) -> None:
    """Refuse what this version is not told (how it samples, how its answer begins), and unknown `metadata`."""
    stated = [name for name in ("temperature", "top_p") if body.get(name) not in (None, 1)]
    if (stated and claude.sampling == "none") or (body.get("top_k") is not None and claude.sampling == "none"):
        raise WrongError(f"`{(stated or ['top_k'])[0]}` is deprecated for this model.")
    if claude.sampling == "one" and None not in (body.get("temperature"), body.get("top_p")):
        raise WrongError("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive") and "temperature" in stated:
        raise WrongError("`temperature` may only be set to 1 when thinking is enabled.")
    for name in body.get("metadata") or {}:
        if name != "user_id":
            raise _extra(f"metadata.{name}")
    turns = body.get("messages")
    final = turns[-1] if isinstance(turns, list) and turns and isinstance(turns[-1], Mapping) else {}
    if final.get("role") != "assistant":
        return
    if not claude.prefills:
        what = "This model does not support assistant message prefill"
        raise WrongError(f"{what}. The conversation must end with a user message.")
    content = final.get("content")
    *_, block = content if isinstance(content, list) and content else [{"text": content}]
    said = block.get("text") if isinstance(block, Mapping) else None
    if isinstance(said, str) and said != said.rstrip():
        raise WrongError("messages: final assistant content cannot end with trailing whitespace")


def _thought(body: Mapping[str, Any], claude: Claude, most: int, reading: _Reading) -> str | None:
    config, thinking = body.get("output_config") or {}, body.get("thinking") or {}
    effort = config.get("effort")
    if effort is not None and not claude.effort:
        raise WrongError("This model does not support the effort parameter.")
    kind = thinking.get("type")
    if kind == "adaptive":
        if not claude.adaptive:
            raise WrongError("adaptive thinking is not supported on this model")
        return effort or "high"
    if kind != "enabled":
        return None
    if not claude.budgets:
        what = '"thinking.type.enabled" is not supported for this model'
        raise WrongError(f'{what}. Use "thinking.type.adaptive" and "output_config.effort" instead.')
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 1024 or budget >= most:
        raise WrongError("thinking.enabled.budget_tokens: Input should be at least 1024 and less than max_tokens")
    if reading.thoughtless:
        what = "When `thinking` is enabled, a final `assistant` message must start with a thinking block"
        raise WrongError(f"messages: Expected `thinking` or `redacted_thinking`, but found `tool_use`. {what}.")
    return "low" if budget <= 4096 else "medium"


def _tools(given: Any, more: Collection[str], reading: _Reading) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for at, tool in enumerate(given or ()):
        if not isinstance(tool, Mapping) or tool.get("type", "custom") != "custom":
            raise WrongError(f"tools.{at}: Input tag found using 'type' does not match any of the expected tags")
        for name in tool:
            if name not in TOOL and name not in more:
                raise _extra(f"tools.{at}.custom.{name}")
        schema = tool.get("input_schema")
        if not isinstance(tool.get("name"), str) or not isinstance(schema, Mapping):
            raise WrongError(f"tools.{at}.custom.input_schema: Field required")
        if not _TOOL_NAME.fullmatch(tool["name"]):
            raise WrongError(f"tools.{at}.custom.name: String should match pattern '{_TOOL_NAME.pattern}'")
        if tool["name"] in [each.name for each in found]:
            raise WrongError("tools: Tool names must be unique.")
        found.append(Tool(tool["name"], schema))
        reading.say(msgspec.json.encode([tool["name"], tool.get("description"), schema]).decode(), tool, f"tools.{at}")
    return tuple(found)


def tool_choice(given: Any, tools: tuple[Tool, ...]) -> tuple[str | None, bool, bool]:
    """(the tool that must be called, whether none may be, whether several may be)."""
    if given is None:
        return None, False, True
    if not tools:
        raise WrongError("tool_choice: tool_choice may only be specified while providing tools")
    parallel = given.get("disable_parallel_tool_use") is not True
    match given.get("type"):
        case "auto":
            return None, False, parallel
        case "none":
            return None, True, parallel
        case "any":
            return "*", False, parallel
        case "tool" if given.get("name") in [tool.name for tool in tools]:
            return given["name"], False, parallel
    raise WrongError("tool_choice: the tool is not among the tools")


def _schema(config: Any) -> Mapping[str, Any] | None:
    format_ = (config or {}).get("format")
    return format_.get("schema") if isinstance(format_, Mapping) else None


def _extra(place: str) -> WrongError:
    return WrongError(f"{place}: Extra inputs are not permitted")


# -- answering ------------------------------------------------------------------------------------------------------
def usage(generation: Generation) -> Json:
    """Usage: what was read from the cache or written to it stands beside the input, not in it."""
    counts = generation.counts
    return {
        "input_tokens": counts.input - counts.cached - counts.written,
        "cache_creation_input_tokens": counts.written,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.output,
    }


def whole(generation: Generation) -> Json:
    """A reply in one piece."""
    choice = generation.choices[0]
    return _head(generation) | {
        "content": _blocks(generation, choice),
        **_stop(generation),
        "usage": usage(generation),
    }


def _head(generation: Generation) -> Json:
    return {"id": f"msg_{generation.mark}", "type": "message", "role": "assistant", "model": generation.model}


def _stop(generation: Generation) -> Json:
    choice = generation.choices[0]
    stopped = generation.ask.stop[0] if choice.finish == "stopped" else None
    return {"stop_reason": STOP[choice.finish], "stop_sequence": stopped}


def _blocks(generation: Generation, choice: Choice) -> list[Json]:
    blocks: list[Json] = []
    if choice.reasoning:
        blocks.append({"type": "thinking", "thinking": choice.reasoning, "signature": _signature(generation)})
    if choice.text or not choice.calls:
        blocks.append({"type": "text", "text": choice.text})
    for at, call in enumerate(choice.calls):
        try:
            given = msgspec.json.decode(call.arguments)
        except UNREADABLE:
            given = {}  # of arguments cut short, nothing
        blocks.append({"type": "tool_use", "id": tool_id(generation, at), "name": call.name, "input": given})
    return blocks


def _signature(generation: Generation) -> str:
    return f"sandbox-{generation.mark}"


def tool_id(generation: Generation, at: int) -> str:
    """The id of a call of a tool."""
    return f"toolu_{generation.mark[:18]}{at:04d}"


def events(generation: Generation) -> Iterator[tuple[Json, int]]:
    """A reply as events, in order, each with the tokens of content that it holds."""
    start = usage(generation) | {"output_tokens": 1}
    message = _head(generation) | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": start}
    yield {"type": "message_start", "message": message}, 0
    yield {"type": "ping"}, 0
    for at, (writing, beats) in enumerate(generation.choices[0].blocks()):
        first, *rest = beats
        yield _opening(generation, at, first)
        yield from (_step(at, beat) for beat in ([first] if first.kind != "call" else []) + rest)
        yield from _closing(generation, at, writing)
    yield {"type": "message_delta", "delta": _stop(generation), "usage": usage(generation)}, 0
    yield {"type": "message_stop"}, 0


def _opening(generation: Generation, at: int, beat: Beat) -> tuple[Json, int]:
    kinds: dict[str, Json] = {
        "text": {"type": "text", "text": ""},
        "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
        "call": {"type": "tool_use", "id": tool_id(generation, beat.call), "name": beat.text, "input": {}},
    }
    tokens = count(beat.text) if beat.kind == "call" else 0
    return {"type": "content_block_start", "index": at, "content_block": kinds[beat.kind]}, tokens


def _step(at: int, beat: Beat) -> tuple[Json, int]:
    deltas: dict[str, Json] = {
        "text": {"type": "text_delta", "text": beat.text},
        "reasoning": {"type": "thinking_delta", "thinking": beat.text},
        "arguments": {"type": "input_json_delta", "partial_json": beat.text},
    }
    return {"type": "content_block_delta", "index": at, "delta": deltas[beat.kind]}, beat.tokens


def _closing(generation: Generation, at: int, writing: str) -> Iterator[tuple[Json, int]]:
    if writing.startswith("reasoning"):
        signed = {"type": "signature_delta", "signature": _signature(generation)}
        yield {"type": "content_block_delta", "index": at, "delta": signed}, 0
    yield {"type": "content_block_stop", "index": at}, 0
