"""A chat completion in OpenAI's shape as a request of Converse.

Owns: which members of a call can be said, and which are refused by name. Not here: messages (``turns``), tools
(``tools``), reasoning (``reasoning``), sampling (``sampling``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.providers.bedrock.family import Family
from detente.providers.bedrock.member import NULL, Member
from detente.providers.bedrock.metadata import metadata_of
from detente.providers.bedrock.reasoning import Reasoning, reasoning_of
from detente.providers.bedrock.sampling import sampling_of
from detente.providers.bedrock.tools import tool_config_of
from detente.providers.bedrock.turns import turns_of
from detente.providers.breakpoints import MAX_BREAKPOINTS, few_breakpoints
from detente.providers.omission import Omissions, remedy
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Refusal

SAID = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
"""Members that have their place in a request."""

HINTS = frozenset({"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "store"})
"""Members that change no answer: where and how long a prompt is cached is up to Bedrock, and calls of one prefix go to
one place; whether a reply is kept for later is up to the one who keeps it."""

LENIENT = {
    "frequency_penalty": "penalties",
    "logit_bias": "logit-bias",
    "logprobs": "logprobs",
    "prediction": "prediction",
    "presence_penalty": "penalties",
    "seed": "seed",
    "top_k": "sampling",
    "top_logprobs": "logprobs",
    "verbosity": "verbosity",
}
"""Members that may be left out, by the leniency that says so."""

UNSAID: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "audio": ("produces no audio", ()),
    "frequency_penalty": ("has no penalties", (0,)),
    "function_call": ("has `tool_choice` instead", ("auto", "none")),
    "functions": ("has `tools` instead", ([],)),
    "logit_bias": ("has no token bias", ({},)),
    "logprobs": ("returns no log probabilities", (False,)),
    "modalities": ("returns text only", (["text"],)),
    "n": ("returns one answer a call", (1,)),
    "prediction": ("has no predicted output", ()),
    "presence_penalty": ("has no penalties", (0,)),
    "seed": ("takes no seed", ()),
    "top_k": ("is asked in words that have none", ()),
    "top_logprobs": ("returns no log probabilities", (0,)),
    "verbosity": ("has no verbosity setting", ("medium",)),
    "web_search_options": ("has no web search", ()),
}
"""Members that Converse cannot say: why, and the values that ask for nothing."""

TIERS = {"auto": None, "default": "default", "flex": "flex", "priority": "priority", "fast": "priority"}
"""Bedrock's tiers, by OpenAI's: ``fast`` and ``priority`` are one there."""

JSON_ONLY = "Answer with one JSON object, and with nothing before or after it."
"""How `json_object` is asked for: Converse enforces a schema and no other shape, so it is said in words."""

_MAX_COMPLETION: Member[int] = Member("max_completion_tokens", int)
_MAX: Member[int] = Member("max_tokens", int)
_STOP: Member[str | list[str]] = Member("stop", str | list[str])
_TIER: Member[str] = Member("service_tier", str)


class _Schema(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    schema: msgspec.Raw = NULL
    strict: bool | None = None


class _Format(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    json_schema: _Schema | None = None


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


_IN_WORDS = ": leave it out and ask for JSON in words, or ask a model that can"
_OPTIONS: Member[_Options] = Member("stream_options", _Options)
_FORMAT: Member[_Format] = Member("response_format", _Format)
_OBJECT: Member[dict[str, Any]] = Member("response_format", dict[str, Any])


def request_of(call: Call, family: Family) -> tuple[bytes, tuple[str, ...]]:
    """(the body of a request, what is left out of it).

    Raises Refusal where Converse, or this family behind it, cannot say the call.
    """
    omissions = Omissions(call.optional)
    encoded = msgspec.json.encode(said(call, family, omissions))
    if encoded.count(b'{"cachePoint":{"type":') > MAX_BREAKPOINTS:
        few_breakpoints(call.members, family.cached)
    return encoded, omissions.names


def said(call: Call, family: Family, omissions: Omissions) -> dict[str, Any]:
    """The members of a request. Raises Refusal."""
    members = call.members
    _refuse_unsaid(members, family, omissions)
    options = _OPTIONS.of(members)
    if options is not None and options.include_obfuscation:
        what = f"is true, and chunks of {family.interface.name} are not padded here"
        raise Refusal.of("stream_options.include_obfuscation", what, "stream_options")
    system, messages, called, unsigned = turns_of(members, family, omissions)
    tools = tool_config_of(members, family, called, omissions)
    reasoning = _reasoning(call, family, unsigned, tools.forced, omissions)
    if family.system and (asked := _FORMAT.of(members)) is not None and asked.type == "json_object":
        system.append({"text": JSON_ONLY})
    body: dict[str, Any] = {"messages": messages}
    if system:
        body["system"] = system
    inference = _inference(members, family, reasoning, omissions)
    if inference:
        body["inferenceConfig"] = inference
    if tools.config is not None:
        body["toolConfig"] = tools.config
    output = _output(members, family, reasoning)
    if output:
        body["outputConfig"] = output
    additional = {**reasoning.additional, **tools.additional}
    if additional:
        body["additionalModelRequestFields"] = additional
    if family.says_where and "stopSequences" in inference:
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    metadata = metadata_of(members, omissions)
    if metadata:
        body["requestMetadata"] = metadata
    tier = _tier(members, family)
    if tier is not None:
        body["serviceTier"] = {"type": tier}
    return body


def _reasoning(call: Call, family: Family, unsigned: bool, forced: bool, omissions: Omissions) -> Reasoning:
    """What is asked of reasoning; nothing where it cannot be, and may be left out."""
    most = _most(call.members)
    try:
        found = reasoning_of(call.members, family, most, unsigned, call.budget)
        if found.on and forced and family.thinking in ("budget", "adaptive"):
            what = f"{family.title} reasons only where it may leave tools alone, and `tool_choice` forces one"
            raise Refusal(f"{what}: write `auto` there", "tool_choice")
    except Refusal as refusal:
        if omissions.may("reasoning", "reasoning_effort"):
            return Reasoning(most=most or family.most)
        raise refusal.adding(f", or {remedy('reasoning')}", leaving="reasoning_effort") from None
    return found


def _refuse_unsaid(members: Mapping[str, msgspec.Raw], family: Family, omissions: Omissions) -> None:
    for name, raw in members.items():
        if name in SAID or raw == NULL:
            continue
        if name in HINTS:
            omissions.hint(name)
            continue
        why, neutral = UNSAID.get(name, ("does not know it", ()))
        try:
            value = msgspec.json.decode(raw) if neutral else None
        except UNREADABLE:
            value = None
        if not any(value == idle and type(value) in (type(idle), float) for idle in neutral):
            leniency = LENIENT.get(name)
            if leniency is None:
                raise Refusal.of(name[:80], f"is not supported: {family.interface.full} {why}; leave it out")
            if not omissions.may(leniency, name):
                what = f"is not supported: {family.interface.full} {why}"
                raise Refusal.of(name, f"{what}; leave it out, or {remedy(leniency)}")


def _most(members: Mapping[str, msgspec.Raw]) -> int | None:
    """Tokens of the reply, by either name."""
    found: int | None = None
    for member in (_MAX_COMPLETION, _MAX):
        most = member.of(members)
        if most is not None and not 0 < most < 2**31:
            raise Refusal.of(member.name, f"is {most}, and is a positive count")
        if most is not None and found not in (None, most):
            what = f"is {most} and `max_completion_tokens` is {found}: they mean the same; write one of them"
            raise Refusal.of("max_tokens", what)
        found = most if found is None else found
    return found


def _inference(
    members: Mapping[str, msgspec.Raw], family: Family, reasoning: Reasoning, omissions: Omissions
) -> dict[str, Any]:
    found: dict[str, Any] = {} if reasoning.most is None else {"maxTokens": reasoning.most}
    found |= sampling_of(members, family, reasoning, omissions)
    stop = _stop(members, family)
    if stop:
        if not family.stop:
            raise Refusal.of("stop", f"is stated, and {family.title} takes no stop sequences; leave it out")
        found["stopSequences"] = stop
    return found


def _stop(members: Mapping[str, msgspec.Raw], family: Family) -> list[str]:
    stated = _STOP.of(members)
    found = [stated] if isinstance(stated, str) else stated or []
    if "" in found:
        raise Refusal.of("stop", "holds an empty sequence")
    if len(found) > 2500:
        raise Refusal.of("stop", f"holds {len(found)} sequences, and {family.interface.house} takes 2500")
    return found


def _output(members: Mapping[str, msgspec.Raw], family: Family, reasoning: Reasoning) -> dict[str, Any]:
    found: dict[str, Any] = {}
    stated = _FORMAT.of(members)
    if stated is not None and stated.type == "text" and stated.json_schema is not None:
        raise Refusal.of("response_format", "is `text`, and holds `json_schema` beside it")
    plain = ("text", "json_object") if family.system else ("text",)
    if stated is not None and stated.type not in plain:
        found["textFormat"] = _format(stated, family)
    if reasoning.effort is not None:
        found["effort"] = reasoning.effort
    return found


def _format(stated: _Format, family: Family) -> dict[str, Any]:
    """Bedrock keeps to every schema that it accepts, so ``strict`` asks for nothing more."""
    if stated.type != "json_schema" or stated.json_schema is None:
        what = f"is `{stated.type[:40]}`: {family.interface.name} takes a schema (`json_schema`)"
        raise Refusal.of("response_format", what)
    if not family.structured:
        raise Refusal.of("response_format", f"states a schema, and {family.title} cannot enforce one{_IN_WORDS}")
    schema = stated.json_schema
    _OBJECT.read(schema.schema)
    structure = {"schema": bytes(schema.schema).decode(), "name": schema.name}
    if schema.description:
        structure["description"] = schema.description
    return {"type": "json_schema", "structure": {"jsonSchema": structure}}


def _tier(members: Mapping[str, msgspec.Raw], family: Family) -> str | None:
    stated = _TIER.of(members)
    if stated is None:
        return None
    if stated not in TIERS:
        what = f"is `{stated[:40]}`, and {family.interface.house}'s are default, flex and priority"
        raise Refusal.of("service_tier", what)
    return TIERS[stated]
