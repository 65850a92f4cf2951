"""A case without one of its providers: how much dearer it is, what cannot be served, which clauses break.

Owns: that answer, of one provider and one time. Not here: the program without it (``planner.study``), and the values
(``leverage``).

For ever, agreements with the provider end with the first period that is lost: who delivers nothing asks for nothing,
and gives nothing. For a time they go on, and what they ask is asked. What is reserved before it is paid for all the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.case.case import Case
from detente.contract.clause_text import SELF
from detente.contract.roles import StandbyHedge
from detente.demand.quantum import QUANTUM
from detente.errors import UnsettledError
from detente.outcomes.baseline import Baseline, Near, StoppedError, linear
from detente.outcomes.leverage.leverage import NotServed, ProviderLoss
from detente.planner.answer.bill import Bill, paid_to
from detente.planner.conflict import find_conflict
from detente.planner.open_program import Absence
from detente.planner.past import Past
from detente.planner.study import Study
from detente.values.money import nano
from detente.values.period import Period

SLACK = 1e-7
"""By what part more may go unserved than must: the solver's tolerance."""


@dataclass(frozen=True)
class Away:
    """When a provider is gone: a day, and the day on which it is back (None: never).

    ``known`` is the day on which that is known (None: from the first): what was decided before stands as planned.
    """

    start: datetime
    end: datetime | None
    known: datetime | None = None

    def counted(self, periods: Iterable[Period]) -> list[Period]:
        """The periods of a plan that are lost: whole ones, those that begin meanwhile; none where none does."""
        return [p for p in periods if self.start <= p.span_start and (self.end is None or p.span_start < self.end)]


def losing(study: Study, provider: str, away: Away) -> Study:
    """The study of the case without a provider, which is lost for one period of the plan at least."""
    lost = away.counted(study.draft.periods)
    if away.end is None:
        # with the first period that is lost, so that no period is delivered in without its clauses
        end = lost[0].span_start if lost[0].index else away.start
        study = study.under(study.case.severing(provider, end))
    offers = frozenset(offer.id for offer in study.case.offers if offer.provider == provider)
    return study.losing([Absence(offers, lost[0].index, lost[-1].index + 1)])


def lose(baseline: Baseline, provider: str, away: Away) -> ProviderLoss:
    """What losing a provider means. Raises StoppedError."""
    study = losing(baseline.study, provider, away)
    lost = away.counted(baseline.study.draft.periods)
    counted = lost[0].span_start, lost[-1].span_end
    past = _past(baseline, away)
    study = study if past is None else study.keeping(past)
    ends = tuple(dict.fromkeys(_ends(baseline, study)))
    near = _found(baseline, study)
    waived: tuple[str, ...] = ()
    if near is None:
        waived = _colliding(study)
        near = _found(baseline, study.without(waived)) if waived else None
    if near is None:
        return ProviderLoss(away.start, away.end, True, None, (), waived, ends, None, None, counted=counted)
    before = paid_to(baseline.study.draft, baseline.bill)[provider]
    loses = before - paid_to(near.study.draft, near.bill)[provider]
    margin = baseline.study.case.providers[provider].margin
    return ProviderLoss(
        away.start,
        away.end,
        True,
        baseline.saved(near).negative,
        tuple(_unserved(near, baseline)),
        (*waived, *sorted(_missed(near.bill) - _missed(baseline.bill))),
        ends,
        loses,
        None if margin is None else nano(loses * margin),
        None if (saved := baseline.saved_today(near)) is None else -saved,
        counted,
    )


def _past(baseline: Baseline, away: Away) -> Past | None:
    """What was decided before the loss was known."""
    draft, solution = baseline.study.draft, baseline.found.solution
    if away.known is None or away.known <= draft.periods[0].span_start or solution is None or solution.values is None:
        return None
    return Past.of(draft, solution.values, away.known)


def _found(baseline: Baseline, study: Study) -> Near | None:
    """The least cost; where not all can be served that must be, with as little unserved as can be."""
    near = baseline.near(study)
    if near is not None or not study.must:
        return near
    least = study.least_unserved()
    if least is None:
        return None
    return baseline.near(study.serving(study.must, {name: most * (1 + SLACK) for name, most in least.items() if most}))


def _colliding(study: Study) -> tuple[str, ...]:
    """Clauses that cannot be met without the provider, the fewest that were found. Raises StoppedError.

    A clause that keeps standby against a loss goes first: this is that loss. Then, of each conflict that is left, one:
    a policy of our own, if there is any among them.
    """
    waived = list(standing_by(study.case))
    try:
        while _infeasible(study.without(waived)):
            found = find_conflict(study.without(waived))
            clashes = found.clauses
            if not found.minimal:
                raise StoppedError("time-limit")
            if not clashes:
                return tuple(waived)
            parties = {term.id: term.validity.counterparty for term in study.case.terms}
            own = [clash.term for clash in clashes if parties[clash.term] == SELF]
            waived.append(own[0] if own else clashes[0].term)
    except UnsettledError:
        raise StoppedError("time-limit") from None
    except KeyboardInterrupt:
        if not study.interrupted:
            raise
        raise StoppedError("interrupted") from None
    return tuple(waived)


def _infeasible(study: Study) -> bool:
    """Whether the clauses cannot all be met, however much goes unserved."""
    return (study.least_unserved() if study.must else linear(study)) is None


def standing_by(case: Case) -> list[str]:
    """Clauses that keep capacity on standby against the loss of a provider."""
    return list(dict.fromkeys(term.id for term in case.terms if isinstance(term, StandbyHedge)))


def _ends(baseline: Baseline, study: Study) -> Iterator[str]:
    """Clauses that are in force for less time than they were."""
    until = {(term.id, term.validity.start): term.validity.end for term in study.case.terms}
    for term in baseline.study.case.terms:
        if until.get((term.id, term.validity.start)) != term.validity.end:
            yield term.id


def _missed(bill: Bill) -> set[str]:
    """Clauses that fall short of what they ask."""
    return {s.term for settlement in bill.settlements for s in settlement.standings if s.missed}


def _unserved(near: Near, baseline: Baseline) -> Iterator[NotServed]:
    """Work that goes unserved, and did not all go so before."""
    draft = near.study.draft
    for workload in draft.case.workloads:
        left, demand = near.bill.quantities.unserved[workload.id], draft.demand[workload.id]
        before = baseline.bill.quantities.unserved[workload.id]
        more = [at for at, (now, then) in enumerate(zip(left.tolist(), before.tolist(), strict=True)) if now > then]
        if not more:
            continue
        work = int((left - before).clip(0).sum()) * QUANTUM
        whole = int(demand.quanta.sum()) * QUANTUM
        first, after = demand.spans
        start, end = draft.periods[int(first[more[0]])], draft.periods[max(int(after[more[-1]]) - 1, 0)]
        part = Decimal(work.numerator * whole.denominator) / Decimal(work.denominator * whole.numerator)
        valued = workload.id not in near.study.must
        yield NotServed(workload.id, workload.unit, nano(work), part, start.span_start, end.span_end, valued)
