"""A plan's rows added up, in the shapes that both views show.

Owns: sums over a plan, by commitment, workload, provider, offer. Not here: words (``answer``) and markup. All sums are
exact; nothing is computed that the plan does not state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.contract.settled.standing import Standing
from detente.results.allocations import AllocationPlace, Allocations
from detente.results.plan import Plan
from detente.results.plan_rows import WorkloadRow
from detente.values.money import CENT, shown
from detente.values.period import named
from detente.values.quantity import plain

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment over all its windows."""

    term: str
    provider: str
    windows: tuple[Standing, ...]

    @property
    def unit(self) -> str:
        """In what it counts: the currency, or a unit of work."""
        return self.windows[0].unit

    @property
    def required(self) -> Decimal:
        """What all windows together require."""
        return sum((w.required for w in self.windows), ZERO)

    @property
    def drawn(self) -> Decimal:
        """What counts towards them."""
        return sum((w.drawn for w in self.windows), ZERO)

    @property
    def short(self) -> Decimal:
        """What is missing, over all windows."""
        return sum((w.short for w in self.missed), ZERO)

    @property
    def owed(self) -> Decimal:
        """What is owed for what is missing."""
        return sum((w.owed for w in self.missed), ZERO)

    @property
    def missed(self) -> tuple[Standing, ...]:
        """The windows that fall short."""
        return tuple(w for w in self.windows if w.missed)

    @property
    def when(self) -> list[str]:
        """When it falls short: windows in a row are one stretch, ``2029–2031 (3 windows)``."""
        runs: list[list[Standing]] = []
        for window in self.missed:
            if runs and runs[-1][-1].end == window.start:
                runs[-1].append(window)
            else:
                runs.append([window])
        return [named(r[0].start, r[-1].end) + (f" ({len(r)} windows)" if len(r) > 1 else "") for r in runs]


def missing(short: Decimal, unit: str = "") -> str:
    """What is missing of an amount: of work it may be less than a hundredth, and is told as it is."""
    return f"{plain(short)} {unit}".rstrip() if short < CENT else shown(short, unit)


def bought_nothing(plan: Plan) -> dict[str, Decimal]:
    """What is paid for and buys no compute: capacity that stands idle, and by clause what it charges beside spend.

    Of a clause, the sum of what it charges and gives, where that is positive; from a cent on, the largest first.
    """
    found = {"idle capacity": sum((c.net for c in plan.charges if c.what == "idle"), ZERO)}
    for posting in plan.postings:
        if not posting.in_spend:
            name = f"`{posting.term}`"
            found[name] = found.get(name, ZERO) + posting.amount
    return dict(sorted(((k, v) for k, v in found.items() if v >= CENT), key=lambda item: -item[1]))


@dataclass(frozen=True, slots=True)
class Placement:
    """A workload on an offer over the whole plan; ``share`` is of the workload's served work."""

    workload: str
    offer: str
    provider: str
    region: str
    work: Decimal
    cost: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True)
class Missing:
    """Demand of one workload that is not served."""

    workload: WorkloadRow
    work: Decimal
    cost: Decimal
    first: datetime | None
    last: datetime | None

    @property
    def share(self) -> Decimal:
        """Of the workload's demand."""
        return self.work / self.workload.demand if self.workload.demand else ZERO


@dataclass(frozen=True, slots=True)
class Bought:
    """All purchases of one offer."""

    offer: str
    provider: str
    reserved: bool
    times: int
    units: tuple[int, int]
    hours: Decimal
    cost: Decimal
    start: datetime
    end: datetime


def by_place(plan: Plan) -> Sequence[tuple[AllocationPlace, Decimal, Decimal]]:
    """Each workload on each offer that does any of it, with its work and its cost."""
    return Allocations.of(plan.allocations).by_place()


def names(plans: Sequence[Plan]) -> dict[str, str]:
    """Provider ids and the names to show; an id that no provider row explains stands for itself."""
    found = {p.provider: p.name or p.provider for plan in plans for p in plan.providers}
    for plan in plans:
        given = [c.provider for c in commitments(plan)] + [place.provider for place, *_ in by_place(plan)]
        for provider in [*given, *(p.provider for p in plan.purchases), *(c.provider for c in plan.capacity)]:
            found.setdefault(provider, provider)
    return found


def commitments(plan: Plan) -> list[Commitment]:
    """By clause, windows in time order."""
    parties = {clause.term: clause.counterparty for clause in plan.clauses}
    found: dict[str, list[Standing]] = {}
    for window in plan.commitments:
        found.setdefault(window.term, []).append(window)
    return [
        Commitment(term, parties.get(term, ""), tuple(sorted(rows, key=lambda w: (w.start, w.end))))
        for term, rows in found.items()
    ]


def placements(plan: Plan) -> dict[str, list[Placement]]:
    """By workload in the case's order, the most work first."""
    sums: dict[tuple[str, str], tuple[str, str, Decimal, Decimal]] = {}
    totals: dict[str, Decimal] = {}
    for place, work, cost in by_place(plan):
        sums[place.workload, place.offer] = place.provider, place.region, work, cost
        totals[place.workload] = totals.get(place.workload, ZERO) + work
    found: dict[str, list[Placement]] = {w.workload: [] for w in plan.workloads}
    for (workload, offer), (provider, region, work, cost) in sums.items():
        share = work / totals[workload] if totals[workload] else ZERO
        found.setdefault(workload, []).append(Placement(workload, offer, provider, region, work, cost, share))
    return {w: sorted(rows, key=lambda r: (-r.work, r.offer)) for w, rows in found.items()}


def by_provider(rows: Iterable[Placement]) -> dict[str, Decimal]:
    """Shares of a workload's work by provider, the largest first."""
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row.provider] = found.get(row.provider, ZERO) + row.share
    return dict(sorted(found.items(), key=lambda f: (-f[1], f[0])))


def unserved(plan: Plan) -> list[Missing]:
    """By workload, the dearest first."""
    rows = {w.workload: w for w in plan.workloads}
    ends = {p.index: (p.span_start, p.span_end) for p in plan.periods}
    found: dict[str, Missing] = {}
    for u in plan.unserved:
        if not u.work:
            continue
        workload = rows.get(u.workload) or WorkloadRow(u.workload, "", "unit", {}, ZERO, ZERO, 0, ZERO)
        old = found.get(u.workload) or Missing(workload, ZERO, ZERO, None, None)
        start, end = ends.get(u.period, (None, None))
        first = min((t for t in (old.first, start) if t), default=None)
        last = max((t for t in (old.last, end) if t), default=None)
        found[u.workload] = Missing(workload, old.work + u.work, old.cost + u.cost, first, last)
    return sorted(found.values(), key=lambda m: (-m.cost, m.workload.workload))


def purchases(plan: Plan) -> list[Bought]:
    """By offer, the dearest first."""
    found: dict[tuple[str, bool], list[int]] = {}
    for index, row in enumerate(plan.purchases):
        found.setdefault((row.offer, row.reserved), []).append(index)
    bought = []
    for (offer, reserved), indices in found.items():
        rows = [plan.purchases[i] for i in indices]
        bought.append(
            Bought(
                offer,
                rows[0].provider,
                reserved,
                len(rows),
                (min(r.units for r in rows), max(r.units for r in rows)),
                sum((r.hours for r in rows), ZERO),
                sum((r.cost for r in rows), ZERO),
                min(r.start for r in rows),
                max(r.end for r in rows),
            )
        )
    return sorted(bought, key=lambda b: (-b.cost, b.offer))


def provider_of(plans: Sequence[Plan]) -> dict[str, str]:
    """Whose an offer is, as far as any plan says."""
    found: dict[str, str] = {}
    for plan in plans:
        found |= {row.offer: row.provider for row in plan.capacity}
        found |= {row.offer: row.provider for row in plan.purchases}
        found |= {row.offer: row.provider for row in plan.standby}
        found |= {place.offer: place.provider for place, *_ in by_place(plan)}
    return found
