"""Serving: how the gateway behaves towards callers and providers, where a case wants it other than usual.

Owns: deadlines, limits and what replies disclose. Not here: what may run where (clauses) and where it goes (the plan).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.live.fetch import Fetch
from detente.live.leniency import Leniency
from detente.live.notice import Notify
from detente.values.noun import Flag, Noun
from detente.values.quantity_field import Count, Duration
from detente.values.sheet import File

OnCut = Literal["error", "continue"]
"""What becomes of a stream that broke off after its first content."""
ReplyModel = Literal["asked", "served"]
"""Which model a reply names."""
FIRST_CONTENT, THOUGHT = 60.0, 300.0
"""Seconds for the first content of a stream, and the same where the call asks for reasoning, unless a case says
else."""


class Deadlines(Noun):
    """How long the gateway waits. All failures before the first content fail over, within ``total``.

    A stream is late where its first content is, whatever else its provider sends before it. A whole reply has no sign
    of life before its end, so that only ``total`` ends it.
    """

    connect: Duration = Field(default=3.0, description="for a connection to a provider")
    first_byte: Duration | None = Field(default=None, description="for the first content of a stream; default: 60 s")
    reasoning: Duration | None = Field(
        default=None,
        description="the same where the call asks for reasoning; default: `first-byte` where it is stated, else 300 s",
    )
    idle: Duration = Field(
        default=60.0,
        description="between two pieces of a stream after its first content, or of a caller's request",
    )
    total: Duration = Field(default=600.0, description="for a call in all, failing over included")

    @model_validator(mode="after")
    def _some_time(self) -> Deadlines:
        for name in ("connect", "first_byte", "reasoning", "idle", "total"):
            stated = getattr(self, name)
            if stated is not None and stated <= 0:
                key = name.replace("_", "-")
                raise FlawError(f"`{key}` is zero", "write for example `30 s`", (key,))
        return self

    def first_content(self, reasons: bool) -> float:
        """Seconds for the first content of a stream, of a call that asks for reasoning or does not."""
        if reasons and self.reasoning is not None:
            return self.reasoning
        if self.first_byte is not None:
            return self.first_byte
        return THOUGHT if reasons else FIRST_CONTENT

    def between(self, reasons: bool) -> float:
        """Seconds between two pieces of a stream: a model that reasons may think again, for as long as at first."""
        if not reasons or "idle" in self.model_fields_set:
            return self.idle
        return max(self.idle, self.first_content(reasons))


class KeptResponses(Noun):
    """How much is kept, for each key, of what models that have only chat answered on ``/v1/responses``."""

    count: Count = Field(default=1_000, description="responses")
    bytes: Count = Field(default=64_000_000, description="all of them, with what was asked")
    age: Duration = Field(default=3600.0, description="since one was last built on; `0 s`: nothing is kept")


class Serving(Noun):
    """Settings of the gateway."""

    deadlines: Deadlines = Deadlines()
    on_cut: OnCut = Field(
        default="error", description="after a stream broke off: `error`, or `continue` by another deployment that can"
    )
    buffer: Flag = Field(default=False, description="whether streams are held back until they are complete")
    reply_model: ReplyModel = Field(
        default="asked", description="which model replies name: the one that was asked for, or the one that served"
    )
    keep_alive: Duration = Field(
        default=15.0, description="how long a stream may be silent before its caller is sent a sign of life"
    )
    retry: Flag = Field(
        default=True, description="whether a deployment is asked once more after a reset or a 5xx before any content"
    )
    wait: Duration = Field(
        default=5.0, description="the longest `retry-after` that is waited for where nobody else may serve the call"
    )
    body: Count = Field(default=32_000_000, description="the largest request, in bytes")
    parts: Count = Field(
        default=10_000, description="the most messages and parts of messages of a request: they take everybody's time"
    )
    connections: Count = Field(default=10_000, description="the most connections of callers, a worker")
    kept_responses: KeptResponses = Field(
        default=KeptResponses(), description="what is kept for `previous_response_id` of models that have only chat"
    )
    fetch: Fetch | None = Field(
        default=None, description="which files sent by address are fetched for deployments that cannot; default: none"
    )
    tokens: File | None = Field(
        default=None,
        description="a file of the vocabulary that callers' tokens are of, for embeddings at models that take text",
    )
    headers: Flag = Field(default=True, description="whether replies say where they ran, why and at what cost")
    sync: Literal["timer", "each"] = Field(
        default="timer", description="when the journal is forced to disk: each second, or before each reply"
    )
    lenient: tuple[Leniency, ...] = Field(
        default=(), description="what may be left out of a call for a deployment that cannot do it; replies list it"
    )
    notify: Notify | None = Field(default=None, description="where it is told that a cap or a budget is nearly used up")
    drain: Duration = Field(default=30.0, description="how long a stop waits for calls under way")
