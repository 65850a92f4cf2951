"""One plan's part of the page: what the template of a plan shows, ready to be laid out.

Owns: which rows and charts stand in which section, and how many. Not here: HTML (``templates``) and sentences
(``answer``). Long tables are cut, and say so: everything stands in ``plan.json``.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

from detente.report.drawing.burndown import burndown
from detente.report.drawing.chart import BarPart, Series, area, shares
from detente.report.drawing.strip import Room, rooms, strip
from detente.report.drawing.svg import HALF, both
from detente.report.numerals import exact, percent, plural, quantity, rate, signed
from detente.report.pages.palette import Palette
from detente.report.plans import answer, digest
from detente.report.plans.bill import BillLine, bill
from detente.report.plans.denial import KeptOff, denials
from detente.report.plans.implication import Implication, implications
from detente.report.plans.section_rows import Binding, Charted, Cut, KeptAway, WindowShortfall, WorkloadPart, binding
from detente.report.timeline import Timeline
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow, Decision, WorkloadRow

MAX_ROWS = 120
"""Rows of a table, in a whole report."""

MAX_CHARTS = 48
"""Charts of workloads, of commitments and of offers, in a whole report."""


class Page:
    """The sections of one plan. Every property is computed once, and only where the template asks."""

    def __init__(self, plans: Sequence[Plan], index: int, label: str, palette: Palette, detail: int = 1) -> None:
        self.plan = plan = plans[index]
        self.label = label
        self.number = index + 1
        self.anchor = f"plan-{self.number}"
        self.palette = palette
        self.names = palette.names
        self.rows = max(6, MAX_ROWS // (max(2, len(plans)) * detail))
        self.charts = max(2, MAX_CHARTS // (max(2, len(plans)) * detail))
        self.timeline = Timeline.of(plan.periods)
        self.opening = answer.opening(plan)
        first = plans[0]
        comparable = index > 0 and plan.currency == first.currency
        self.whose = digest.provider_of([plan])
        self.says = {c.term: c.sentence for c in plan.clauses}
        self.against = signed(plan.cost - first.cost, plan.currency) if comparable else None

    # -- work -------------------------------------------------------------------------------------------------------
    @cached_property
    def workloads(self) -> Cut[Charted[WorkloadPart]]:
        """Each workload with its chart of work by provider over time."""
        places = digest.placements(self.plan)
        missing = {m.workload.workload: m for m in digest.unserved(self.plan)}
        rows: dict[str, dict[str, list[tuple[int, Decimal]]]] = {}
        for a in self.plan.allocations:
            colour = self.palette.colour(a.provider)
            rows.setdefault(a.workload, {}).setdefault(colour, []).append((a.period, a.work))
        for u in self.plan.unserved:
            rows.setdefault(u.workload, {}).setdefault("unserved", []).append((u.period, u.work))
        found = []
        for index, workload in enumerate(self.plan.workloads[: self.rows]):
            part = WorkloadPart(workload, Cut.of(places.get(workload.workload, []), 8), missing.get(workload.workload))
            where = digest.by_provider(places.get(workload.workload, ()))
            words = ", ".join(f"{self.names[p]} {percent(share)}" for p, share in where.items())
            drawn = ""
            if index < self.charts and rows.get(workload.workload):
                drawn = self._area(workload, rows[workload.workload], words)
            found.append(Charted(part, drawn, words))
        return Cut(tuple(found), max(0, len(self.plan.workloads) - self.rows))

    def _area(self, workload: WorkloadRow, amounts: dict[str, list[tuple[int, Decimal]]], words: str) -> str:
        factor, unit = rate(workload.unit)
        series = [
            Series(name, colour, self.timeline.rates(amounts[colour], factor))
            for colour, name in (*self.palette.legend, ("unserved", "not served"))
            if colour in amounts
        ]
        name = f"{workload.workload}: {unit} by provider over time. {words or 'Nothing runs.'}"
        return both(lambda width: area(series, self.timeline.buckets, name, unit, width), HALF)

    # -- commitments ------------------------------------------------------------------------------------------------
    @cached_property
    def every_commitment(self) -> list[digest.Commitment]:
        """All of them, for counting."""
        return digest.commitments(self.plan)

    @cached_property
    def commitments(self) -> Cut[Charted[digest.Commitment]]:
        """Each commitment with its chart by window."""
        found = []
        for index, c in enumerate(self.every_commitment[: self.rows]):
            state = f"{exact(c.short, c.unit)} short" if c.short else "met in every window"
            name = f"{c.term}: spend against what each window requires; {state}"
            drawn = ""
            if index < self.charts:
                drawn = both(
                    lambda width, c=c, name=name: burndown(  # type: ignore[misc]
                        c.windows, self.palette.colour(c.provider), name, c.unit, width
                    )
                )
            found.append(Charted(c, drawn))
        return Cut(tuple(found), max(0, len(self.every_commitment) - self.rows))

    @cached_property
    def shortfalls(self) -> Cut[WindowShortfall]:
        """Windows that fall short, in time order."""
        rows = [(w, c.provider) for c in self.every_commitment for w in c.missed]
        rows.sort(key=lambda row: (row[0].start, row[0].end, row[0].term))
        found = [WindowShortfall(w, p, w.short / w.required if w.required else Decimal(0)) for w, p in rows]
        return Cut.of(found, self.rows)

    @cached_property
    def kept_away(self) -> Cut[KeptAway]:
        """Why work does not run with the providers whose commitments fall short, where a clause plays a part."""
        whose = digest.provider_of([self.plan])
        short = {c.provider for c in self.every_commitment if c.missed}
        groups: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
        for d in self.plan.decisions:
            provider = whose.get(d.offer, "")
            if provider in short and not d.work and d.terms:
                groups.setdefault((d.workload, provider, d.why, d.terms), []).append(d.offer)
        found = [
            KeptAway(w, provider, tuple(offers), reason, terms)
            for (w, provider, reason, terms), offers in groups.items()
        ]
        return Cut.of(found, 12)

    # -- shares -----------------------------------------------------------------------------------------------------
    @cached_property
    def shares(self) -> str:
        """Bars of spend and of each unit of work, by provider."""
        plan = self.plan
        rows = [("Spend", self.palette.spend(plan))]
        for unit in dict.fromkeys(u for p in plan.providers for u in p.work):
            parts = [
                BarPart(
                    self.names[p.provider],
                    self.palette.colour(p.provider),
                    float(p.share_of_work.get(unit, 0)),
                    f"{self.names[p.provider]}: {percent(p.share_of_work.get(unit, 0))}, "
                    f"{quantity(p.work.get(unit, Decimal(0)), unit)}",
                )
                for p in plan.providers
            ]
            rows.append((f"Work, {plural(unit)}", parts))
        name = "Shares of spend and of work by provider"
        return both(lambda width: shares(rows, name, width))

    @cached_property
    def implications(self) -> Cut[Implication]:
        """The provider table."""
        return Cut.of(implications(self.plan), self.rows)

    # -- capacity ---------------------------------------------------------------------------------------------------
    @cached_property
    def rooms(self) -> Cut[Charted[Room]]:
        """Offers that are used, held ready or paid for, each with its strip; the most used first."""
        found = []
        used = [r for r in self._rooms if r.used or r.standby or r.idle]
        for index, room in enumerate(used[: self.rows]):
            name = f"{room.offer}: capacity over time. {room.words}"
            drawn = ""
            if index < self.charts:
                drawn = both(
                    lambda width, room=room, name=name: strip(  # type: ignore[misc]
                        room, self.timeline, self.palette.colour(room.provider), name, width
                    ),
                    HALF,
                )
            found.append(Charted(room, drawn, room.words))
        return Cut(tuple(found), max(0, len(used) - self.rows))

    @cached_property
    def unused(self) -> Cut[Room]:
        """Offers that have capacity and are left alone."""
        return Cut.of([r for r in self._rooms if not (r.used or r.standby or r.idle)], self.rows)

    @cached_property
    def _rooms(self) -> list[Room]:
        return rooms(self.plan.capacity)

    # -- clauses ----------------------------------------------------------------------------------------------------
    @cached_property
    def binding(self) -> Cut[Binding]:
        """Clauses that bind, with their marginal prices; stretches at one price are joined."""
        plan = self.plan
        found = [binding(c, plan.dates(c), plan.currency, self.rows) for c in plan.clauses if c.binds]
        return Cut.of(found, self.rows)

    @cached_property
    def clauses(self) -> Cut[ClauseRow]:
        """Every clause in force."""
        return Cut.of(self.plan.clauses, self.rows)

    @cached_property
    def bill(self) -> list[BillLine]:
        """What the bill is made of, every line of it."""
        return bill(self.plan, self.rows)

    # -- decisions --------------------------------------------------------------------------------------------------
    @cached_property
    def decisions(self) -> Cut[tuple[str, Cut[Decision], Cut[Decision], Cut[KeptOff]]]:
        """By workload: where it runs and why, where it could run and why not, and what denies it the rest."""
        groups: dict[str, list[Decision]] = {}
        for d in self.plan.decisions:
            groups.setdefault(d.workload, []).append(d)
        most = max(2, 4 * self.rows // max(4, len(groups)))
        return Cut.of(
            [
                (
                    name,
                    Cut.of([d for d in rows if d.work], most),
                    Cut.of([d for d in rows if not d.work and not d.denied], most),
                    Cut.of(denials(d for d in rows if d.denied), most),
                )
                for name, rows in groups.items()
            ],
            self.rows,
        )

    @cached_property
    def unserved(self) -> Cut[digest.Missing]:
        """Demand that is not served, by workload."""
        return Cut.of(digest.unserved(self.plan), self.rows)

    @cached_property
    def purchases(self) -> Cut[digest.Bought]:
        """What is bought in whole units, by offer."""
        return Cut.of(digest.purchases(self.plan), self.rows)

    # -- how loud the alarms are --------------------------------------------------------------------------------------
    @cached_property
    def fees(self) -> Decimal:
        """What is owed for commitments that fall short."""
        return sum((c.owed for c in self.every_commitment), Decimal(0))

    def alarm(self, amount: Decimal) -> str:
        """How loud: by the part of the cost that it is about, and not by its being there."""
        return "bad" if amount * 100 >= abs(self.plan.cost) else "mild"

    def part(self, amount: Decimal) -> str:
        """An amount as a part of the cost."""
        return percent(amount / self.plan.cost) if self.plan.cost else "0%"

    @property
    def command(self) -> str:
        """How to make this plan again."""
        words = ["detente", "plan", "CASE"]
        words += ["--reading", shlex.quote(self.plan.reading)] if self.plan.reading else []
        words += ["--scenario", shlex.quote(self.plan.scenario)] if self.plan.scenario else []
        return " ".join(words)
