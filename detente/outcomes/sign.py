"""Can we sign? A case with a deal against the same case without it, under every combination of readings.

Owns: which cases are compared, what was in conflict before, and what signing changes. Not here: whether a case can be
performed (``planner.check``), the ways out (``ways``), and the answer's shape (``deal``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from detente.case.case import Case
from detente.case.reading import Chosen
from detente.errors import CaseError, Mistake, Where, did_you_mean
from detente.outcomes.budget import Budget
from detente.outcomes.deal import (
    BeforeAfter,
    DealAnswer,
    DealWay,
    DealWord,
    Due,
    Fee,
    ProviderMoved,
    SigningEffect,
    UnderReading,
)
from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.losing import Margins, margins
from detente.outcomes.ways import ways_out
from detente.planner.check import ReadAs, combined, performable, unlike, word
from detente.planner.solve import plan
from detente.planner.solving.search import Progress
from detente.planner.study import GAP
from detente.results.conflict import Conflict
from detente.results.plan import Plan, ProviderRow
from detente.values.period import named


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
        raise CaseError([Mistake(Where("sign"), what, "rename one, so that it is clear which is the deal")])
    if deal in scenarios:
        return case.under(scenario=deal), case
    if deal in agreements:
        return case, case.with_changes({"id": f"without-{deal}", "without": [deal]})
    hint = did_you_mean(deal, [*scenarios, *agreements], "name a file")
    what = f"there is no file, and no scenario or agreement in the case, `{deal}`"
    raise CaseError([Mistake(Where("sign"), what, hint)])


def sign(
    case: Case,
    deal: str | Case,
    reading: str | Chosen | None = None,
    *,
    gap: float = GAP,
    time_limit: float | None = None,
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
    UnsettledError
        Where the time ended before the answer was found.
    """
    signed, unsigned = (deal, case) if isinstance(deal, Case) else with_and_without(case, deal)
    asked = _Asked(signed, unsigned, gap, Budget.of(time_limit), progress)
    found = combined(signed, reading, asked.own_conflict)
    told = unlike(signed, found)
    rows = tuple(asked.row(name, each) for name, each in told.items())
    name = deal if isinstance(deal, str) else signed.scenario or signed.declared.name
    due = tuple(Due(each.what, each.by, each.due, each.evidence) for each in signed.obligations)
    return DealAnswer(name, case.declared.name, case.currency, word(found), rows, len(found) - len(told), due)


@dataclass
class _Asked:
    """The two cases, and what was found so far."""

    signed: Case
    unsigned: Case
    gap: float
    budget: Budget
    progress: Progress
    before: dict[str | None, tuple[Conflict, ...]] = field(default_factory=dict)
    aside: dict[str | None, tuple[str, ...]] = field(default_factory=dict)
    plans: dict[str, Plan | None] = field(default_factory=dict)

    def own_conflict(self, held: Case) -> Conflict | None:
        """The conflict that the deal brings, once what collides without it is set aside."""
        self.progress(f"reading {held.reading}" if held.reading else "solving")
        conflict = performable(held, self.budget.left)
        if conflict is None:
            return None
        self.progress("looking at the case without the deal")
        aside: list[str] = []
        before: list[Conflict] = []
        alone = self.without_deal(dict(held.chosen))
        while (earlier := performable(alone.under(without=aside), self.budget.left)) is not None:
            before.append(earlier)
            if not earlier.clauses:
                break
            aside.append(earlier.relaxations[0].term if earlier.relaxations else earlier.clauses[0].term)
        self.before[held.reading], self.aside[held.reading] = tuple(before), tuple(aside)
        return performable(held.under(without=aside), self.budget.left) if aside else conflict

    def without_deal(self, choice: Chosen) -> Case:
        """The case without the deal, as far as it has the clauses that a choice reads."""
        known = {clause: name for clause, name in choice.items() if clause in self.unsigned.disputed}
        return self.unsigned.under(reading=known)

    def row(self, reading: str | None, found: ReadAs) -> UnderReading:
        """The answer under one combination, with what signing changes or the ways out."""
        held = self.signed.under(reading=found.choice)
        alone = self.without_deal(found.choice)
        conflict = found.conflict and replace(found.conflict, reading=reading)
        self.progress("planning without the deal")
        without = self._plan(alone)
        self.progress("planning with the deal")
        planned = self._plan(held)
        fees = _fees(planned) if planned is not None and conflict is not None else ()
        aside = self.aside.get(held.reading, ())
        ways: tuple[DealWay, ...] = ()
        if conflict is not None:
            ways = ways_out(
                held.under(without=aside), conflict, planned, fees, without, self.gap, self.budget, self.progress
            )
        effect = None
        if planned is not None and without is not None:
            effect = self._effect(alone, held, without, planned)
        says: DealWord = "yes" if conflict is None else "no" if planned is None else "price"
        return UnderReading(reading, says, conflict, self.before.get(held.reading, ()), aside, fees, ways, effect)

    def _plan(self, case: Case) -> Plan | None:
        """The least-cost plan; None where no plan obeys every clause."""
        if case.hash not in self.plans:
            found = plan(case, gap=self.gap, time_limit=self.budget.left)
            self.plans[case.hash] = found if isinstance(found, Plan) else None
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
            BeforeAfter(_concentration(before), _concentration(after)),
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
            sum((s.owed for s in short if s.term == term), Decimal(0)),
        )
        for term in dict.fromkeys(s.term for s in short)
    )


def _concentration(found: Plan) -> Decimal:
    return sum((p.share_of_spend**2 for p in found.providers), Decimal(0))


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
