"""Serving: how the gateway behaves towards callers and providers, where a case wants it other than usual.

Owns: deadlines, limits and what replies disclose. Not here: what may run where (clauses) and where it goes (the plan).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.values.noun import Flag, Noun
from detente.values.quantity_field import Count, Duration


class Deadlines(Noun):
    """How long the gateway waits. All failures before the first content fail over, within ``total``."""

    connect: Duration = Field(default=3.0, description="for a connection to a provider")
    first_byte: Duration = Field(default=60.0, description="for the head of a provider's reply")
    idle: Duration = Field(
        default=60.0, description="between two pieces of a provider's reply, or of a caller's request"
    )
    total: Duration = Field(default=600.0, description="for a call in all, failing over included")

    @model_validator(mode="after")
    def _some_time(self) -> Deadlines:
        for name in ("connect", "first_byte", "idle", "total"):
            if getattr(self, name) <= 0:
                key = name.replace("_", "-")
                raise FlawError(f"`{key}` is zero", "write for example `30 s`", (key,))
        return self


class Serving(Noun):
    """Settings of the gateway."""

    deadlines: Deadlines = Deadlines()
    body: Count = Field(default=32_000_000, description="the largest request, in bytes")
    headers: Flag = Field(default=True, description="whether replies say where they ran, why and at what cost")
    sync: Literal["timer", "each"] = Field(
        default="timer", description="when the journal is forced to disk: each second, or before each reply"
    )
    drain: Duration = Field(default=30.0, description="how long a stop waits for calls under way")
