"""The ways out of a conflict that differ in kind: ask for less, let work pass, move a day, pay, add capacity.

Owns: which changes are tried, the least of each that cures, and what the plan then costs. Not here: how much a clause
must give (``planner.conflict``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from detente.case.case import Case
from detente.contract.amounts.shortfall import LUMP
from detente.contract.roles import PricedBreach
from detente.errors import CaseError
from detente.outcomes.deals.deal import DealWay, Fee, WayKind
from detente.outcomes.time_left import Budget
from detente.planner.check import performable, performed
from detente.planner.conflict_words import plural
from detente.planner.formulation.softening import DENIED
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.search import Progress
from detente.results.conflict import Conflict, Given
from detente.results.plan import Plan
from detente.values.money import nano, shown, sufficient
from detente.values.period import named

MAX_PERCENT = 1024
"""More capacity than so many percent on top is no way out that is looked for."""
MAX_OFFERS = 12
"""Offers of which more capacity is tried, one by one."""

MAX_WINDOWS = 8
"""Windows that are told one by one."""


def ways_out(
    held: Case,
    conflict: Conflict,
    planned: Plan | None,
    fees: Sequence[Fee],
    without: Plan | None,
    gap: float,
    budget: Budget,
    progress: Progress,
) -> Iterator[DealWay]:
    """Ways out of a conflict of a case, as they are found.

    Parameters
    ----------
    planned, fees
        The plan that does not perform every clause and pays for that, if there is one.
    without
        The plan without the deal: costs are told against its own.
    """
    paid = {fee.term for fee in fees}
    yield from (way for way in _conceded(held, conflict, without) if way.subject not in paid)
    if planned is not None and fees:
        yield _paid(planned, fees, held.currency, without)
        if not any(fee.breach for fee in fees):
            yield _lowered(planned, fees, without)
    trial = _Trial(held, without, gap, budget, progress)
    for term in dict.fromkeys(clash.term for clash in conflict.clauses):
        yield from trial.sooner(term)
    yield from trial.more_capacity(conflict)


def cheapest_first(found: Iterable[DealWay]) -> tuple[DealWay, ...]:
    """Ways out by their cost; those of which none is known come last."""
    return tuple(sorted(found, key=lambda way: (way.cost is None, way.cost or Decimal(0), way.kind, way.subject)))


def _conceded(held: Case, conflict: Conflict, without: Plan | None) -> Iterator[DealWay]:
    """What the clauses themselves can give: where they charge for it, paid for, or the same with less asked."""
    breaching = {term.id for term in held.terms if isinstance(term, PricedBreach)}
    for each in conflict.relaxations:
        carved = any(given.part == DENIED for given in each.given)
        words = each.sentence if carved else f"under `{each.term}`, {each.sentence}"
        together = tuple(dict.fromkeys(version.term for version in each.together))
        more = each.at_most, together, each.given
        kind: WayKind = "carve-out" if carved else "pay" if each.owed else "lower"
        yield DealWay(kind, each.term, words, each.cost, _more(each.cost, without), *more)
        short = [given for given in each.given if given.part != LUMP]
        if each.owed and each.cost is not None and each.term not in breaching and not together:
            cost = each.cost - each.owed
            windows = tuple((named(start, end), amount) for given in short for start, end, amount in given.windows)
            fee = Fee(each.term, "", windows, each.owed, short[0].unit)
            words = f"lower what `{each.term}` asks by {_short(fee)}"
            yield DealWay("lower", each.term, words, cost, _more(cost, without), each.at_most)


def _paid(planned: Plan, fees: Sequence[Fee], currency: str, without: Plan | None) -> DealWay:
    """Perform what is cheaper to perform, and pay for the rest."""
    words = f"pay {' and '.join(_owed(fee, currency) for fee in fees)}"
    return DealWay("pay", fees[0].term, words, planned.cost, _more(planned.cost, without))


def _owed(fee: Fee, currency: str) -> str:
    owed = shown(fee.owed, currency) if fee.owed else "nothing in the end"  # later use drew the prepayment
    if fee.breach:
        return f"{owed} of damages under `{fee.term}`, for {shown(fee.missing, plural(fee.unit))} in breach"
    return f"{owed} for what `{fee.term}` is short"


def _lowered(planned: Plan, fees: Sequence[Fee], without: Plan | None) -> DealWay:
    """Ask for no more than that plan performs: it then is the same, without the fees."""
    cost = planned.cost - sum((fee.owed for fee in fees), Decimal(0))
    words = " and ".join(f"lower what `{fee.term}` asks by {_short(fee)}" for fee in fees)
    return DealWay("lower", fees[0].term, words, cost, _more(cost, without))


def _short(fee: Fee) -> str:
    """What is missing, in all and in the first windows: rounded up, since this much less must be asked for."""
    windows = [f"{when}: {sufficient(amount, fee.unit)}" for when, amount in fee.windows[:MAX_WINDOWS]]
    more = [f"and {len(fee.windows) - MAX_WINDOWS} more windows"] if len(fee.windows) > MAX_WINDOWS else []
    return f"{sufficient(fee.missing, fee.unit)} ({'; '.join([*windows, *more])})"


def _more(cost: Decimal | None, without: Plan | None) -> Decimal | None:
    return None if cost is None or without is None else cost - without.cost


class _Trial:
    """A case, and what other cases near it would cost if every clause were performed."""

    def __init__(self, held: Case, without: Plan | None, gap: float, budget: Budget, progress: Progress) -> None:
        self.held, self.without, self.gap, self.budget, self.progress = held, without, gap, budget, progress

    def sooner(self, term: str) -> Iterator[DealWay]:
        """The latest day on which a clause may end for all to be performed."""
        versions = [t for t in self.held.terms if t.id == term]
        horizon = self.held.declared.horizon
        last = min(max(v.validity.end for v in versions), horizon.closes)
        first = max(min(v.validity.start for v in versions), horizon.opens)
        days = [p.span_start.date() for p in self.held.periods if first < p.span_start < last]
        days = sorted(set(days))
        self.progress(f"looking for a day on which `{term}` could end")
        day = self._latest(days, lambda on: {"change": [{"term": term, "until": str(on)}]})
        if day is not None:
            yield self._way("date", term, f"end `{term}` on {day}", {"change": [{"term": term, "until": str(day)}]})

    def _latest(self, days: Sequence[date], changes: Callable[[date], dict[str, Any]]) -> date | None:
        """The latest of some days at which a change cures; a clause that ends sooner asks for no more.

        As if units could be divided, which is soon told; then of those days, from the last one on, with whole units.
        """
        left = days[: bisect_left(days, True, key=lambda day: not self._cures(changes(day)))]
        if not left or self._performed(changes(left[-1])):
            return left[-1] if left else None
        found = bisect_left(left, True, hi=len(left) - 1, key=lambda day: not self._performed(changes(day)))
        return left[found - 1] if found else None

    def more_capacity(self, conflict: Conflict) -> Iterator[DealWay]:
        """The least percentage of capacity on top, of each offer that collides."""
        limited = [o for o in self.held.offers if o.capacity is not None and f"`{o.id}`" in " ".join(conflict.facts)]
        for offer in limited[:MAX_OFFERS]:
            self.progress(f"looking for more capacity of `{offer.id}`")
            percent = self._least(lambda n, name=offer.id: {"change": [{"offer": name, "capacity": f"+{n}%"}]})  # type: ignore[misc]
            if percent is not None:
                changes = {"change": [{"offer": offer.id, "capacity": f"+{percent}%"}]}
                more = Given("capacity", Decimal(percent) / 100, "")
                words = f"add {percent}% to the capacity of `{offer.id}`"
                yield replace(self._way("capacity", offer.id, words, changes), given=(more,))

    def _least(self, changes: Callable[[int], dict[str, Any]]) -> int | None:
        """The least whole percentage that cures, up to a limit: from what is enough if units could be divided."""
        divided = self._least_from(1, lambda percent: self._cures(changes(percent)))
        return divided and self._least_from(divided, lambda percent: self._performed(changes(percent)))

    @staticmethod
    def _least_from(first: int, cures: Callable[[int], bool]) -> int | None:
        """The least number from a first one on, up to a limit, that cures: more than one that does, does too."""
        low, high = first - 1, first
        while not cures(high):
            low, high = high, high * 2
            if high > MAX_PERCENT:
                return None
        return bisect_left(range(low + 1, high), True, key=cures) + low + 1

    def _case(self, changes: dict[str, Any]) -> Case | None:
        """The case with a change; None where it would then make no sense."""
        try:
            return self.held.with_changes({"id": "way-out", **changes})
        except CaseError:
            return None

    def _cures(self, changes: dict[str, Any]) -> bool:
        """Whether all clauses could be performed, if units could be divided."""
        case = self._case(changes)
        return case is not None and performed(case, self.budget.left).possible()

    def _performed(self, changes: dict[str, Any]) -> bool:
        """The same, with whole units."""
        case = self._case(changes)
        return case is not None and performable(case, self.budget.left) is None

    def _way(self, kind: Any, subject: str, words: str, changes: dict[str, Any]) -> DealWay:
        """A change that cures, with what the plan costs that performs every clause."""
        case = self._case(changes)
        assert case is not None
        found = performed(case, self.budget.left).solve(self.gap)
        known = isinstance(found, Incumbent) and found.solution is not None
        cost = nano(Fraction(found.cost)) if isinstance(found, Incumbent) and known else None
        return DealWay(kind, subject, words, cost, _more(cost, self.without))
