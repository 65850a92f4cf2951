"""A plan as usage: what a meter would report of it. Written apart from the planner's own bill."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from detente.case.case import Case
from detente.contract.metered.use import RatedUse, Use
from detente.market.token_price import list_price
from detente.results.plan import Plan
from detente.values.facts import Facts
from detente.values.money import nano
from detente.values.period import Period
from tests.builders import rated

D = Decimal


def replayed(case: Case, found: Plan) -> list[RatedUse]:
    """A plan's rows as a meter would report them: use, idle capacity and data moved, period by period.

    Written from the plan's own rows and the declared prices alone, apart from the planner's bill.
    """
    sold, wanted = {o.id: o for o in case.offers}, {w.id: w for w in case.workloads}
    lines: list[Use] = []
    own = set()
    used: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for row in found.allocations:
        workload, period = wanted[row.workload], found.periods[row.period]
        span = (period.span_start, period.span_end)
        earned = row.work * workload.revenue.amount if workload.revenue else D(0)
        facts = case.offer_facts[row.offer]
        use = Use("use", workload.facts, facts, *span, row.work, row.taken, row.cost, nano(earned))
        lines += _by_price(use, sold[row.offer], workload)
        prices, place = case.egress(workload, sold[row.offer])
        if prices is not None and (price := prices.on(period.span_start)):
            lines.append(_moved(case, workload.facts, place, span, D(float(price)).quantize(D("1e-9")) * row.work))
        if facts["product"] == "gpu" and facts["buy"] != "reserved" and getattr(workload, "gang", None):
            own.add((row.offer, period.start, row.cost))
        elif facts["product"] != "tokens":
            cost, taken = used.get((row.offer, row.period), (D(0), D(0)))
            used[row.offer, row.period] = cost + row.cost, taken + row.taken
    for (offer, index), (cost, taken) in _bought(case, found, own).items():
        period = found.periods[index]
        idle, spare = (a - b for a, b in zip((cost, taken), used.get((offer, index), (D(0), D(0))), strict=True))
        span = (period.span_start, period.span_end)
        unused = Use("idle", None, case.offer_facts[offer], *span, D(0), nano(spare), nano(idle))
        lines += _by_price(unused, sold[offer], None)
    return rated(case, lines)


def _by_price(use: Use, offer: Any, workload: Any) -> list[Use]:
    """A line for each time in which the list has one price."""
    steps = [datetime(on.year, on.month, on.day, tzinfo=use.start.tzinfo) for on, _ in offer.price.steps if on]
    marks = [use.start, *(at for at in steps if use.start < at < use.end), use.end]
    if offer.reserved or len(marks) == 2:
        return [use]
    hours = [D((b - a).total_seconds()) for a, b in pairwise(marks)]
    costs = [D(float(_price(offer, a, b, workload))) * h for (a, b), h in zip(pairwise(marks), hours, strict=True)]
    found = []
    for a, b, time, cost in zip(marks, marks[1:], hours, costs, strict=False):
        work, taken, revenue = (nano(amount * time / sum(hours)) for amount in (use.work, use.taken, use.revenue))
        listed = nano(use.listed * cost / sum(costs))
        found.append(replace(use, start=a, end=b, work=work, taken=taken, listed=listed, revenue=revenue))
    return found


def _price(offer: Any, start: datetime, end: datetime, workload: Any) -> Any:
    price = offer.price.on(start)
    if offer.kind == "tokens":
        return list_price(price, *workload.mix.parts, batch=workload.in_batches)
    return offer.hour_price(price, start, end)


def _moved(case: Case, facts: Facts, place: str, span: tuple[datetime, datetime], cost: Decimal) -> Use:
    provider, _, region = place.partition("/")
    sold = {"provider": provider, "region": region, "product": "egress", "offer": f"{place} egress"}
    sold["country"] = case.providers[provider].regions[region].country
    return Use("egress", facts, sold, *span, D(0), D(0), nano(cost))


def _bought(case: Case, found: Plan, own: set[Any]) -> dict[tuple[str, int], tuple[Decimal, Decimal]]:
    """Cost and capacity of what is bought in units, by offer and period."""
    sold: dict[str, Any] = {o.id: o for o in case.offers}
    total: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for row in found.purchases:
        if (row.offer, row.start, row.cost) in own:
            own.discard((row.offer, row.start, row.cost))
            continue
        offer = sold[row.offer]
        held = [p for p in case.periods if p.span_start < row.end and p.span_end > row.start]
        price = offer.price.on(row.start)
        for period in held:
            span = max(period.span_start, row.start), min(period.span_end, row.end)
            reserved = offer.hour_price(price, *span, since=row.start)
            each = reserved if row.reserved else offer.unit_price(period.span_start, period.span_end)
            hours = _hours(period, row.start, row.end)
            cost, taken = total.get((row.offer, period.index), (D(0), D(0)))
            cost += _decimal(row.units * each * hours)
            total[row.offer, period.index] = cost, taken + _decimal(row.units * hours * offer.unit_flow)
    return total


def _hours(period: Period, start: datetime, end: datetime) -> Any:
    seconds = (min(end, period.span_end) - max(start, period.span_start)).total_seconds()
    return period.hours * int(seconds) / int((period.span_end - period.span_start).total_seconds())


def _decimal(value: Any) -> Decimal:
    return D(value.numerator) / D(value.denominator)
