"""The price of each clause: what the plan would save without it, by an exact re-solve (§7).

Owns: what is asked, in which order, and what is kept when that is stopped. Not here: how a cost is found
(``baseline``), which clauses hide each other's price (``masking``), and the values (``prices``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case
from detente.contract.roles import DatedPayment
from detente.contract.term import Effect
from detente.outcomes.answered import answered
from detente.outcomes.baseline import Baseline, Near, effect_of, stops_noted
from detente.outcomes.estimate import NOTHING, Estimate
from detente.outcomes.saved import Status
from detente.outcomes.shapley import split
from detente.outcomes.worth.masking import groups
from detente.outcomes.worth.prices import AgreementPrice, ClausePrice, ClausePrices, Masking, WorkMove
from detente.outcomes.worth.whole_agreement import whole_agreements
from detente.planner.answer.easing import Easing
from detente.planner.answer.marginal import clauses
from detente.planner.solving.search import Progress, silent
from detente.planner.solving.solution import Stopped
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.results.plan_rows import ClauseRow

GAP = 1e-3
"""The relative gap to which a large case is planned before its clauses are priced: their prices are as uncertain."""

EXACT = 8
"""Clauses of a group of which every subset is asked; of larger ones a sample."""

MAX_MOVES = 6
"""Moves of work that are told of a clause, the largest first."""


def price(
    case: Case, *, gap: GivenPart = GAP, time_limit: GivenSeconds = None, progress: Progress = silent
) -> ClausePrices | Conflict:
    """What the plan of a case would save without each clause, and without each agreement.

    Parameters
    ----------
    gap
        The relative gap to which the case is planned; of a small case, each re-solve too.
    time_limit
        Seconds, of everything. What was found until then is returned, and marked so; Ctrl-C does the same.
    progress
        Told, in a few words, what is being done.

    Returns
    -------
    ClausePrices or Conflict
        A conflict where no plan obeys every clause.

    Raises
    ------
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    study = Study.of(case, time_limit=limit, progress=progress)
    return answered(case, study, least, lambda baseline: _Pricing(baseline, progress).prices())


class _Pricing:
    """ClausePrices as they are found, so that what is known when it is stopped is kept."""

    def __init__(self, baseline: Baseline, progress: Progress) -> None:
        self.baseline, self.case, self._progress = baseline, baseline.study.case, progress
        self.ids = list(dict.fromkeys(term.id for term in self.case.terms))
        self.signed = whole_agreements(self.case)
        self.near: dict[str, Near | None] = {}
        self.agreements: dict[str, Near | None] = {}
        self.maskings: list[Masking] = []
        self.pairs_left = 0
        self.status: Status = "complete"

    def _stopped(self, how: Stopped) -> None:
        self.status = how

    def prices(self) -> ClausePrices:
        """Everything, or as much as was found."""
        with stops_noted(self.baseline.study, self._stopped):
            self._each()
            self._whole_agreements()
            self._hidden()
        case = self.case
        return ClausePrices(
            ClausePrices.FORMAT,
            *case.head,
            self.status,
            self.baseline.cost,
            tuple(self._clauses()),
            tuple(self._agreements()),
            tuple(self.maskings),
            self.pairs_left,
        )

    # -- what is asked -----------------------------------------------------------------------------------------------
    def _each(self) -> None:
        for at, name in enumerate(self.ids, 1):
            self._progress(f"without `{name}`: clause {at} of {len(self.ids)}")
            self.near[name] = self.baseline.without([name])

    def _whole_agreements(self) -> None:
        for at, (name, whole) in enumerate(self.signed.items(), 1):
            self._progress(f"without `{name}`: agreement {at} of {len(self.signed)}")
            self.agreements[name] = whole.left_out(self.baseline)

    def _hidden(self) -> None:
        self._progress("looking for clauses that hide each other's price")
        asked = {name for term in self.case.terms for name in term.depends_on}
        fixed = {t.id for t in self.case.terms if isinstance(t, DatedPayment)} - asked  # whatever else is agreed
        near = {name: found for name, found in self.near.items() if found and name not in fixed}
        found = groups(self.baseline, near)
        self.pairs_left = found.pairs_left
        for group in found.found:
            self._progress(f"splitting the price of {len(group)} clauses")
            joint = self.baseline.without(group)
            if joint is not None:
                # no part is surer than the least sure of all costs, and this is one of them
                parts = split(group, partial(self._saved, within=joint.cost.gap), most=EXACT)
                slack = self._largest_gap(group)
                told = tuple(replace(part, error=part.error + slack) for part in parts)
                self.maskings.append(Masking(group, self._priced(group, joint), told))

    def _saved(self, some: frozenset[str], within: Decimal) -> Decimal:
        """What is saved without clauses, as near as is enough."""
        near = self.baseline.without(some, within)
        return NOTHING if near is None else self.baseline.saved(near).amount

    def _largest_gap(self, group: Sequence[str]) -> Decimal:
        """Of all that was planned without some of a group: no fair part is farther off.

        A part is a mean of differences of two such costs, each of which may be too high by its gap, and never too low.
        """
        within = frozenset(group)
        return max(near.cost.gap for out, near in self.baseline.known.items() if near is not None and out <= within)

    # -- what is found -----------------------------------------------------------------------------------------------
    def _clauses(self) -> Iterator[ClausePrice]:
        study, baseline = self.baseline.study, self.baseline
        found = baseline.found
        easing = Easing.of(study.draft, study.turn(), found.solution or baseline.relaxed, found.basis)
        rows = list(clauses(study.draft, baseline.relaxed, baseline.bill, easing, study.owners_out))
        for name in self.ids:
            versions = [row for row in rows if row.term == name]
            near = self.near.get(name)
            yield self._clause(versions, name in self.near, near)

    def _clause(self, versions: Sequence[ClauseRow], asked: bool, near: Near | None) -> ClausePrice:
        row = versions[-1]
        return ClausePrice(
            row.term,
            row.kind,
            row.agreement,
            row.counterparty,
            row.sentence,
            self._effect(row.term),
            asked,
            None if near is None else self._priced([row.term], near),
            sum((each.owed for each in versions), NOTHING),
            tuple(price for each in versions for price in each.marginal),
            () if near is None else tuple(self._moves(near)),
            self.baseline.saved_today(near),
        )

    def _agreements(self) -> Iterator[AgreementPrice]:
        parties = {term.validity.agreement: term.validity.counterparty for term in self.case.terms}
        parties |= {agreement.id: agreement.with_ for agreement in self.case.declared.agreements}
        for name, whole in self.signed.items():
            near = self.agreements.get(name)
            found = None if near is None else self._priced(whole.terms, near, offers=bool(whole.offers))
            today, asked = self.baseline.saved_today(near), name in self.agreements
            yield AgreementPrice(name, parties[name], whole.terms, whole.offers, asked, found, today)

    def _priced(self, terms: Sequence[str], near: Near, *, offers: bool = False) -> Estimate:
        """What is saved without clauses, and ``offers`` that go with them; never a loss where all only restrain."""
        found, only_restrain = self.baseline.saved(near), not offers and self.baseline.restraining.issuperset(terms)
        return found.at_least(NOTHING) if only_restrain else found

    def _effect(self, name: str) -> Effect:
        versions: set[Effect] = {effect_of(term) for term in self.case.terms if term.id == name}
        return versions.pop() if len(versions) == 1 else "both"

    def _moves(self, near: Near) -> list[WorkMove]:
        """Where more work runs without a clause, and where less; the largest first, as a part of its workload."""
        before, units = self.baseline.work, {w.id: w.unit for w in self.case.workloads}
        total = {name: sum((v for (w, _), v in before.items() if w == name), NOTHING) for name in units}
        found = []
        for name, provider in dict.fromkeys([*before, *near.work]):
            change = near.work.get((name, provider), NOTHING) - before.get((name, provider), NOTHING)
            if abs(change) > total[name] * TOLD:
                found.append(WorkMove(name, provider, change, units[name]))
        return sorted(found, key=lambda move: -abs(move.change) / total[move.workload])[:MAX_MOVES]


TOLD = Decimal("0.001")
"""A move is told from this part of its workload on."""
