"""The model that the sandbox plays: the same answer to the same prompt, seed and settings.

Owns: what is answered, and the markers in a prompt that ask for a kind of answer. Not here: the shapes of wires, time.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from random import Random

import msgspec

from detente.sandbox.ask import Ask, Choice, Finish, Tool, ToolCall
from detente.sandbox.schema_value import value
from detente.sandbox.tokens import count, cut, pieces

MAX_TOKENS = 32_768
"""Tokens of one answer, whatever is asked for."""
REASONING = {"none": 0, "minimal": 8, "low": 16, "medium": 32, "high": 64, "xhigh": 96, "max": 128}
"""Tokens of reasoning by effort."""
MARKER = re.compile(r"sandbox:(filter|filtered-reply|echo|tools|tool|tokens)(?:=([A-Za-z0-9_.-]{1,64}))?(?![A-Za-z-])")
AGAIN = re.compile(r"sandbox:tool=([A-Za-z0-9_.-]{1,64}):([0-9]{1,3})(?![0-9A-Za-z-])")
"""A tool that is called so many times, one call after the other's result."""

_SENTENCE = (
    "the port opens at dawn and every ship that waits outside may enter by turn while pilots read currents charts "
    "lights winds and tides so that nobody runs aground after a long night of careful signals between old rivals who "
    "agreed to share one narrow channel under rules both could keep"
)
_WORDS = _SENTENCE.split()


def markers(ask: Ask) -> dict[str, str | None]:
    """The markers of a prompt's last message, with what they are set to."""
    return {found[1]: found[2] for found in MARKER.finditer(ask.last)}


def generate(ask: Ask, seed: int) -> tuple[Choice, ...]:
    """The answers to a prompt. Raises WrongError where a schema cannot be met."""
    asked = markers(ask)
    return tuple(_choice(ask, asked, Random(_number(ask, seed, at))) for at in range(ask.n))


def _number(ask: Ask, seed: int, at: int) -> int:
    parts = msgspec.json.encode([seed, ask.seed, at, ask.prompt, ask.reasoning])
    return int.from_bytes(hashlib.sha256(parts).digest()[:8], "big")


def _choice(ask: Ask, asked: dict[str, str | None], random: Random) -> Choice:
    whole = Choice("stop", reasoning=_thought(ask, random))
    called = _called(ask, asked)
    if called:
        calls = tuple(ToolCall(tool.name, _json(value(tool.schema, random))) for tool in called)
        whole = replace(whole, finish="tools", calls=calls)
    elif ask.schema is not None:
        whole = replace(whole, text=_json(value(ask.schema, random) if ask.schema else {"reply": _prose(random, 6)}))
    else:
        whole = _stopped(replace(whole, text=_text(ask, asked, random)), ask.stop)
    whole = _shortened(whole, min(ask.most or MAX_TOKENS, MAX_TOKENS))
    if "filtered-reply" in asked and whole.text:
        return replace(whole, finish="filtered", text=cut(whole.text, max(1, count(whole.text) // 2)))
    return whole


def _called(ask: Ask, asked: dict[str, str | None]) -> list[Tool]:
    """The tools to call: those that must be, or that a marker asks for."""
    if not ask.tools or ask.barred:
        return []
    if ask.forced is None and (tool := _again(ask)) is not None:
        return [tool]
    wanted = asked.get("tool") or asked.get("tools")
    named = [tool for tool in ask.tools if tool.name == (wanted if ask.forced in (None, "*") else ask.forced)]
    several = "tools" in asked and ask.parallel
    if ask.forced is None and not {"tool", "tools"} & set(asked):
        return []
    if several and not named:
        return [*ask.tools[:2], *ask.tools[:2]][:2]
    return (named or list(ask.tools))[:1] * (2 if several else 1)


def _again(ask: Ask) -> Tool | None:
    """The tool that a prompt wants called once more: of its last marker, less the calls that the conversation holds."""
    if "sandbox:tool=" not in ask.prompt or not (marks := list(AGAIN.finditer(ask.prompt))):
        return None
    found = marks[-1]
    tool = next((tool for tool in ask.tools if tool.name == found[1]), None)
    if tool is None:
        return None
    called = ask.prompt.count(f"{tool.name}{{", found.end())  # as every wire tells of a call: its name and arguments
    return tool if called < int(found[2]) else None


def _thought(ask: Ask, random: Random) -> str:
    """Reasoning, as long as its effort."""
    tokens = REASONING.get(ask.reasoning, 32) if ask.reasoning else 0
    return cut(_prose(random, tokens + 4), tokens)


def _text(ask: Ask, asked: dict[str, str | None], random: Random) -> str:
    if "echo" in asked:
        return ask.last
    wanted = asked.get("tokens")
    tokens = min(int(wanted), MAX_TOKENS) if wanted and wanted.isascii() and wanted.isdigit() else 0
    if tokens:
        return cut(_prose(random, tokens + 4), tokens)
    return _prose(random, random.randint(24, 48))


def _prose(random: Random, tokens: int) -> str:
    """Sentences of at least so many tokens."""
    found: list[str] = []
    length = 0
    while length < tokens * 4 + 1:
        words = random.choices(_WORDS, k=random.randint(6, 11))
        found.append(" ".join(words).capitalize() + ".")
        length += len(found[-1]) + 1
    return " ".join(found)


def _stopped(choice: Choice, stops: tuple[str, ...]) -> Choice:
    """The answer up to the first stop sequence."""
    ends = [choice.text.find(stop) for stop in stops if stop]
    ends = [end for end in ends if end >= 0]
    return replace(choice, finish="stopped", text=choice.text[: min(ends)]) if ends else choice


def _shortened(choice: Choice, most: int) -> Choice:
    """The answer in at most so many tokens: its reasoning, then its text, then its calls."""
    if choice.tokens <= most:
        return choice
    finish: Finish = "length"
    reasoning = cut(choice.reasoning, most)
    left = most - count(reasoning)
    text = cut(choice.text, left)
    left -= count(text)
    calls = []
    for call in choice.calls:
        left -= count(call.name)
        if left <= 0:
            break
        calls.append(replace(call, arguments="".join(list(pieces(call.arguments))[:left])))
        left -= count(calls[-1].arguments)
    return Choice(finish, text, reasoning, tuple(calls))


def _json(found: object) -> str:
    return msgspec.json.encode(found).decode()
