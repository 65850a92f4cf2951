"""The answer in plain words, for people who sign and people who buy.

Owns: the sentences a report opens with, generated from plans; ids stand in backticks. Not here: tables and markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.contract.settled.standing import Standing
from detente.report.numerals import count, listed, percent, quantity, ticked
from detente.report.plans import digest
from detente.report.timeline import horizon
from detente.results.plan import Plan
from detente.values.money import shown
from detente.values.period import named
from detente.values.quantity import in_percent

MOVED = Decimal("0.01")
"""A workload moves between plans where a provider's share of it changes by at least this."""


SPOKEN = Decimal("0.05")
"""Moves smaller than this are counted, not told."""


@dataclass(frozen=True, slots=True)
class Move:
    """A workload that one plan runs elsewhere than the first: a provider's share of its work, before and after."""

    workload: str
    provider: str
    before: Decimal
    after: Decimal
    terms: tuple[str, ...]


def labels(plans: Sequence[Plan]) -> list[str]:
    """A short name for each plan: its reading and scenario, with its number where that is not enough."""
    scenarios = len({p.scenario for p in plans}) > 1
    cases = len({p.case for p in plans}) > 1
    found = []
    for plan in plans:
        parts = [plan.case] if cases else []
        parts += [plan.reading] if plan.reading else []
        parts += [plan.scenario or "baseline"] if scenarios or (plan.scenario and not parts) else []
        found.append(", ".join(parts) or "the plan")
    return [f"{name} ({i + 1})" if found.count(name) > 1 else name for i, name in enumerate(found)]


def under(plan: Plan, label: str = "") -> str:
    """How a sentence about a plan begins: ``Under the reading `letter` ``; empty where there is nothing to say."""
    parts = [f"in the case `{plan.case}`"] if label.startswith(plan.case) else []
    parts += [f"in the scenario `{plan.scenario}`"] if plan.scenario else []
    parts += [f"under the reading `{plan.reading}`"] if plan.reading else []
    number = re.search(r" \((\d+)\)$", label)
    parts += [f"in plan {number[1]}"] if number else []
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def given_back(plan: Plan) -> list[str]:
    """Each provider whose clauses give back more than is spent there and owed to it, with those that do."""
    party = {clause.term: clause.counterparty for clause in plan.clauses}
    found = []
    for row in plan.providers:
        posted = [each for each in plan.postings if not each.in_spend and party.get(each.term) == row.provider]
        total = row.spend + sum((each.amount for each in posted), Decimal(0))
        if total < 0:
            givers = list(dict.fromkeys(f"`{each.term}`" for each in posted if each.amount < 0))
            over, gives = shown(-total, plan.currency), "gives" if len(givers) == 1 else "give"
            what = f"{listed(givers)} {gives} back {over} more than is owed to `{row.provider}`"
            found.append(f"{what}: does one pay of what is left?" if len(givers) > 1 else f"{what}.")
    return found


def opening(plan: Plan, label: str = "") -> list[str]:
    """One plan's answer: cost and proof, commitments, demand, who gets what. A sentence each."""
    return [
        cost(plan, label),
        *today(plan),
        proof(plan),
        *given_back(plan),
        *buys_nothing(plan),
        *commitments(plan),
        unserved(plan),
        *spend(plan),
    ]


def comparison(plans: Sequence[Plan]) -> list[str]:
    """A paragraph a plan, against the first; then what moves between them."""
    named = labels(plans)
    first = plans[0]
    paragraphs = [" ".join([cost(first, named[0]), *commitments(first), unserved(first)])]
    for plan, label in zip(plans[1:], named[1:], strict=True):
        sentences = [cost(plan, label, against=first, other=named[0]), *commitments(plan), unserved(plan)]
        paragraphs.append(" ".join(sentences))
    for plan, label in zip(plans[1:], named[1:], strict=True):
        paragraphs += _moved(first, plan, named[0], label)
    return paragraphs


def cost(plan: Plan, label: str = "", against: Plan | None = None, other: str = "") -> str:
    """What the plan costs, over which time, and how much more or less than another."""
    begin = under(plan, label)
    subject = f"{begin}, the plan" if begin else "The plan"
    time = horizon(plan.periods)
    text = f"{subject} {_costs(plan.cost, plan.currency)}{f' over {time}' if time and against is None else ''}"
    if against is not None and against.currency == plan.currency:
        text += f", {_difference(plan, against, other)}"
    if plan.unserved_cost:
        text += f"; {shown(plan.unserved_cost, plan.currency)} of it is the value of demand not served"
    if plan.moving_cost:
        text += f"; {shown(plan.moving_cost, plan.currency)} of it is for moving to other providers"
    return f"{text}."


def today(plan: Plan) -> list[str]:
    """The cost at present value, where the case states a rate."""
    if plan.present_value is None or plan.discount_rate is None:
        return []
    rate = in_percent(plan.discount_rate)
    return [f"At present value that is {shown(plan.present_value, plan.currency, 5)} ({rate} a year)."]


def buys_nothing(plan: Plan) -> list[str]:
    """How much of the bill buys no compute, and why; where any of it does."""
    lost = digest.bought_nothing(plan)
    if not lost:
        return []
    parts = [what if len(lost) == 1 else f"{what} {shown(amount)}" for what, amount in lost.items()]
    whole = shown(sum(lost.values(), Decimal(0)), plan.currency)
    return [f"Of the bill, {whole} buys no compute: {listed(parts, 3)}."]


def _costs(amount: Decimal, currency: str) -> str:
    if not amount:
        return "costs nothing"
    return f"costs {shown(amount, currency, 5)}" if amount > 0 else f"brings in {shown(-amount, currency, 5)} net"


def _difference(plan: Plan, against: Plan, other: str) -> str:
    more = plan.cost - against.cost
    if not more:
        return f"the same as under `{other}`"
    part = f" ({percent(abs(more / against.cost))})" if against.cost else ""
    text = f"{shown(abs(more), plan.currency)}{part} {'more' if more > 0 else 'less'} than under `{other}`"
    dearer, cheaper = (plan, against) if more > 0 else (against, plan)
    if dearer.bound < cheaper.cost:
        text += ", a difference smaller than the gap"
    return text


def proof(plan: Plan) -> str:
    """How good the plan is known to be: its lower bound and gap (§5)."""
    if not plan.has_bound:
        return "It obeys every clause; how much cheaper a plan could be is not known: no lower bound was found."
    begin = "Under these assumptions, no plan"
    if plan.status == "optimal" and plan.gap == 0:
        return f"{begin} costs less."
    stop = {
        "optimal": "",
        "feasible": ", which is more than the requested gap; `--time-limit` gives the search more time",
        "time-limit": "; the search stopped at its time limit",
        "interrupted": "; the search was interrupted",
    }[plan.status]
    if plan.bounded_by == "prices" and plan.status in ("time-limit", "interrupted"):
        least = shown(plan.bound, plan.currency)
        return f"{begin} costs less than {least}{stop} before a closer bound was proven."
    return f"{begin} is cheaper by more than {percent(plan.gap).lstrip('<')}{stop}."


def commitments(plan: Plan) -> list[str]:
    """Whether each commitment is met; if not, by how much, when, and for what fee; and what was superseded."""
    taken = [f"The commitment `{s.term}` of {named(s.start, s.end)} is {superseded(s)}." for s in plan.superseded]
    return [*_met(plan), *taken]


def superseded(window: Standing) -> str:
    """That an amendment took over a window of a commitment."""
    asked, drawn = shown(window.required, window.unit), shown(window.drawn, window.unit)
    return f"superseded by an amendment, which counts the {drawn} drawn of its {asked}"


def _met(plan: Plan) -> list[str]:
    rows = digest.commitments(plan)
    names = digest.names([plan])
    short = [c for c in rows if c.short]
    missed = milestones(plan)
    if not rows:
        return missed or ["There are no minimum commitments."]
    if not short:
        met = "Every commitment is met" if len(rows) > 1 else f"The commitment `{rows[0].term}` is met"
        return [f"{met} in every window.", *missed] if missed else [f"{met}."]
    found = missed
    for c in sorted(short, key=lambda c: -c.short)[:3]:
        fee = f", for which {shown(c.owed, plan.currency)} is owed" if c.owed else ""
        when = f"in {listed(c.when)}" if c.when else ""
        found.append(f"The {names[c.provider]} commitment `{c.term}` is {shown(c.short, c.unit)} short {when}{fee}.")
    if len(short) > 3:
        found.append(f"{count(len(short) - 3, 'more commitment').capitalize()} fall short.")
    elif len(short) < len(rows):
        found.append("Every other commitment is met.")
    return found


def milestones(plan: Plan) -> list[str]:
    """Each milestone that is missed for a fee: its day, and the fee."""
    return [
        f"The milestone of `{s.term}` on {s.end:%Y-%m-%d} is missed: {shown(s.owed, plan.currency)} is owed for it."
        for s in plan.milestones
        if s.owed
    ]


def unserved(plan: Plan) -> str:
    """Whether all demand is served."""
    missing = digest.unserved(plan)
    if not any(w.demand for w in plan.workloads) and not missing:
        return "There is no demand to serve."
    if not missing:
        return "All demand is served."
    parts = [
        f"`{m.workload.workload}` goes without {percent(m.share)} of its demand ({quantity(m.work, m.workload.unit)})"
        for m in missing
    ]
    return f"Not all demand is served: {listed(parts, 3)}."


def spend(plan: Plan) -> list[str]:
    """Who gets how much of the spend, where anything is spent."""
    rows = sorted((p for p in plan.providers if p.spend), key=lambda p: -p.spend)
    if not rows:
        return []
    verbs = [" goes", *[""] * (len(rows) - 1)]
    parts = [f"{percent(p.share_of_spend)}{v} to {p.name or p.provider}" for p, v in zip(rows, verbs, strict=True)]
    return [f"Of what is spent, {listed(parts, 5)}."]


def moves(first: Plan, plan: Plan) -> list[Move]:
    """Workloads that a plan runs elsewhere than the first, the largest shift first.

    A move cites the clauses that this plan's decisions name for that workload and provider and the first plan's do not.
    """
    whose = digest.provider_of([first, plan])
    before, after = digest.placements(first), digest.placements(plan)
    found = []
    for workload in dict.fromkeys([*before, *after]):
        a, b = (digest.by_provider(rows.get(workload, ())) for rows in (before, after))
        if not a or not b:
            continue
        for provider in dict.fromkeys([*a, *b]):
            old, new = a.get(provider, Decimal(0)), b.get(provider, Decimal(0))
            if abs(new - old) >= MOVED:
                cited = _cited(plan, workload, provider, whose)
                known = _cited(first, workload, provider, whose)
                terms = tuple(t for t in cited if t not in known)
                found.append(Move(workload, provider, old, new, terms))
    return sorted(found, key=lambda m: (-abs(m.after - m.before), m.workload, m.after > m.before, m.provider))


def _cited(plan: Plan, workload: str, provider: str, whose: dict[str, str]) -> list[str]:
    rows = (d for d in plan.decisions if d.workload == workload and whose.get(d.offer) == provider)
    return list(dict.fromkeys(t for d in rows for t in d.terms))


def _moved(first: Plan, plan: Plan, other: str, label: str) -> list[str]:
    """What moves, told from where it leaves: a share lost at one provider is gained at the others."""
    lost = [m for m in moves(first, plan) if m.after < m.before]
    told = [m for m in lost if m.before - m.after >= SPOKEN][:3]
    names = digest.names([first, plan])
    parts = []
    for m in told:
        because = f" ({ticked(m.terms, 2)})" if m.terms else ""
        share = f"{percent(m.before)} to {percent(m.after)}"
        parts.append(f"`{m.workload}` on {names[m.provider]} goes from {share}{because}")
    if not lost:
        return []
    if not told:
        return [f"From `{other}` to `{label}`, almost no work moves."]
    more = f"; {count(len(lost) - len(told), 'smaller move')}" if len(lost) > len(told) else ""
    return [f"What moves from `{other}` to `{label}`: {'; '.join(parts)}{more}."]
