"""A report of plans as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: laying out. Not here: what stands in it (``plan_part``, ``plans``) and charts. Deterministic: the
same plans give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from detente.planner.check import Answer
from detente.report import timeline
from detente.report.drawing.chart import Series, lines, shares
from detente.report.drawing.svg import both
from detente.report.figures.check import CheckedWays, check_figures
from detente.report.figures.plans import figures_between, names
from detente.report.pages.palette import Palette
from detente.report.pages.plan_part import Page
from detente.report.pages.template import page
from detente.report.plans import answer, comparison
from detente.report.plans.bill import COST
from detente.report.plans.bridge import BridgeStep, bridge
from detente.report.plans.cumulated import by_period, by_year, running
from detente.report.plans.signing import signing
from detente.results.plan import Plan

LARGEST = 900_000
"""Characters of a page; a larger one is made again with less detail."""

RUNS = 4
"""Lines of cost over time that look unlike."""

DETAILS = (1, 2, 4, 8)


def render(plans: Sequence[Plan], found: Answer | None = None) -> str:
    """One page: whether to sign, plans side by side where there are several, then each plan in full.

    Parameters
    ----------
    plans
        One or more, usually of one case: under several readings, say. The first is what the others are compared with.
    found
        What ``check`` answered of their case; without it the page says what the plans themselves perform.

    Raises
    ------
    ValueError
        For no plan at all.
    """
    if not plans:
        raise ValueError("a report needs at least one plan")
    text = ""
    over_time = _over_time(plans) if len(plans) > 1 else {}
    for detail in DETAILS:
        text = _page(plans, detail, found, over_time)
        if len(text) < LARGEST:
            break
    return text


def _page(plans: Sequence[Plan], detail: int, found: Answer | None, over_time: dict[str, object]) -> str:
    """The page, with its tables cut and its charts thinned out by a factor."""
    palette = Palette(plans)
    labels = answer.labels(plans)
    several = len(plans) > 1
    bars = [(label, palette.spend(plan)) for label, plan in zip(labels, plans, strict=True)]
    return page(
        "report.html",
        plans=plans,
        labels=labels,
        pages=[Page(plans, index, label, palette, detail) for index, label in enumerate(labels)],
        legend=palette.legend,
        signing=signing(plans, found),
        notes=list(dict.fromkeys(note for plan in plans for note in plan.notes)),
        currency=plans[0].currency,
        bridges=_bridges(plans, labels),
        **over_time,
        lead=answer.comparison(plans) if several else [" ".join(answer.opening(plans[0]))],
        figures=list(figures_between(plans)) if several else [],
        figures_of=names(plans),
        checked=[] if found is None else list(check_figures(CheckedWays.of(found, plans[0].currency))),
        measures=comparison.measures(plans) if several else [],
        disputes=comparison.disputes(plans) if several else [],
        spend=both(lambda width: shares(bars, "Shares of spend by provider, plan by plan", width)),
    )


def _bridges(plans: Sequence[Plan], labels: Sequence[str]) -> list[tuple[str, list[BridgeStep]]]:
    """From the first plan to each other in the same currency: cause by cause, and the whole."""
    first = plans[0]
    return [
        (label, [*bridge(first, plan), BridgeStep(COST, first.cost, plan.cost)])
        for plan, label in zip(plans[1:], labels[1:], strict=True)
        if plan.currency == first.currency
    ]


def _over_time(plans: Sequence[Plan]) -> dict[str, object]:
    """The cost as it runs up, drawn on the first plan's time where the others share it, and by calendar year."""
    labels = answer.labels(plans)
    costs = [by_period(plan) for plan in plans]
    first = timeline.Timeline.of(plans[0].periods)
    alike = [
        (cost, f"p{index % RUNS}", label)
        for index, (plan, cost, label) in enumerate(zip(plans, costs, labels, strict=True))
        if plan.currency == plans[0].currency and timeline.Timeline.of(plan.periods).buckets == first.buckets
    ]
    series = [Series(label, colour, running(cost, first)) for cost, colour, label in alike]
    unit = f"{plans[0].currency} in all"
    years = [{y.year: y.amount for y in by_year(plan, cost)} for plan, cost in zip(plans, costs, strict=True)]
    return {
        "runs": both(lambda width: lines(series, first.buckets, "Cost so far, plan by plan", unit, width)),
        "runs_legend": [(colour, label) for _, colour, label in alike],
        "years": [
            (year, [(found.get(year, Decimal(0)), plan) for found, plan in zip(years, plans, strict=True)])
            for year in sorted({year for found in years for year in found})
        ],
    }
