"""A fault: something that goes wrong at a provider, on purpose.

Owns: which faults there are, and a schedule of them in a case. Not here: playing them (``sandbox``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.values.noun import Id, Noun
from detente.values.quantity_field import Count, Duration, Portion

FaultKind = Literal[
    "throttled",
    "unavailable",
    "slow-first-byte",
    "stall",
    "cut",
    "malformed",
    "exception",
    "expired-credential",
    "down",
]
"""``throttled``: 429, of a provisioned deployment with its own semantics. ``unavailable``: 503. ``slow-first-byte``:
silence before the head. ``stall``: silence within a stream. ``cut``: the connection closes within a reply.
``malformed``: a frame that cannot be read. ``exception``: an error inside a stream, after 200.
``expired-credential``: 401 or 403, as the provider says it. ``down``: nothing listens."""

Target = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?$", max_length=250)]


class Fault(Noun):
    """What fails, how, and when: seconds count from the sandbox's start."""

    id: Id
    on: Target = Field(description="a deployment, a provider, or `provider/region`")
    kind: FaultKind
    from_: Duration = Field(default=0.0, description="from the sandbox's start; default: at once")
    lasts: Duration | None = Field(default=None, description="for how long; default: until it is taken back")
    calls: Count | None = Field(default=None, description="how many calls it meets, then it ends; default: all")
    skips: Count | None = Field(default=None, description="how many calls pass before it meets one; default: none")
    chance: Portion | None = Field(default=None, description="the share of calls that it meets; default: all")
    after: Count | None = Field(default=None, description="in a stream: after this many pieces of content")
    retry_after: Duration | None = Field(default=None, description="throttled: when to ask again")
    silence: Duration = Field(default=30.0, description="slow first byte, stall: how long")

    @model_validator(mode="after")
    def _fitting(self) -> Fault:
        streams = ("stall", "cut", "malformed", "exception")
        if self.after is not None and self.kind not in streams:
            raise FlawError(f"`{self.kind}` strikes before any content", "leave out `after:`", ("after",), key=True)
        if self.retry_after is not None and self.kind != "throttled":
            what = f"`{self.kind}` has no time to wait"
            raise FlawError(what, "leave out `retry-after:`", ("retry-after",), key=True)
        return self
