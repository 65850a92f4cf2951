"""What one outcome comes to: its plan, measured.

Owns: from a case and its plan to the figures of a column. Exact sums of what the plan states. Not here: planning
(``comparing``), and what follows over several outcomes (``chances``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from detente.case.case import Case
from detente.contract.reach.verdict import applicable, best, verdict
from detente.contract.roles import DatedPayment
from detente.contract.term import Term
from detente.outcomes.choices.comparison import (
    OURS,
    Breach,
    Dependency,
    Duty,
    Missed,
    OneOff,
    OutcomeColumn,
    ProviderFigures,
    Short,
)
from detente.outcomes.estimate import LeastCost
from detente.results.plan import Plan

ZERO = Decimal(0)
SIX = Decimal("1e-6")


def commitments(plan: Plan) -> tuple[int, tuple[Short, ...]]:
    """How many commitments are met in every window, and those that are not."""
    windows = defaultdict(list)
    for standing in plan.commitments:
        windows[standing.term].append(standing)
    short = []
    for term, each in windows.items():
        missed = [w for w in each if w.missed]
        if missed:
            total, owed = sum((w.short for w in missed), ZERO), sum((w.owed for w in missed), ZERO)
            short.append(Short(term, len(missed), total, missed[0].unit, owed))
    return len(windows) - len(short), tuple(short)


def missed(plan: Plan) -> Iterator[Missed]:
    """What is not served, workload by workload."""
    for row in plan.workloads:
        own = [u for u in plan.unserved if u.workload == row.workload and u.work]
        work = sum((u.work for u in own), ZERO)
        if work:
            part = (work / row.demand).quantize(SIX) if row.demand else ZERO
            yield Missed(row.workload, work, row.unit, part, sum((u.cost for u in own), ZERO))


def paid(plan: Plan) -> dict[str, Decimal]:
    """What each party is paid: spend, and what clauses owe it or take off beside spend."""
    parties = {clause.term: clause.counterparty for clause in plan.clauses}
    found = {row.provider: row.spend for row in plan.providers}
    for posting in plan.postings:
        if not posting.in_spend:
            party = parties[posting.term]
            found[party] = found.get(party, ZERO) + posting.amount
    return found


def providers(plan: Plan) -> Iterator[ProviderFigures]:
    """Provider by provider."""
    amounts = paid(plan)
    for row in plan.providers:
        yield ProviderFigures(
            row.provider,
            row.name,
            row.spend,
            amounts[row.provider],
            row.share_of_spend,
            dict(row.share_of_work),
            dict(row.effective_price),
        )


def dependency(plan: Plan) -> Dependency:
    """Concentration of spend, and what goes on where any one provider is lost."""
    margin, hardest = {}, {}
    for unit in dict.fromkeys(row.unit for row in plan.workloads):
        stays = _stays(plan, unit)
        if stays:
            hardest[unit] = min(stays, key=lambda provider: stays[provider])
            margin[unit] = stays[hardest[unit]].quantize(SIX)
    return Dependency(concentration(plan), margin, hardest)


def concentration(plan: Plan) -> Decimal:
    """The Herfindahl–Hirschman index (HHI) of spend, in points: all providers' shares in percent, squared, in all."""
    return sum(((row.share_of_spend * 100) ** 2 for row in plan.providers), ZERO)


def _stays(plan: Plan, unit: str) -> dict[str, Decimal]:
    """Of each provider, the part of all work of a unit that goes on at once if it is lost.

    In each period a workload goes on with what others do of it, and with standby that others keep for it.
    """
    counted = {row.workload for row in plan.workloads if row.unit == unit}
    done: dict[tuple[str, int], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    ready: dict[tuple[str, int], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for a in plan.allocations:
        if a.workload in counted:
            done[a.workload, a.period][a.provider] += a.work
    for s in plan.standby:
        if s.workload in counted:
            ready[s.workload, s.period][s.provider] += s.work
    total = sum((sum(by.values(), ZERO) for by in done.values()), ZERO)
    lost: dict[str, Decimal] = defaultdict(Decimal)
    for key, by in done.items():
        for provider, work in by.items():
            elsewhere = sum((w for other, w in ready[key].items() if other != provider), ZERO)
            lost[provider] += max(ZERO, work - elsewhere)
    return {provider: 1 - work / total for provider, work in lost.items()} if total else {}


def one_off(plan: Plan, case: Case) -> Iterator[OneOff]:
    """Amounts that are due once, as clauses say."""
    payees = {term.id: term.payee for term in case.terms if isinstance(term, DatedPayment)}
    for posting in plan.postings:
        if posting.term in payees:
            yield OneOff(posting.term, payees[posting.term], posting.start, posting.amount)


def breaches(case: Case, plan: Plan) -> Iterator[Breach]:
    """What each disputed clause would forbid of the plan under each of its readings but the one it is held under."""
    held = dict(case.chosen)
    for clause, readings in case.disputed.items():
        for reading in readings:
            if reading != held.get(clause):
                terms = [t for t in case.under(reading={clause: reading}).terms if t.id == clause]
                judges = [t for t in terms if t.judges]
                yield Breach(clause, reading, _denied(case, plan, judges) if judges else None)


def _denied(case: Case, plan: Plan, judges: list[Term]) -> dict[str, Decimal]:
    """Work of a plan that clauses deny, by unit."""
    workloads, offers = {w.id: w for w in case.workloads}, {o.id: o for o in case.offers}
    known: dict[tuple[str, str, tuple[int, ...]], bool] = {}
    found: dict[str, Decimal] = {}
    for a in plan.allocations:
        period = plan.periods[a.period]
        forced = applicable(judges, period.start, period.end)
        key = a.workload, a.offer, tuple(map(id, forced))
        if key not in known:
            workload = workloads[a.workload]
            places = case.places(workload, offers[a.offer])
            known[key] = best(verdict(forced, workload.facts, there) for there in places).permitted
        if not known[key] and a.work:
            unit = workloads[a.workload].unit
            found[unit] = found.get(unit, ZERO) + a.work
    return found


def gains(plan: Plan, baseline: Plan | None) -> dict[str, Decimal] | None:
    """How much better off each party is than in another plan: we by what we save, others by what they are paid more."""
    if baseline is None:
        return None
    now, before = paid(plan), paid(baseline)
    found = {OURS: baseline.cost - plan.cost}
    for party in dict.fromkeys([*before, *now]):
        if party != OURS:
            found[party] = now.get(party, ZERO) - before.get(party, ZERO)
    return found


def measured(column: OutcomeColumn, case: Case, plan: Plan, baseline: Plan | None) -> OutcomeColumn:
    """A column with everything that the plan of its case says; gains are against another plan."""
    met, short = commitments(plan)
    return replace(
        column,
        planned=True,
        reading=plan.reading,
        scenario=plan.scenario,
        cost=LeastCost(plan.cost, plan.bound),
        bill=plan.bill,
        unserved=tuple(missed(plan)),
        moving=plan.moving_cost,
        met=met,
        short=short,
        providers=tuple(providers(plan)),
        dependency=dependency(plan),
        breaches=tuple(breaches(case, plan)),
        one_off=tuple(one_off(plan, case)),
        duties=tuple(Duty(o.what, o.by, o.to, o.due, o.evidence) for o in case.obligations),
        gains=gains(plan, baseline),
        present_value=plan.present_value,
    )
