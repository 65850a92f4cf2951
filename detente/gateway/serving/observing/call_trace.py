"""The trace that a caller's request belongs to, and what is told of a call to whoever collects traces.

Owns: reading W3C Trace Context as far as it is well formed, and what a call says of itself, step by step. It imports
nothing that collects. Not here: OpenTelemetry (``telemetry``), and passing a trace on (``provider_call``).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import Protocol

from detente.errors import MissingExtraError
from detente.gateway.deciding.policy import Deployed
from detente.ledger.journals.record import Attempt, CallEnd, TokenCounts
from detente.providers.outgoing import HeaderPairs
from detente.providers.wire import Call

PARENT = b"traceparent"
_PARENT = re.compile(
    rb"(?!ff)(?:00|(?P<later>(?!00)[0-9a-f]{2}))-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    rb"(?(later)(?:-[!-~]{0,400})?)"
)
"""No id is all zeros, and no version is ``ff``. Later versions than 00 may say more behind the first four fields."""
_STATE = re.compile(rb"[!-~][ -~]{0,511}")
COLLECTED_BY = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""Packages without which nothing is collected."""


def must_be_collectable() -> None:
    """Raise MissingExtraError where traces are wanted, and what collects them is not installed."""
    try:
        there = all(importlib.util.find_spec(name) for name in COLLECTED_BY)
    except ModuleNotFoundError:
        there = False
    if not there:
        raise MissingExtraError("sending traces", "traces")


def trace_of(headers: Mapping[bytes, bytes]) -> HeaderPairs:
    """``traceparent``, and its ``tracestate``; nothing where they are not well formed."""
    parent, state = headers[PARENT], headers.get(b"tracestate", b"")
    if not _PARENT.fullmatch(parent):
        return ()
    found = (("traceparent", parent.decode()),)
    return (*found, ("tracestate", state.decode())) if _STATE.fullmatch(state) else found


class AttemptSpan(Protocol):
    """One deployment is asked. One that cannot be asked a call never ends, and is not told."""

    trace: HeaderPairs
    """By which its provider knows it."""

    def speaks(self) -> None:
        """The first content of its stream has come."""

    def ended(self, attempt: Attempt, usage: TokenCounts | None = None, finish: str | None = None) -> None:
        """How it went, and what it used where that is known."""


class CallSpan(Protocol):
    """A call, from its caller's request to its reply."""

    def asks(self, deployed: Deployed, call: Call) -> AttemptSpan:
        """A deployment is asked for it."""

    def ended(self, end: CallEnd, model: str, deployment: str, clauses: str) -> None:
        """How it ended: which model was asked for, who served it, and which clauses kept it from elsewhere."""


class Tracing(Protocol):
    """Who collects traces."""

    def begins(self, path: str, workload: str, trace: HeaderPairs) -> CallSpan:
        """A call of a workload has come, which may belong to a trace."""

    def close(self) -> None:
        """Hand over what was collected. It may wait for whoever takes it."""
