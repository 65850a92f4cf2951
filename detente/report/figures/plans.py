"""The figures of several plans side by side: those of each, and what stands between the first and the others.

Owns: what plans are called in an address, the bridge cause by cause, and the cost of a year. Not here: the figures of
one plan (``plan``), and the amounts of causes (``report.plans.bridge``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.report.figures.plan import bill_address, bill_words, plan_figures
from detente.report.plans.answer import labels
from detente.report.plans.bill import SPEND, ZERO, BillCause, BillLine, bill
from detente.report.plans.bridge import COMPUTE, bridge, by_cause
from detente.report.plans.cumulated import by_period, by_year
from detente.results.plan import Plan


def plans_figures(plans: Sequence[Plan]) -> Iterator[NamedFigure]:
    """All: what stands between plans, then each plan's own, below ``plans/NAME``."""
    yield from figures_between(plans)
    for name, plan in zip(names(plans), plans, strict=True):
        yield from (_inside(at("plans", name), figure) for figure in plan_figures(plan))


def figures_between(plans: Sequence[Plan]) -> Iterator[NamedFigure]:
    """From the first plan to each other in its currency; then by plan its causes, and its cost year by year."""
    called = names(plans)
    for name, plan in zip(called[1:], plans[1:], strict=True):
        if plan.currency == plans[0].currency:
            yield from _bridge(called[0], plans[0], name, plan)
    causes = dict.fromkeys(cause for plan in plans for cause in by_cause(plan))
    for name, plan in zip(called, plans, strict=True):
        yield from _causes(name, plan, list(causes))
        for year in by_year(plan, by_period(plan)):
            says, origin = f"What the plan `{name}` costs in {year.year}", "each cost on its day, added up"
            yield NamedFigure(at("plans", name, "years", year.year), year.amount, plan.currency, says, origin)


def names(plans: Sequence[Plan]) -> list[str]:
    """What the page calls each plan, as a part of an address; their numbers where two would be called alike."""
    found = [at(re.sub(r" \((\d+)\)$", r"-\1", label)).replace("/", "-") for label in labels(plans)]
    return found if len(set(found)) == len(found) else [str(number) for number in range(1, len(found) + 1)]


def _inside(base: str, figure: NamedFigure) -> NamedFigure:
    """A figure of one plan, and what goes into it, where several plans are asked."""
    operands = tuple(replace(each, address=each.address and at(base, each.address)) for each in figure.operands)
    return replace(figure, address=at(base, figure.address), operands=operands)


def _bridge(first_name: str, first: Plan, name: str, plan: Plan) -> Iterator[NamedFigure]:
    """What each cause adds from one plan to another; together they are the difference in cost."""
    unit, base, steps = plan.currency, at("bridge", name), bridge(first, plan)
    for step in steps:
        both = tuple(
            Operand(f"in `{called}`", amount, unit, _cause(called, step.cause))
            for called, amount in ((name, step.after), (first_name, step.before))
        )
        says = f"How much more the plan `{name}` costs than `{first_name}` for {step.cause.several}; below 0: less"
        yield NamedFigure(at(base, step.cause.name), step.change, unit, says, "", "difference", both)
    more = plan.cost - first.cost
    costs = tuple(
        Operand(f"the cost of `{called}`", whose.cost, unit, at("plans", called, "cost"))
        for called, whose in ((name, plan), (first_name, first))
    )
    says = f"How much more the plan `{name}` costs than `{first_name}`; below 0: less"
    causes = ", ".join(f"`{at(base, step.cause.name)}`" for step in steps)
    origin = f"cause by cause: {causes}" if steps else ""
    yield NamedFigure(at(base, "cost"), more, unit, says, origin, "difference", costs)
    if first.cost:
        against = Operand("how much more it costs", more, unit, at(base, "cost")), costs[1]
        says = f"By what part the plan `{name}` costs more than `{first_name}`; below 0: less"
        yield NamedFigure(at(base, "of-cost"), more / first.cost, PART, says, "", "ratio", against)


def _causes(name: str, plan: Plan, causes: Sequence[BillCause]) -> Iterator[NamedFigure]:
    """What each cause comes to in one plan: lines of its bill, added up."""
    lines, amounts = _lines_by_cause(plan), by_cause(plan)
    for cause in causes:
        own = tuple(
            Operand(bill_words(line), line.amount, plan.currency, at("plans", name, bill_address(line)))
            for line in lines.get(cause, ())
        )
        says, origin = (
            f"What the plan `{name}` costs for {cause.several}",
            "" if own else "no line of its bill is for this",
        )
        amount = amounts.get(cause, ZERO)
        yield NamedFigure(_cause(name, cause), amount, plan.currency, says, origin, "sum" if own else None, own)


def _lines_by_cause(plan: Plan) -> dict[BillCause, list[BillLine]]:
    """The lines of a bill by the cause that they belong to: all above the line of spend are compute."""
    lines = bill(plan)
    spend = next((index for index, line in enumerate(lines) if line.cause is SPEND), 0)
    found: dict[BillCause, list[BillLine]] = {}
    for index, line in enumerate(lines):
        if line.kind == "line":
            compute = index < spend or line.cause.compute
            cause = COMPUTE if compute else line.cause
            found.setdefault(cause, []).append(line)
    return found


def _cause(name: str, cause: BillCause) -> str:
    return at("plans", name, "causes", cause.name)
