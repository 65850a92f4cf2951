"""The figures of outcomes side by side: those of each outcome.

Owns: what one outcome comes to, and against the case as it is. Not here: choices and probabilities (``choices``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from detente.outcomes.choices.comparison import OURS, Comparison, OutcomeColumn
from detente.outcomes.estimate import NOTHING, Estimate
from detente.report.figures.choices import choice_figures, swing_figures
from detente.report.figures.estimate import cost_figures, estimate_figures
from detente.report.figures.figure import PART, NamedFigure, Operand, at

BILL = "the bill of this outcome's plan, made as if all of it were known from the first day"


def comparison_figures(found: Comparison) -> Iterator[NamedFigure]:
    """All: each choice, what would change it, then outcome by outcome."""
    yield from choice_figures(found)
    yield from swing_figures(found)
    for column in (found.baseline, *found.outcomes):
        yield from _outcome(found, column)


def _outcome(found: Comparison, column: OutcomeColumn) -> Iterator[NamedFigure]:
    base, unit = at("outcomes", column.name), found.currency
    if column.choice is not None:
        says = f"How likely `{column.name}` is once `{column.choice}` is chosen"
        origin = "the probabilities of its events in the case, multiplied: events are independent"
        yield NamedFigure(at(base, "probability"), column.probability, PART, says, origin)
    if column.cost is None:
        return
    yield from cost_figures(at(base, "cost"), column.cost, unit, f"in `{column.name}`")
    if column.choice is not None and found.baseline.cost is not None:
        yield from _against(found, column)
    if column.bill is not None:
        says = f"What is paid in `{column.name}`: the cost without the value of what is not served"
        yield NamedFigure(at(base, "bill"), column.bill, unit, says, BILL)
    if column.present_value is not None:
        says = f"The cost of `{column.name}` on the first day"
        origin = "each amount discounted by the case's `discount-rate` from the day on which it falls"
        yield NamedFigure(at(base, "present-value"), column.present_value, unit, says, origin)
    yield from _once(column, base, unit)
    yield from _missed(column, base, unit)
    yield from _providers(column, base, unit)
    yield from _dependency(column, base)
    for breach in column.breaches:
        for of, work in (breach.work or {}).items():
            says = f"Work in `{column.name}` that `{breach.term}` would forbid if it were read as `{breach.reading}`"
            origin = "the work of the plan that the clause denies under that reading"
            yield NamedFigure(at(base, "forbidden", breach.term, breach.reading, of), work, of, says, origin)
    yield from _gains(found, column, base)


def _against(found: Comparison, column: OutcomeColumn) -> Iterator[NamedFigure]:
    """What it costs more than the case as it is."""
    assert column.cost is not None
    assert found.baseline.cost is not None
    unit, today, here = found.currency, found.baseline.cost, column.cost
    names = at("outcomes", column.name, "cost"), at("outcomes", found.baseline.name, "cost")
    costs = tuple(
        Operand(f"what {whose} costs", cost.amount, unit, name)
        for whose, cost, name in zip((f"`{column.name}`", "the case as it is"), (here, today), names, strict=True)
    )
    bounds = tuple(
        Operand(f"what {whose} costs at least", cost.bound, unit, at(name, "bound"))
        for whose, cost, name in zip((f"`{column.name}`", "the case as it is"), (here, today), names, strict=True)
    )
    more = Estimate.difference(here, today)
    says = f"What `{column.name}` costs more than the case as it is; below 0 where it costs less"
    address, ask = at("outcomes", column.name, "more"), f"outcome:{at(column.name)}"
    main = NamedFigure(address, more.amount, unit, says, "", "difference", costs, ask)
    yield from estimate_figures(main, more, (bounds[0], costs[1]), (costs[0], bounds[1]))


def _once(column: OutcomeColumn, base: str, unit: str) -> Iterator[NamedFigure]:
    paid = tuple(Operand(f"`{each.term}` on {each.on:%Y-%m-%d}", each.amount, unit) for each in column.one_off)
    if paid:
        total = sum((each.value for each in paid), NOTHING)
        says = f"What is paid once in `{column.name}`"
        yield NamedFigure(at(base, "paid-once"), total, unit, says, "amounts on days, as clauses say", "sum", paid)
    if column.moving:
        says = f"What moves of work cost in `{column.name}`"
        yield NamedFigure(at(base, "moves"), column.moving, unit, says, "each move of the plan, as its workload states")


def _missed(column: OutcomeColumn, base: str, unit: str) -> Iterator[NamedFigure]:
    for each in column.unserved:
        own = at(base, "not-served", each.workload)
        says = f"How much work of `{each.workload}` is not served in `{column.name}`"
        yield NamedFigure(at(own, "work"), each.work, each.unit, says, BILL)
        says = f"The part of all demand of `{each.workload}` that is not served in `{column.name}`"
        yield NamedFigure(at(own, "part"), each.part, PART, says, f"`{at(own, 'work')}` as a part of its demand")
        says = f"What the work of `{each.workload}` that is not served in `{column.name}` is worth"
        yield NamedFigure(at(own, "worth"), each.cost, unit, says, "that work times the value that the case states")
    if column.unserved:
        worth = tuple(
            Operand(f"`{each.workload}`", each.cost, unit, at(base, "not-served", each.workload, "worth"))
            for each in column.unserved
        )
        says = f"What all work that is not served in `{column.name}` is worth"
        total = sum((each.value for each in worth), NOTHING)
        yield NamedFigure(at(base, "not-served-worth"), total, unit, says, "", "sum", worth)
    of = column.met + len(column.short)
    if of:
        says = f"How many of {of} commitments are met in `{column.name}`, in each of their windows"
        yield NamedFigure(at(base, "commitments-met"), Decimal(column.met), "", says, BILL)
    for short in column.short:
        own = at(base, "short", short.term)
        says = f"By how much `{short.term}` is missed in `{column.name}`, in {short.windows} windows together"
        yield NamedFigure(at(own, "short"), short.short, short.unit, says, "where the clause stands in the plan's bill")
        says = f"What is owed because `{short.term}` is missed in `{column.name}`"
        yield NamedFigure(at(own, "owed"), short.owed, unit, says, "the clause's postings in the plan's bill")


def _providers(column: OutcomeColumn, base: str, unit: str) -> Iterator[NamedFigure]:
    spent = sum((each.spend for each in column.providers), NOTHING)
    for each in column.providers:
        own, where = at(base, "providers", each.provider), f"`{each.provider}` in `{column.name}`"
        yield NamedFigure(at(own, "spend"), each.spend, unit, f"What is spent on capacity of {where}", BILL)
        says = f"All that is paid to {where}"
        yield NamedFigure(
            at(own, "paid"), each.paid, unit, says, "its spend, and what its clauses charge and give back"
        )
        says = f"The share of all spend that goes to {where}"
        both = (
            Operand("what is spent on it", each.spend, unit, at(own, "spend")),
            Operand("what is spent on all providers", spent, unit),
        )
        yield NamedFigure(at(own, "share-of-spend"), each.share_of_spend, PART, says, "", "ratio", both)
        for of, amount in each.effective_price.items():
            says = f"What a {of} costs with {where}: what is spent on it, by its work"
            yield NamedFigure(at(own, "price", of), amount, f"{unit} per {of}", says, BILL)


def _dependency(column: OutcomeColumn, base: str) -> Iterator[NamedFigure]:
    if column.dependency is None:
        return
    shares = tuple(
        Operand(f"`{p.provider}`", p.share_of_spend, PART, at(base, "providers", p.provider, "share-of-spend"))
        for p in column.providers
        if p.spend
    )
    says = f"How much of the spend in `{column.name}` is in few hands: 10,000 is one provider alone (HHI)"
    yield NamedFigure(at(base, "concentration"), column.dependency.concentration, "", says, "", "squares", shares)
    for of, part in column.dependency.margin.items():
        lost = column.dependency.hardest[of]
        says = f"The part of all work in `{column.name}` that goes on at once if `{lost}` is lost, which takes most"
        origin = "period by period: what others do of each workload, and the standby that they keep for it"
        yield NamedFigure(at(base, "goes-on", of), part, PART, says, origin)


def _gains(found: Comparison, column: OutcomeColumn, base: str) -> Iterator[NamedFigure]:
    unit, rows = found.currency, {p.provider: p for p in column.providers}
    today = {p.provider: p for p in found.baseline.providers}
    for party, amount in (column.gains or {}).items():
        address = at(base, "gains", party)
        if party == OURS and found.baseline.cost is not None and column.cost is not None:
            both = (
                Operand("what the case as it is costs", found.baseline.cost.amount, unit, "outcomes/today/cost"),
                Operand(f"what `{column.name}` costs", column.cost.amount, unit, at(base, "cost")),
            )
            says = f"How much better off we are in `{column.name}` than in the case as it is"
            yield NamedFigure(address, amount, unit, says, "", "difference", both)
            continue
        says = f"How much more `{party}` is paid in `{column.name}` than in the case as it is"
        paid = tuple(
            Operand(f"what it is paid {when}", p.paid if p else NOTHING, unit, at(where, "providers", party, "paid"))
            for when, p, where in (
                ("then", rows.get(party), base),
                ("in the case as it is", today.get(party), "outcomes/today"),
            )
        )
        known = party in rows or party in today
        yield NamedFigure(
            address, amount, unit, says, "both plans' bills", "difference" if known else None, paid if known else ()
        )
