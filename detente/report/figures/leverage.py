"""The figures of who needs whom more.

Owns: both sides with each provider, its curve, its fair part. Not here: costs and error bars (``estimate``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from detente.outcomes.leverage.leverage import DemandCurve, Leverage, NotServed, ProviderLeverage
from detente.outcomes.shapley import FairPart
from detente.report.figures.estimate import cost_figures, estimate_figures
from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.report.outcomes.leverage import lost_time
from detente.values.money import CENT
from detente.values.quantity import in_percent

ONE = Decimal(1)


def leverage_figures(found: Leverage) -> Iterator[NamedFigure]:
    """All, provider by provider."""
    yield from cost_figures("cost", found.cost, found.currency, "of the case")
    for each in found.providers:
        base = at("providers", each.provider)
        yield from _both_sides(found, each, base)
        for left in each.loss.unserved:
            yield from _not_served(left, each.provider, base)
        if each.curve is not None:
            yield from _curve(each.curve, each.provider, base, found.currency)
        if each.part is not None:
            yield from _part(each.part, base, found.currency)


def _both_sides(found: Leverage, each: ProviderLeverage, base: str) -> Iterator[NamedFigure]:
    paid = "the plan's bill: what is paid to it for use, for units, and by clauses"
    what = f"What the plan pays `{each.provider}`"
    yield NamedFigure(at(base, "receives"), each.receives, found.currency, what, paid)
    yield from _ours(found, each, at(base, "cost"))
    yield from _its(each, base, found.currency)
    yield from _times(each, base, found.currency)
    yield from _room(each, base, found.currency)


def _ours(found: Leverage, each: ProviderLeverage, ours: str) -> Iterator[NamedFigure]:
    """What losing it costs us."""
    unit, loss, ask = found.currency, each.loss, f"leverage:{each.provider}"
    if loss.cost is None:
        return
    dearer = Operand("what the plan without it costs", found.cost.amount + loss.cost.amount, unit)
    proven = Operand("what every plan without it costs at least", found.cost.amount + loss.cost.low, unit)
    whole = Operand("what the plan costs", found.cost.amount, unit, "cost")
    bound = Operand("what every plan costs at least", found.cost.bound, unit, "cost/bound")
    says = f"How much dearer the plan is without `{each.provider}`, work that is not served at its stated value"
    origin = f"a plan made anew without it {lost_time(loss)}, less the plan of the case"
    main = NamedFigure(ours, loss.cost.amount, unit, says, origin, "difference", (dearer, whole), ask)
    yield from estimate_figures(main, loss.cost, (proven, whole), (dearer, bound))
    if loss.today is not None:
        discounted = "both plans' costs, each amount at its present value by the case's `discount-rate`"
        yield NamedFigure(at(ours, "today"), loss.today, unit, f"{says}, at present value", discounted)


def _its(each: ProviderLeverage, base: str, unit: str) -> Iterator[NamedFigure]:
    """What being lost costs it."""
    name, loss, its = each.provider, each.loss, at(base, "loses")
    if loss.loses is None:
        return
    own = (
        _receives(each, base, unit),
        Operand("what the plan that is made after it is lost pays it", each.receives - loss.loses, unit),
    )
    says = f"How much less `{name}` receives where it is lost {lost_time(loss)}"
    yield NamedFigure(its, loss.loses, unit, says, "", "difference", own, f"leverage:{name}")
    if loss.profit is not None and each.margin is not None:
        margin = at(base, "margin")
        says = f"The part of its revenue that is profit to `{name}`"
        yield NamedFigure(margin, each.margin, PART, says, "the provider's `margin:` in the case")
        own = (
            Operand("how much less it receives", loss.loses, unit, its),
            Operand("margin", each.margin, PART, margin),
        )
        says = f"How much profit `{name}` loses where it is lost"
        yield NamedFigure(at(base, "profit"), loss.profit, unit, says, "", "product", own)


def _room(each: ProviderLeverage, base: str, unit: str) -> Iterator[NamedFigure]:
    """What it must be paid at least, and what it is worth to us at most."""
    if each.zone is None or each.loss.profit is None or each.loss.cost is None:
        return
    paid = _receives(each, base, unit)
    own = paid, Operand("profit that it loses where it is lost", each.loss.profit, unit, at(base, "profit"))
    says = f"What `{each.provider}` must be paid at least: below that it would rather be without us"
    yield NamedFigure(at(base, "room", "least"), each.zone[0], unit, says, "", "difference", own)
    more = Operand("what losing it would cost us", each.loss.cost.amount, unit, at(base, "cost"))
    says = f"What `{each.provider}` is worth to us: above that we would rather be without it"
    yield NamedFigure(at(base, "room", "most"), each.zone[1], unit, says, "", "sum", (paid, more))


def _receives(each: ProviderLeverage, base: str, unit: str) -> Operand:
    return Operand("what the plan pays it", each.receives, unit, at(base, "receives"))


def _times(each: ProviderLeverage, base: str, unit: str) -> Iterator[NamedFigure]:
    """How many times more one side needs the other."""
    loss = each.loss
    stake = loss.loses if loss.profit is None else loss.profit
    if loss.cost is None or loss.stranded or stake is None:
        return
    ours = Operand("what losing it costs us", loss.cost.amount, unit, at(base, "cost"))
    its = Operand("what it loses", stake, unit, at(base, "loses" if loss.profit is None else "profit"))
    larger, smaller = sorted((ours, its), key=lambda side: -side.value)
    if smaller.value >= CENT:
        who = f"we need `{each.provider}`" if larger is ours else f"`{each.provider}` needs us"
        says = f"How many times more {who} than the other way round"
        yield NamedFigure(at(base, "times"), larger.value / smaller.value, "", says, "", "ratio", (larger, smaller))


def _not_served(left: NotServed, provider: str, base: str) -> Iterator[NamedFigure]:
    name = left.workload
    work, part = at(base, "not-served", name, "work"), at(base, "not-served", name, "part")
    origin = "the plan made anew without it, period by period, less what goes unserved in the plan of the case"
    says = f"How much work of `{name}` is not served where `{provider}` is lost"
    yield NamedFigure(work, left.work, left.unit, says, origin)
    says = f"The part of all demand of `{name}` that is not served where `{provider}` is lost"
    yield NamedFigure(part, left.part, PART, says, f"`{work}` as a part of the workload's demand over the horizon")


def _curve(curve: DemandCurve, provider: str, base: str, unit: str) -> Iterator[NamedFigure]:
    how = "a plan made anew with all of its list prices times that, in units that may be divided"
    for point in curve.points:
        where = in_percent(point.factor)
        says = f"What is spent on capacity of `{provider}` at {where} of its prices"
        yield NamedFigure(at(base, "curve", where, "spend"), point.spend, unit, says, how)
        says = f"What is bought of `{provider}` at {where} of its prices, counted at today's prices"
        yield NamedFigure(at(base, "curve", where, "volume"), point.volume, unit, says, how)
    for word, ends, what in (
        ("half", curve.half, "half of what we buy of it leaves"),
        ("gone", curve.gone, "all of what we buy of it leaves"),
        ("tenth", curve.tenth, "another tenth comes to it"),
    ):
        for side, factor in zip(("from", "to"), ends or (), strict=False):
            own = (Operand("of its prices today", factor, PART), Operand("all of them", ONE, PART))
            says = f"One end of the change of the prices of `{provider}` at which {what}"
            origin = f"{how}; the stretch between two of them was halved until it was this short"
            yield NamedFigure(at(base, word, side), factor - 1, PART, says, origin, "difference", own)


def _part(part: FairPart, base: str, unit: str) -> Iterator[NamedFigure]:
    name, address = part.player, at(base, "part")
    says = f"The fair part of `{name}` in what all providers save us against serving nothing"
    origin = "the Shapley value: the mean of what it adds, over all orders in which providers could come"
    yield NamedFigure(address, part.amount, unit, says, origin)
    yield NamedFigure(at(address, "alone"), part.alone, unit, f"What `{name}` alone saves us", "a plan with it alone")
    says = f"What `{name}` adds to all other providers"
    yield NamedFigure(at(address, "last"), part.last, unit, says, "plans with all providers, and with all others")
    if part.error:
        says = f"How far off `{address}` may be, in 95% of samples"
        yield NamedFigure(at(address, "error"), part.error, unit, says, "orders were sampled: 1.96 standard errors")
