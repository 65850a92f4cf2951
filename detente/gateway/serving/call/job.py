"""A job: one call that is to be served, and what has come of it so far.

Owns: what deciding, relaying, refusing and recording a call need of it together. Not here: doing any of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from detente.demand.workload import AnyWorkload
from detente.gateway.deciding.admit import Admission, Candidate
from detente.gateway.deciding.choose import Order, RankedCandidate
from detente.gateway.deciding.keyring import HeldKey
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Deployed
from detente.gateway.http.exchange import HeaderLines
from detente.gateway.serving.call.continuation import Broken
from detente.gateway.serving.observing.call_trace import CallSpan
from detente.gateway.surfaces.file_addresses import InlineFile
from detente.gateway.surfaces.surface import Asked, StreamHead, Surface
from detente.gateway.upstream import WHOLE, Patience
from detente.ledger.journals.record import Attempt, Outcome
from detente.live.request import Request
from detente.providers.outgoing import HeaderPairs
from detente.providers.wire import Call, Refusal, Tokens

_NOTHING = Admission(())
_NOBODY = Order(())
_UNSEEN = StreamHead()
UNREAD = Asked(Call("chat", {}), "")
"""What a body asks for that could not be read."""


class Job(msgspec.Struct):
    """A call. ``began`` and ``until`` are of the event loop's clock, ``at`` is the moment by which it is judged."""

    id: str
    surface: Surface
    held: HeldKey
    """Its key, and what it goes by."""
    moment: Moment
    at: datetime
    began: float
    until: float
    labels: Mapping[str, str]
    load: Load
    """What is known of the deployments as to such calls."""
    size: int = 0
    """Of its body, in bytes."""
    asked: Asked = UNREAD
    request: Request | None = None
    """What clauses see of it, once it was decided."""
    admission: Admission = _NOTHING
    order: Order = _NOBODY
    attempts: list[Attempt] = []
    cannot: list[tuple[Candidate, Refusal]] = []
    """Deployments on whose wires the call cannot be said."""
    left_out: tuple[str, ...] = ()
    """Members of the call that the deployment which is asked was not told."""
    files: dict[str, InlineFile] = {}
    """What was fetched of the files that it names by their address."""
    waited: float = 0.0
    """Seconds that went by in waiting for providers, and for files."""
    patience: Patience = WHOLE
    """How long a provider may keep the call waiting."""
    head: StreamHead = _UNSEEN
    """What its caller was told of its stream."""
    outgrown: int | None = None
    """The longest window, in tokens, that was too short for it; 0 where its length is not stated."""
    foreign_to: set[str] = set()
    """Deployments that cannot read the thoughts that it sends back."""
    broken: Broken | None = None
    """Its stream, where that broke off and another deployment may go on with it."""
    trace: HeaderPairs = ()
    """The caller's `traceparent` and `tracestate`, which are passed on."""
    span: CallSpan | None = None
    """What is told of it to whoever collects traces."""
    recorded: bool = False
    """Whether its end is in the journal: it is written once."""

    @property
    def workload(self) -> AnyWorkload:
        """Whose call it is."""
        return self.held.workload

    def is_beyond(self, deployed: Deployed) -> bool:
        """Whether a deployment cannot take it, by what was learned as others were asked: its length, its thoughts."""
        outgrew = self.outgrown is not None and (deployed.offer.context or 0) <= self.outgrown
        return outgrew or deployed.id in self.foreign_to


class Served(msgspec.Struct, frozen=True):
    """How a call ended: what its record says of it."""

    outcome: Outcome
    status: int
    choice: RankedCandidate | None = None
    tokens: Tokens | None = None
    finish: str | None = None
    spilled: bool = False
    pieces: int = 0
    continued: bool = False


HeaderWriter = Callable[[Job, RankedCandidate | None, str | None], HeaderLines]
"""What a reply discloses in its headers: of a job, where it was served, and what it cost."""
