"""The figures of a simulation: over all draws.

Owns: distributions of cost, of what is served and of each provider's own time. Not here: a draw by itself, which stands
in the answer's rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from detente.outcomes.draws.simulation import Distribution, SampledFigure, SimulatedDraw, Simulation, mean
from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.report.outcomes.simulation import COSTS, ONE, lost_of, own_of, workloads

KEYS = dict(zip(COSTS, ("cost", "fees", "unserved"), strict=True))
"""How the addresses of the figures in money begin."""

Of = Callable[[SimulatedDraw], Decimal | None]


def simulation_figures(found: Simulation) -> Iterator[NamedFigure]:
    """All, in the order of the page."""
    unit = found.currency
    says = "What the plan costs by itself, before anything is drawn"
    yield NamedFigure("planned", found.planned, unit, says, "the exact bill of the plan")
    if found.calm is not None:
        says = "What the plan's purchases come to where nothing happens, counted as the draws are"
        yield NamedFigure("calm", found.calm, unit, says, "one dispatch without any risk, in units that may be divided")
    for name, of in COSTS.items():
        yield from _spread(found, KEYS[name], name, of, unit)
    yield from _compared(found)
    for name in workloads(found):
        what = f"the part of `{name}` that is served: what its customers see"
        lost = lost_of(found, name)
        if lost is not None:
            yield from _served(found, at("served", name), what, lost, _part_of(name))
            yield from _chance(found, name)
    for name in dict.fromkeys(name for draw in found.draws for name in draw.own):
        out = own_of(found, name)
        if out is not None:
            what = f"the part of time for which `{name}` is not out, over its offers"
            yield from _served(found, at("own", name), what, out, _own_part(name))
    if found.unmet:
        says = "In how many draws the clauses could not all be met; no figure counts them"
        yield NamedFigure("unmet", Decimal(found.unmet), "draws", says, "the draws without a cost")
    for name, times in Counter(name for each in found.known for name in each.missed).items():
        says = f"In how many draws the gateway's order does not keep `{name}`"
        yield NamedFigure(at("missed", name), Decimal(times), "draws", says, "the draws, counted")


def _part_of(workload: str) -> Of:
    return lambda draw: draw.availability.get(workload)


def _own_part(provider: str) -> Of:
    return lambda draw: draw.own.get(provider)


def _spread(found: Simulation, base: str, name: str, of: Of, unit: str) -> Iterator[NamedFigure]:
    """How a figure in money is distributed."""
    spread = found.spread(of)
    if spread is None:
        return
    yield from _average(found, base, name, of, unit, spread.mean)
    for word, part, figure in (
        ("median", "half", spread.median),
        ("twentieth", "one in twenty", spread.twentieth),
        ("hundredth", "one in a hundred", spread.hundredth),
    ):
        says = f"The {name} that {part} of the draws passes" if word != "median" else f"The {name} of the middle draw"
        yield from _quantile(found, at(base, word), says, of, unit, figure)
    yield _worst(found, at(base, "worst"), f"The {name} of the dearest draw", of, unit, spread.worst)


def _average(
    found: Simulation, base: str, name: str, of: Of, unit: str, figure: SampledFigure
) -> Iterator[NamedFigure]:
    values = [value for each in found.known if (value := of(each)) is not None]
    own = (
        Operand(f"the {name} of all draws, added up", sum(values, Decimal(0)), unit),
        Operand("draws", Decimal(len(values)), ""),
    )
    address = at(base, "mean")
    yield NamedFigure(address, figure.value, unit, f"The {name} of a draw, on average", "the draws", "ratio", own)
    yield from _interval(address, figure, unit, "1.96 standard errors of a mean on either side (central limit)")


def _interval(address: str, figure: SampledFigure, unit: str, origin: str) -> Iterator[NamedFigure]:
    """Both ends of what holds the truth in 95% of cases, and half of what lies between."""
    if figure.low is None or figure.high is None:
        return
    ends = []
    for word, value in (("high", figure.high), ("low", figure.low)):
        says = f"The {word} end of the interval that holds the true `{address}` in 95% of cases"
        yield NamedFigure(at(address, word), value, unit, says, origin)
        ends.append(Operand(f"the {word} end", value, unit, at(address, word)))
    by = (figure.high - figure.low) / 2
    says = f"Half of the interval that holds the true `{address}` in 95% of cases (±)"
    yield NamedFigure(at(address, "by"), by, unit, says, "", "half", tuple(ends))


def _quantile(
    found: Simulation, address: str, says: str, of: Of, unit: str, figure: SampledFigure
) -> Iterator[NamedFigure]:
    origin = f"{_drawn(found, of, figure.value)}: the draws in order of what they come to"
    yield NamedFigure(address, figure.value, unit, says, origin)
    yield from _interval(
        address, figure, unit, "two of the draws in order, as far apart as the binomial distribution asks"
    )


def _worst(found: Simulation, address: str, says: str, of: Of, unit: str, value: Decimal) -> NamedFigure:
    return NamedFigure(address, value, unit, says, _drawn(found, of, value))


def _drawn(found: Simulation, of: Of, value: Decimal) -> str:
    """Which draw has a value."""
    draw = next((each.index for each in found.known if of(each) == value), None)
    return "a draw" if draw is None else f"draw {draw} (of seed {found.seed})"


def _compared(found: Simulation) -> Iterator[NamedFigure]:
    """The mean against where nothing happens, and against who knows each draw."""
    spread, unit = found.spread(lambda draw: draw.cost), found.currency
    if spread is not None and found.calm is not None:
        both = (
            Operand("on average", spread.mean.value, unit, "cost/mean"),
            Operand("where nothing happens", found.calm, unit, "calm"),
        )
        says = "How much more a draw costs on average than where nothing happens"
        yield NamedFigure("more-than-calm", both[0].value - both[1].value, unit, says, "", "difference", both)
    pairs = [(each.cost, each.best.cost) for each in found.known if each.cost is not None and each.best is not None]
    if pairs:
        more = mean([cost - best for cost, best in pairs])
        says = "How much more the gateway's order costs than a dispatch by somebody who knows each draw, on average"
        own = (
            Operand("that difference of all draws, added up", sum((a - b for a, b in pairs), Decimal(0)), unit),
            Operand("draws", Decimal(len(pairs)), ""),
        )
        yield NamedFigure("more-than-best", more.value, unit, says, "the draws", "ratio", own)
        yield from _interval("more-than-best", more, unit, "1.96 standard errors of a mean on either side")


def _served(found: Simulation, base: str, what: str, lost: Distribution, of: Of) -> Iterator[NamedFigure]:
    """A part close to all: on average, in the worst draw of twenty, in the worst of all."""
    yield NamedFigure(at(base, "mean"), ONE - lost.mean.value, PART, f"On average, {what}", "the mean of all draws")
    for word, says, value in (
        ("twentieth", f"In one draw of twenty less than this is {what}", ONE - lost.twentieth.value),
        ("worst", f"In the worst draw, {what}", ONE - lost.worst),
    ):
        yield NamedFigure(at(base, word), value, PART, says, _drawn(found, of, value))


def _chance(found: Simulation, name: str) -> Iterator[NamedFigure]:
    short, address = found.short(name), at("served", name, "some-lost")
    missed = sum(each.availability.get(name, ONE) < 1 for each in found.known)
    own = (
        Operand("draws in which some is lost", Decimal(missed), ""),
        Operand("draws", Decimal(len(found.known)), ""),
    )
    says = f"How likely it is that some work of `{name}` is not served"
    yield NamedFigure(address, short.value, PART, says, "the draws, counted", "ratio", own)
    yield from _interval(address, short, PART, "Wilson's interval of a proportion")
    known = [each.best.availability.get(name, ONE) for each in found.known if each.best is not None]
    if known:
        says = f"The part of `{name}` that somebody who knows each draw could serve, on average"
        yield NamedFigure(
            at("served", name, "best"), mean(known).value, PART, says, "each draw, dispatched at least cost"
        )
