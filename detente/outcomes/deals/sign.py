"""Can we sign? A case with a deal against the same case without it, under every combination of readings.

Owns: which cases are compared, what was in conflict before, and what signing changes. Not here: whether a case can be
performed (``planner.check``), the ways out (``ways``), and the answer's shape (``deal``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case, must_be_text
from detente.case.reading import Chosen
from detente.errors import CaseError, UnsettledError
from detente.outcomes.choices.measures import concentration
from detente.outcomes.deals.deal import (
    BeforeAfter,
    DealAnswer,
    DealSettled,
    DealWay,
    DealWord,
    Due,
    Fee,
    ProviderMoved,
    SigningEffect,
    UnderReading,
)
from detente.outcomes.deals.ways import cheapest_first, ways_out
from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.leverage.losing import Margins, margins
from detente.outcomes.time_left import Budget
from detente.planner.check import ReadAs, combined, performable, unlike, word
from detente.planner.solve import plan
from detente.planner.solving.search import Progress
from detente.planner.solving.solution import Stopped
from detente.planner.study import GAP
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.results.plan_rows import ProviderRow
from detente.values.likeness import did_you_mean
from detente.values.period import named

MAX_SET_ASIDE = 12
"""Ways to set aside what collides without a deal that are tried at most."""

Earlier = tuple[Conflict, ...]
"""Conflicts that a case has without a deal, each once those before it are set aside."""

T = TypeVar("T")


def with_and_without(case: Case, deal: str) -> tuple[Case, Case]:
    """A case under a deal, and without it: a scenario of it, or an agreement that it holds already.

    Raises
    ------
    CaseError
        Where there is no such thing, or both.
    """
    agreements = [a.id for a in case.declared.agreements]
    scenarios = [s.id for s in case.declared.scenarios]
    if deal in agreements and deal in scenarios:
        what = f"`{deal}` is an agreement and a scenario"
        raise CaseError.of_parameter("deal", what, "rename one, so that it is clear which is the deal")
    if deal in scenarios:
        return case.under(scenario=deal), case
    if deal in agreements:
        return case, case.with_changes({"id": f"without-{deal}", "without": [deal]})
    hint = did_you_mean(deal, [*scenarios, *agreements], "name a file")
    what = f"there is no file, and no scenario or agreement in the case, `{deal}`"
    raise CaseError.of_parameter("deal", what, hint)


def sign(
    case: Case,
    deal: str | Case,
    reading: str | Chosen | None = None,
    *,
    gap: GivenPart = GAP,
    time_limit: GivenSeconds = None,
    progress: Progress = lambda text: None,
) -> DealAnswer:
    """Whether a deal can be signed: every clause performed, the case's own and the deal's, and what that changes.

    Parameters
    ----------
    case
        Without the deal; where ``deal`` is an agreement that it holds, with it.
    deal
        A scenario of the case, an agreement that it holds already, or the case under the deal.
    reading
        Of some disputed clauses; all combinations of the others are tried.
    gap
        To which plans are made.
    time_limit
        Seconds, of everything together.

    Raises
    ------
    CaseError
        For a deal or a reading that there is not.
    UnsettledError, KeyboardInterrupt
        Stopped before anything was found. Later, what was found is returned, and marked so.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    if not isinstance(deal, Case):
        must_be_text(deal, "deal", "a scenario or an agreement")
    signed, unsigned = (deal, case) if isinstance(deal, Case) else with_and_without(case, deal)
    asked = _Asked(signed, unsigned, least, Budget.of(limit), progress)
    found = asked.combinations(reading)
    answer = asked.answer(found)
    told = unlike(signed, found)
    rows = tuple(asked.row(name, each) for name, each in told.items())
    name = deal if isinstance(deal, str) else signed.scenario or signed.declared.name
    due = tuple(Due(each.what, each.by, each.due, each.evidence) for each in signed.obligations)
    folded, status = len(found) - len(told), asked.stopped or "complete"
    return DealAnswer(DealAnswer.FORMAT, *case.head, status, name, answer, rows, folded, due)


@dataclass
class _Asked:
    """The two cases, what was found so far, and what stopped it."""

    signed: Case
    unsigned: Case
    gap: float
    budget: Budget
    progress: Progress
    before: dict[str | None, tuple[Conflict, ...]] = field(default_factory=dict)
    aside: dict[str | None, tuple[str, ...]] = field(default_factory=dict)
    plans: dict[str, Plan | None] = field(default_factory=dict)
    stopped: Stopped | None = None

    def combinations(self, reading: str | Chosen | None) -> tuple[ReadAs, ...]:
        """Every combination of readings, or as many as were settled. Raises what stopped it before the first."""
        found: list[ReadAs] = []
        try:
            for each in combined(self.signed, reading, self.own_conflict):
                found.append(each)  # noqa: PERF402 - each is kept if the next one is stopped
        except (KeyboardInterrupt, UnsettledError) as stop:
            if not found:
                raise
            self._stop(stop)
        return tuple(found)

    def answer(self, found: Sequence[ReadAs]) -> DealSettled:
        """Over what was settled; what is missing can turn a yes or a no into *depends*, and that into nothing else."""
        said = word(found)
        return said if self.stopped is None or said == "depends" else "unsettled"

    def _stop(self, stop: BaseException) -> None:
        self.stopped = "interrupted" if isinstance(stop, KeyboardInterrupt) else "time-limit"

    def _kept(self, ask: Callable[[], T]) -> T | None:
        """What is asked, as long as nothing stopped it; None where it was not found before."""
        if self.stopped is None:
            try:
                return ask()
            except (KeyboardInterrupt, UnsettledError) as stop:
                self._stop(stop)
        return None

    def own_conflict(self, held: Case) -> Conflict | None:
        """The conflict that the deal brings, once what collides without it is set aside."""
        self.progress(f"reading {held.reading}" if held.reading else "solving")
        conflict = performable(held, self.budget.left)
        if conflict is None:
            return None
        if not conflict.minimal:
            raise UnsettledError("which clauses collide was not settled in time: give it more time")
        self.progress("looking at the case without the deal")
        alone = self.without_deal(dict(held.chosen))
        left = MAX_SET_ASIDE
        for before, aside in self._set_aside(alone, (), ()):
            found = performable(held.under(without=aside), self.budget.left) if aside else conflict
            if held.reading not in self.before or found is not None:
                self.before[held.reading], self.aside[held.reading] = before, aside
            left -= 1
            if found is not None or not left:
                return found
        return None

    def _set_aside(
        self, alone: Case, before: Earlier, aside: tuple[str, ...]
    ) -> Iterator[tuple[Earlier, tuple[str, ...]]]:
        """Ways to set clauses aside so that the rest is performed without the deal, that which costs least first.

        The deal brings a conflict where it collides with what any of them leaves: clauses that could be performed.
        """
        earlier = performable(alone.under(without=aside), self.budget.left)
        if earlier is None or not earlier.clauses:
            yield before if earlier is None else (*before, earlier), aside
            return
        first = [way.term for way in earlier.relaxations[:1]]
        for term in dict.fromkeys([*first, *(clash.term for clash in earlier.clauses)]):
            yield from self._set_aside(alone, (*before, earlier), (*aside, term))

    def without_deal(self, choice: Chosen) -> Case:
        """The case without the deal, as far as it has the clauses that a choice reads."""
        known = {clause: name for clause, name in choice.items() if clause in self.unsigned.disputed}
        return self.unsigned.under(reading=known)

    def row(self, reading: str | None, found: ReadAs) -> UnderReading:
        """The answer under one combination, with what signing changes or the ways out."""
        held = self.signed.under(reading=found.choice)
        alone = self.without_deal(found.choice)
        conflict = found.conflict and replace(found.conflict, reading=reading)
        without = self._kept(lambda: self._plan(alone, "planning without the deal"))
        planned = self._kept(lambda: self._plan(held, "planning with the deal"))
        fees = _fees(planned) if planned is not None else ()
        aside = self.aside.get(held.reading, ())
        ways = self._ways(held.under(without=aside), conflict, planned, fees, without) if conflict else ()
        effect = None
        if planned is not None and without is not None:
            effect = self._kept(lambda: self._effect(alone, held, without, planned))
        says, before = self._says(conflict, held), self.before.get(held.reading, ())
        return UnderReading(reading, fees, ways, effect, says, conflict, before, aside)

    def _says(self, conflict: Conflict | None, held: Case) -> DealWord:
        if conflict is None:
            return "yes"
        if held.hash not in self.plans:
            return "conflict"
        return "no" if self.plans[held.hash] is None else "price"

    def _ways(
        self, held: Case, conflict: Conflict, planned: Plan | None, fees: Sequence[Fee], without: Plan | None
    ) -> tuple[DealWay, ...]:
        """The ways out, or as many as were found."""
        found: list[DealWay] = []

        def look() -> None:
            for way in ways_out(held, conflict, planned, fees, without, self.gap, self.budget, self.progress):
                found.append(way)  # noqa: PERF402 - each is kept if the next one is stopped

        self._kept(look)
        return cheapest_first(found)

    def _plan(self, case: Case, what: str) -> Plan | None:
        """The least-cost plan; None where no plan obeys every clause."""
        if case.hash not in self.plans:
            self.progress(what)
            found = plan(case, gap=self.gap, time_limit=self.budget.left)
            self.plans[case.hash] = found if isinstance(found, Plan) else None
            if isinstance(found, Plan) and found.status == "interrupted":
                self.stopped = "interrupted"
        return self.plans[case.hash]

    def _effect(self, alone: Case, held: Case, before: Plan, after: Plan) -> SigningEffect:
        """What signing changes."""
        names = dict.fromkeys(p.provider for each in (before, after) for p in each.providers if any(p.work.values()))
        self.progress("losing each provider in turn")
        lost = [margins(case, found, names, self.budget) for case, found in ((alone, before), (held, after))]
        rows = tuple(_provider(name, before, after, lost[0], lost[1]) for name in names)
        binding = [{c.term for c in each.clauses if c.binds} for each in (before, after)]
        return SigningEffect(
            BeforeAfter(before.cost, after.cost),
            Estimate.difference(LeastCost(before.cost, before.bound), LeastCost(after.cost, after.bound)),
            BeforeAfter(before.unserved_cost, after.unserved_cost),
            BeforeAfter(concentration(before), concentration(after)),
            rows,
            tuple(sorted(binding[1] - binding[0])),
            tuple(sorted(binding[0] - binding[1])),
        )


def _fees(found: Plan) -> tuple[Fee, ...]:
    """What a plan pays for what it does not perform, by clause."""
    agreement = {c.term: c.agreement for c in found.clauses}
    short = [s for s in found.standings if s.missed and s.owed > 0]
    return tuple(
        Fee(
            term,
            agreement[term],
            tuple((named(s.start, s.end), s.short) for s in short if s.term == term),
            sum((s.owed for s in found.standings if s.term == term), Decimal(0)),  # less what a prepayment gave back
            next(s.unit for s in short if s.term == term),
            all(s.amount is None for s in short if s.term == term),
        )
        for term in dict.fromkeys(s.term for s in short)
    )


def _provider(name: str, before: Plan, after: Plan, one: Margins, other: Margins) -> ProviderMoved:
    """A provider without the deal and with it."""
    rows = [next((p for p in each.providers if p.provider == name), None) for each in (before, after)]
    known = [row for row in rows if row is not None]
    units = dict.fromkeys(unit for row in known for unit in row.work)

    def moved(figure: Callable[[ProviderRow], Decimal | None]) -> BeforeAfter:
        first, second = (None if row is None else figure(row) for row in rows)
        return BeforeAfter(first, second)

    return ProviderMoved(
        name,
        known[-1].name,
        moved(lambda row: row.spend),
        moved(lambda row: row.share_of_spend),
        {unit: moved(lambda row, unit=unit: row.share_of_work.get(unit)) for unit in units},  # type: ignore[misc]
        {unit: BeforeAfter(one.get(name, {}).get(unit), other.get(name, {}).get(unit)) for unit in units},
    )
