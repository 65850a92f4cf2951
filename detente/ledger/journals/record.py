"""A record: what one reply was, and the decision that sent it there.

Owns: the fields of the record, and their bytes (JSON). Not here: the file that holds them (``journal``), and what they
come to in money owed (postings, later).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

Outcome = Literal["begun", "complete", "cut", "abandoned", "failed", "refused", "billed"]
"""``begun``: the first content of a stream has come; another record of the same id says how it ended, unless its
writer was killed before. ``complete``: served whole. ``cut``: the provider failed within the reply. ``abandoned``:
the caller left. ``failed``: no provider served it. ``refused``: no provider was asked, or the request itself was
wrong. ``billed``: no reply, but a row of a provider's bill (``bill_ingest``)."""


class TokenCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens, as the provider said. ``cached`` and ``written`` are parts of ``input``, ``reasoning`` of ``output``."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment that was asked, and how it went: ``served``, or its kind of failure, with a sentence if any.

    ``used`` is what it used beside the record's own ``usage``: ``unknown`` where it had the request, may have worked on
    it, and did not say; None where it used nothing, and of the attempt that the record's ``usage`` is of. ``cost`` is
    of what it used, as in ``CallEnd``.
    """

    deployment: str
    outcome: str
    ms: float
    status: int = 0
    detail: str = ""
    used: TokenCounts | Literal["unknown"] | None = None
    cost: str | None = None


def milliseconds(seconds: float) -> float:
    """Seconds as a record has them, to the microsecond; ``round`` to three places takes four times as long."""
    return int(seconds * 1_000_000 + 0.5) / 1000


class DeniedDeployment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment that was not asked, and the clause (or fact, or budget) that forbade it.

    ``amount``: of a budget, which of its amounts: ``money``, ``requests``.
    """

    deployment: str
    clause: str
    amount: str = ""


class CallRoute(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is the same for all calls of a kind: who asked for what, under which policy, and where it went.

    ``region`` is stated where there is one place in which it can have run; else ``regions`` has all of them.
    """

    path: str
    key: str
    workload: str
    labels: Mapping[str, str]
    model: str
    case: str
    plan: str | None = None
    stream: bool = False
    deployment: str | None = None
    offer: str | None = None
    provider: str | None = None
    region: str | None = None
    regions: Sequence[str] = ()
    why: str = ""
    denied: Sequence[DeniedDeployment] = ()
    budgets: Sequence[str] = ()
    """What it drew on, by the names of ``live.budget_name``."""


class CallEnd(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is of one call alone.

    ``at`` is when the request was whole, in UTC. ``usage`` is None where it is not known, which is never zero (§12);
    it is zero where no provider was asked. ``cost`` is a decimal in the case's currency at list price, and None where
    usage or price is not known. ``continued``: the deployment went on with a stream that broke off at others, which are
    among its ``attempts``; ``usage`` is its own part. ``pieces`` counts the pieces of content that a stream delivered.
    ``left_out`` names the members of the request that its deployment was not told.
    """

    id: str
    at: datetime
    outcome: Outcome
    status: int
    usage: TokenCounts | None = None
    cost: str | None = None
    finish: str | None = None
    spilled: bool = False
    continued: bool = False
    pieces: int = 0
    ms: float = 0.0
    attempts: Sequence[Attempt] = ()
    left_out: Sequence[str] = ()


class Record(CallRoute, frozen=True, omit_defaults=True, kw_only=True):
    """One reply, as it is read: the members of its ``CallRoute``, and here those of its ``CallEnd``.

    ``at`` is as it was written: RFC 3339, ``2026-11-24T12:00:00.123456Z``.
    """

    id: str
    at: str
    outcome: Outcome
    status: int
    usage: TokenCounts | None = None
    cost: str | None = None
    finish: str | None = None
    spilled: bool = False
    continued: bool = False
    pieces: int = 0
    ms: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    left_out: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    denied: tuple[DeniedDeployment, ...] = ()
    budgets: tuple[str, ...] = ()


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


def route(found: CallRoute) -> bytes:
    """A route's part of a record: encoded once, and joined to the end of each of its calls."""
    return _ENCODER.encode(found)[:-1] + b","


def joined(route: bytes, end: CallEnd) -> bytes:
    """A record's bytes: one JSON object. What is not known is left out."""
    return route + _ENCODER.encode(end)[1:]


def decoded(data: bytes) -> Record:
    """The record of some bytes. Raises msgspec.DecodeError; members that are not known are ignored."""
    return _DECODER.decode(data)


class AttemptAsRead(msgspec.Struct, frozen=True, gc=False):
    """Of an ``Attempt`` as it is read, what metering asks, and what no record lacks."""

    deployment: str
    outcome: str
    ms: float
    used: TokenCounts | Literal["unknown"] | None = None


class EndAsRead(msgspec.Struct, frozen=True, gc=False):
    """Of a ``CallEnd`` as it is read, what metering asks; the rest is kept as it was written."""

    id: str
    at: str
    outcome: Outcome
    usage: TokenCounts | None = None
    cost: str | None = None
    spilled: bool = False
    attempts: tuple[AttemptAsRead, ...] = ()


_ROUTES = msgspec.json.Decoder(CallRoute)
_ENDS = msgspec.json.Decoder(EndAsRead)


_END = b',"id":"'
"""Where the end of a record begins: quotes within texts are escaped, so that its last place is that of the member."""


def parted(data: bytes) -> tuple[bytes, bytes]:
    """The bytes of a record's route, which is that of many calls, and those of its end: what ``joined`` put together.

    Raises msgspec.DecodeError where they are no record of this version.
    """
    of_route, found, rest = data.rpartition(_END)
    if found and of_route:
        return of_route + b"}", b'{"id":"' + rest
    whole = msgspec.to_builtins(decoded(data))
    names = {f.name for f in msgspec.structs.fields(CallRoute)}
    halves = ({k: v for k, v in whole.items() if (k in names) is which} for which in (True, False))
    of_route, of_end = map(_ENCODER.encode, halves)
    return of_route, of_end


def read_route(data: bytes) -> CallRoute:
    """A route's bytes, read. Raises msgspec.DecodeError."""
    return _ROUTES.decode(data)


def read_end(data: bytes) -> EndAsRead:
    """An end's bytes, read. Raises msgspec.DecodeError."""
    return _ENDS.decode(data)


T = TypeVar("T")


def ended(records: Iterable[Record | T]) -> Iterator[Record | T]:
    """One worker's records (and whatever else is among them), without the beginnings of streams whose end is there too.

    A beginning without an end comes last: its stream is under way, or was when its writer was killed, and what it used
    is not known.
    """
    begun: dict[str, Record] = {}
    for record in records:
        if isinstance(record, Record):
            if record.outcome == "begun":
                begun[record.id] = record
                continue
            begun.pop(record.id, None)
        yield record
    yield from begun.values()
