"""Who needs whom more, in words and on a terminal.

Owns: the words around a loss, a curve and a split, and which tables stand in which order. Not here: finding them
(``outcomes``), laying out (``layout``), and the page (``leverage_page``).
"""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console

from detente.outcomes.leverage.leverage import DemandCurve, Leverage, NotServed, ProviderLeverage, ProviderLoss
from detente.report.estimates import told
from detente.report.layout import Row, heading, say, table, title
from detente.report.numerals import count, percent, quantity, ticked
from detente.report.outcomes.prices import stopped, today
from detente.values.money import CENT, shown
from detente.values.period import named
from detente.values.quantity import plain

ONE = Decimal(1)


# -- words -----------------------------------------------------------------------------------------------------------
def when(found: Leverage) -> str:
    """When providers are lost: ``from 1 Jan 2026 on, for ever``."""
    loss = found.providers[0].loss
    if loss.end is None:
        return f"from {loss.start:%Y-%m-%d} on, for ever"
    return f"in {named(loss.start, loss.end)}"


def counted(found: Leverage) -> list[str]:
    """Which periods of the plan are lost, where these are not just the time that was asked for."""
    loss = next((each.loss for each in found.providers if each.loss.asked), None)
    if loss is None or loss.counted is None:
        return []
    first, last = loss.counted
    if first == loss.start and loss.end in (None, last):
        return []
    return [f"The plan loses whole periods, those that begin in that time: {lost_time(loss)}."]


def lost_time(loss: ProviderLoss) -> str:
    """The periods of the plan that are lost: ``in Feb 2026``, ``from 2026-03-01 on``."""
    start, end = loss.counted or (loss.start, loss.end)
    return f"from {start:%Y-%m-%d} on" if loss.end is None or end is None else f"in {named(start, end)}"


def our_side(each: ProviderLeverage, currency: str) -> str:
    """What losing it costs us: a plan that costs more, or work that nobody can do."""
    loss = each.loss
    if not loss.asked:
        return "not asked"
    if loss.cost is None:
        return "the clauses cannot all be met"
    words, now = told(loss.cost, currency), loss.today
    if loss.cost.high < 0:  # with it go clauses that cost more than it brings
        words, now = f"nothing: it saves {shown(-loss.cost.amount, currency)}", now and -now
    if present := today(loss.cost, now, currency):
        words += f" ({present} at present value)"
    return f"{words}, and work without a value" if loss.stranded else words


def its_side(each: ProviderLeverage, currency: str) -> str:
    """What it loses: profit where its margin is stated, else what it receives."""
    stake = its_stake(each)
    if stake is None:
        return "–"
    return f"{shown(stake, currency)}{'' if each.loss.profit is None else ' of profit'}"


def its_stake(each: ProviderLeverage) -> Decimal | None:
    """Money that it would lose; None where it is not known."""
    return each.loss.loses if each.loss.profit is None else each.loss.profit


def balance(each: ProviderLeverage) -> str:
    """Who needs whom more."""
    loss, stake = each.loss, its_stake(each)
    if not loss.asked:
        return "not asked"
    if loss.cost is None or loss.stranded:
        return "we cannot do without it"
    assert stake is not None
    ours, its = max(loss.cost.amount, Decimal(0)), max(stake, Decimal(0))
    if max(ours, its) < CENT or (loss.cost.vague and its < CENT):
        return "neither needs the other"
    return f"we need it more{_times(ours, its)}" if ours > its else f"it needs us more{_times(its, ours)}"


def _times(larger: Decimal, smaller: Decimal) -> str:
    return f" ({larger / smaller:,.1f} times)" if smaller >= CENT and larger / smaller < 1000 else ""


def opening(found: Leverage) -> list[str]:
    """The answer in a few sentences."""
    asked = [each for each in found.providers if each.loss.asked]
    sentences = [f"Lost is each provider by itself, {when(found)}.", *counted(found)]
    bound = [each for each in asked if each.loss.cost is None or each.loss.stranded]
    if bound:
        sentences.append(f"We cannot do without {ticked([each.provider for each in bound])}.")
    priced = [each for each in asked if each.loss.cost is not None and each.loss.cost.low > 0]
    if priced:
        worst = max(priced, key=lambda each: each.loss.cost.amount if each.loss.cost else Decimal(0))
        sentences.append(f"Losing `{worst.provider}` costs us most: {our_side(worst, found.currency)}.")
    theirs = [each for each in asked if balance(each).startswith("it needs us")]
    if theirs:
        sentences.append(f"{ticked([each.provider for each in theirs])} would lose more than we would.")
    if any(each.loss.profit is None and each.loss.loses for each in asked):
        sentences.append("What a provider loses is what we pay it; its profit, where the case states its `margin`.")
    return sentences


def not_served(each: NotServed) -> str:
    """``3% of `chat` (20 Mtok), Jan 2026 – Mar 2026``; with a word on what has no value."""
    words = (
        f"{percent(each.part)} of `{each.workload}` ({quantity(each.work, each.unit)}), {named(each.start, each.end)}"
    )
    return words if each.valued else f"{words}: no plan serves more of it, and the case states no value for it"


def consequences(each: ProviderLeverage) -> list[str]:
    """What else a loss brings: work that is not served, clauses that break or end."""
    loss = each.loss
    found = [f"not served: {not_served(left)}" for left in loss.unserved]
    if loss.breaks:
        found.append(
            f"{ticked(loss.breaks, 8)} cannot be met" + ("" if loss.cost is None else ", and the cost is without")
        )
    if loss.ends:
        found.append(f"{ticked(loss.ends, 8)} {'ends' if len(loss.ends) == 1 else 'end'} with it")
    return found


def curve_words(curve: DemandCurve) -> list[str]:
    """At which prices we leave and come."""
    found = []
    if curve.half is not None:
        found.append(f"half of it leaves {_up(*curve.half)}")
    if curve.gone is not None:
        found.append(f"all of it leaves {_up(*curve.gone)}")
    if not curve.points or not any(p.volume for p in curve.points if p.factor == 1):
        nothing = "it sells us nothing today"
        found.append(
            f"{nothing}, and would {_down(*curve.tenth)}" if curve.tenth else f"{nothing}, nor at half its prices"
        )
    elif curve.tenth is not None:
        found.append(f"another tenth comes {_down(*curve.tenth)}")
    else:
        found.append("no discount to half its prices wins another tenth")
    return found


def _up(low: Decimal, high: Decimal) -> str:
    return f"between {_change(low)} and {_change(high)}"


def _down(low: Decimal, high: Decimal) -> str:
    return f"between {_change(high)} and {_change(low)}"


def _change(factor: Decimal) -> str:
    if factor == ONE:
        return "today's prices"
    return f"{'+' if factor > 1 else '−'}{plain(Decimal(f'{abs(factor - 1) * 100:.3g}'))}%"


def split_words(found: Leverage) -> list[str]:
    """Whether there is a fair split, and what it is worth."""
    if found.no_split:
        return [f"There is no fair split: {found.no_split}."]
    sentences = []
    if found.in_core is not None:
        core = "no group of providers" if found.in_core else "some group of providers"
        sentences.append(
            f"Of this split {core} would do better by itself ({'in' if found.in_core else 'not in'} the core)."
        )
    return sentences


# -- on a terminal ---------------------------------------------------------------------------------------------------
def leverage_view(found: Leverage, console: Console) -> None:
    """Both sides of the table, provider by provider; then what a loss brings, curves, and the split."""
    title(console, found.title, found.reading, found.scenario)
    say(console, " ".join(opening(found)))
    money = found.currency
    rows: list[Row] = [
        [each.provider, shown(each.receives, money), our_side(each, money), its_side(each, money), balance(each)]
        for each in found.providers
    ]
    heads = ["provider", "receives", "losing it costs us", "it loses", ""]
    table(console, "Who needs whom more", heads, rows, right=(1, 2, 3), most=len(rows))
    _lines(console, "If it is lost", [(each.provider, consequences(each)) for each in found.providers])
    curves = [(each.provider, curve_words(each.curve)) for each in found.providers if each.curve is not None]
    _lines(console, "If its prices change", curves)
    zones = [each for each in found.providers if each.zone is not None]
    if zones:
        heading(console, "Room for an agreement")
    for each in zones:
        say(console, f"{each.provider}: {zone_words(each, money)}", indent=2)
    parts: list[Row] = [
        [each.provider, shown(each.part.amount, money), shown(each.part.alone, money), shown(each.part.last, money)]
        for each in found.providers
        if each.part is not None
    ]
    heads = ["provider", "fair part", "alone it saves", "it adds to all others"]
    table(console, "What all providers save us against serving nothing", heads, parts, right=(1, 2, 3), most=len(parts))
    for sentence in split_words(found):
        say(console, sentence, indent=2 if parts else 0)
    left = sum(not each.loss.asked for each in found.providers)
    if found.status != "complete":
        say(console, stopped(found.status, left, "provider"), style="bold")


def zone_words(each: ProviderLeverage, currency: str) -> str:
    """Between which two amounts both gain by going on."""
    assert each.zone is not None
    low, high = each.zone
    if low > high:
        return f"none: it needs {shown(low, currency)}, and to us it is worth {shown(high, currency)}"
    return (
        f"between {shown(low, currency)}, the least that suits it, and {shown(high, currency)}, what it is worth to us"
    )


def _lines(console: Console, name: str, rows: list[tuple[str, list[str]]]) -> None:
    rows = [(provider, words) for provider, words in rows if words]
    if rows:
        heading(console, name)
    for provider, words in rows:
        say(console, f"{provider}: {'; '.join(words[:6])}{_more(len(words) - 6)}", indent=2)


def _more(left: int) -> str:
    return f"; and {count(left, 'more line')}" if left > 0 else ""
