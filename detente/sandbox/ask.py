"""What a model is asked, whichever wire it came by; and what it answers.

Owns: the values that stand between the wires and the model. Not here: reading them from a wire (``chat``,
``responses``, ``converse``), and answering (``model``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from detente.sandbox.tokens import IMAGE, count, pieces

Finish = Literal["stop", "stopped", "length", "tools", "filtered", "blocked"]
"""``stop``: by itself. ``stopped``: at a sequence that the caller gave. ``filtered``: its content was cut off.
``blocked``: something else than the model answered, because of what was asked."""


class WrongError(Exception):
    """A request that the provider would refuse: what is wrong, at which parameter, under which of its codes."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.param, self.code, self.status = message, param, code, status


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call, and the JSON Schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt and its settings.

    ``prompt`` is all text that counts, in order. ``last`` is the last message's where that is a user's, else empty:
    markers are looked for in it. ``forced`` is the tool that must be called (``*``: any), ``barred`` that none may be.
    ``schema`` is that of the reply. ``points`` are places in the prompt where a caller marks the end of what is to be
    cached. ``reasoning`` is an effort. ``top`` is how many alternatives to a token are told, None where not even its
    own probability is.
    """

    prompt: str
    last: str = ""
    images: int = 0
    tools: tuple[Tool, ...] = ()
    forced: str | None = None
    barred: bool = False
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    most: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    reasoning: str | None = None
    top: int | None = None
    points: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """The tokens of the prompt."""
        return count(self.prompt) + IMAGE * self.images


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; ``arguments`` is JSON, and cut short where the reply was."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Beat:
    """One step of an answer: a token of its reasoning, its text or a call's arguments; or the start of a call."""

    kind: Literal["reasoning", "text", "call", "arguments"]
    text: str
    call: int = 0

    @property
    def tokens(self) -> int:
        """What it counts for."""
        return count(self.text)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    finish: Finish
    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()

    def beats(self) -> Iterator[Beat]:
        """The answer step by step."""
        yield from (Beat("reasoning", piece) for piece in pieces(self.reasoning))
        yield from (Beat("text", piece) for piece in pieces(self.text))
        for at, call in enumerate(self.calls):
            yield Beat("call", call.name, at)
            yield from (Beat("arguments", piece, at) for piece in pieces(call.arguments))

    def blocks(self) -> Iterator[tuple[str, Iterator[Beat]]]:
        """The same by what it is of: thoughts, text, and each call of a tool; each with its steps."""
        return groupby(
            self.beats(), lambda beat: beat.kind if beat.kind in ("reasoning", "text") else f"tool{beat.call}"
        )

    @property
    def tokens(self) -> int:
        """The tokens of the answer, reasoning included."""
        called = sum(count(call.name) + count(call.arguments) for call in self.calls)
        return count(self.reasoning) + count(self.text) + called


@dataclass(frozen=True, slots=True)
class Counts:
    """What a call took: ``cached`` and ``written`` are parts of ``input``, ``reasoning`` of ``output``."""

    input: int
    output: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """A call that is being answered: everything that a wire renders.

    ``mark`` is unique to the call, ``created`` the time in seconds since the epoch, ``model`` what the reply calls the
    model.
    """

    mark: str
    created: int
    model: str
    ask: Ask
    choices: tuple[Choice, ...]
    counts: Counts
