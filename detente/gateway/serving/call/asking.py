"""One deployment that is asked for a call, and how far that has come.

Owns: the values alone. Not here: asking (``provider_call``).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.deciding.policy import Deployed
from detente.gateway.deciding.standings import NOTHING_HELD, Hold
from detente.gateway.http.exchange import Exchange
from detente.gateway.serving.call.job import Job
from detente.gateway.serving.call.stream import Stream
from detente.gateway.serving.observing.call_trace import AttemptSpan
from detente.gateway.surfaces.surface import Asked
from detente.gateway.upstream import Incoming
from detente.ledger.journals.record import Attempt, TokenCounts
from detente.providers.outgoing import HeaderPairs, Outgoing
from detente.providers.wire import Call, Tokens


class Made(msgspec.Struct, frozen=True):
    """A call as it is sent: its request, and what authorizes it."""

    call: Call
    outgoing: Outgoing
    authorized: HeaderPairs


class ProviderCall(msgspec.Struct):
    """A job as one deployment is asked it, and how far that has come. ``began`` is of the event loop's clock."""

    job: Job
    choice: RankedCandidate
    deployed: Deployed
    """Who is asked."""
    caller: Exchange
    asked: Asked
    sends: Sequence[Made]
    """What is sent: the call, or the parts that it is made as."""
    began: float
    held: float = 0.0
    """Tokens of its limit that are held for the call until it ends."""
    hold: Hold = NOTHING_HELD
    """What is held of caps for it, until it ends."""
    incoming: Incoming | None = None
    stream: Stream | None = None
    spilled: bool = False
    span: AttemptSpan | None = None
    """What is told of it to whoever collects traces."""

    def secrets(self) -> tuple[str, ...]:
        """What of ours it was told, and nobody else may be."""
        return self.job.moment.policy.authorities[self.deployed.id].secrets

    def attempted(self, attempt: Attempt, tokens: Tokens | None = None, finish: str | None = None) -> None:
        """How it went."""
        self.job.attempts.append(attempt)
        if self.span is not None:
            counted = TokenCounts(*msgspec.structs.astuple(tokens)) if tokens is not None else None
            self.span.ended(attempt, counted, finish)
