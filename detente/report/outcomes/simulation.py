"""What could go wrong, in words and on a terminal.

Owns: the words around a simulation's figures, and which tables stand in which order. Not here: making draws
(``outcomes.draws.simulating``), laying out (``layout``), and the page (``simulation_page``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from rich.console import Console

from detente.outcomes.draws.simulation import Distribution, SampledFigure, SimulatedDraw, Simulation, WorkSender, mean
from detente.report.layout import Row, say, table, title
from detente.report.numerals import count, percent, ticked
from detente.values.money import CENT, shown

ONE = Decimal(1)
COSTS: dict[str, Callable[[SimulatedDraw], Decimal | None]] = {
    "cost": lambda draw: draw.cost,
    "fees for what falls short": lambda draw: draw.fees,
    "value of what is not served": lambda draw: draw.unserved_value,
}
"""The figures of a draw in money, by what they are called."""

HELD = (
    "What the plan bought for some time is held as it is, and the rest is dispatched anew in each draw, with units by "
    "the hour that may be divided."
)

ROUTED = (
    "What the plan bought for some time is held as it is. Calls go where the gateway's own order sends them while it "
    "follows the plan: it knows nothing of what is still to come."
)
SENT: dict[WorkSender, str] = {
    "gateway": "Sent so: {}.",
    "no-deployment": "Dispatched around that at the least cost, since no deployment serves it: {}.",
    "no-calls": "Dispatched so too, since GPU-hours are no calls: {}.",
    "waits": "What waits runs in what is left: {}.",
}
"""Who says where work goes, dispatched live."""


def how(found: Simulation) -> str:
    """How draws were dispatched."""
    if found.dispatch == "cost":
        return HELD
    names = {sender: [name for name, by in found.senders.items() if by == sender] for sender in SENT}
    return " ".join([ROUTED, *(SENT[sender].format(ticked(some, 8)) for sender, some in names.items() if some)])


# -- words -----------------------------------------------------------------------------------------------------------
def opening(found: Simulation) -> list[str]:
    """What the draws say, in a few sentences."""
    cost = found.spread(lambda draw: draw.cost)
    if cost is None:
        return [f"In none of {count(len(found.draws), 'draw')} could all clauses be met."]
    currency, n = found.currency, len(found.known)
    said = [f"Over {count(n, 'draw')} the plan costs {_mean(cost.mean, currency)} on average{_more(found, cost)}."]
    said.append(f"In one draw of twenty it costs {shown(cost.twentieth.value, currency, 4)} or more.")
    said += [*_hidden(found), *_fees(found)]
    if found.unmet:
        said.append(f"In {count(found.unmet, 'draw')} the clauses could not all be met; they count in no figure.")
    return [*said, *_least_available(found)]


def _mean(figure: SampledFigure, currency: str) -> str:
    if figure.low is None or figure.high is None:
        return shown(figure.value, currency, 4)
    by = (figure.high - figure.low) / 2
    within = f" (± {shown(by)})" if by >= CENT else ""
    return f"{shown(figure.value, currency, 4)}{within}"


def _more(found: Simulation, cost: Distribution) -> str:
    """Against what it costs where nothing happens."""
    if found.calm is None:
        return ""
    more = cost.mean.value - found.calm
    if abs(more) < CENT:
        return ", as where nothing happens"
    return f", {shown(abs(more), found.currency)} {'more' if more > 0 else 'less'} than where nothing happens"


def _fees(found: Simulation) -> list[str]:
    fees = found.spread(lambda draw: draw.fees)
    if fees is None or fees.worst < CENT:
        return []
    return [f"Fees for what falls short come to {_mean(fees.mean, found.currency)} on average."]


def _hidden(found: Simulation) -> list[str]:
    """What the gateway's order costs more than a dispatch that knows the whole draw; and what it does not keep."""
    both = [(each.cost, each.best.cost) for each in found.known if each.cost is not None and each.best is not None]
    if found.dispatch != "live" or not both:
        return []
    more = mean([cost - best for cost, best in both])
    if abs(more.value) < CENT:
        said = ["Even somebody who knows each draw could not dispatch it for less."]
    else:
        by = _mean(more if more.value > 0 else mean([best - cost for cost, best in both]), found.currency)
        side = "less" if more.value > 0 else "more"
        said = [f"Dispatched by somebody who knows each draw, it would cost {by} {side} on average."]
    missed = Counter(name for each in found.known for name in each.missed)
    return said + [f"`{name}` is not kept in {count(times, 'draw')}." for name, times in missed.most_common()]


def _least_available(found: Simulation) -> list[str]:
    """The workload that is served least."""
    rows = {name: lost.mean.value for name in workloads(found) if (lost := lost_of(found, name)) is not None}
    if not rows or max(rows.values()) <= 0:
        return ["All work is served in every draw."] if rows else []
    least = max(rows, key=lambda name: rows[name])
    return [f"Least is served of `{least}`: {nines(ONE - rows[least])} on average."]


def workloads(found: Simulation) -> list[str]:
    """Whose availability is known, in their order."""
    return list(dict.fromkeys(name for draw in found.draws for name in draw.availability))


def lost_of(found: Simulation, workload: str) -> Distribution | None:
    """How the part of a workload that is not served is distributed."""
    return found.spread(lambda draw: ONE - draw.availability.get(workload, ONE))


def own_of(found: Simulation, provider: str) -> Distribution | None:
    """How the part of time for which a provider is out is distributed."""
    return found.spread(lambda draw: ONE - draw.own.get(provider, ONE))


def nines(part: Decimal) -> str:
    """A part close to all of it, in percent, to three digits of what is missing: ``99.982%``."""
    missing = (ONE - part) * 100
    if missing <= 0:
        return "100%"
    places = max(1, 1 - missing.adjusted())
    return f"{100 - missing:.{min(places, 7)}f}%"


def heads() -> list[str]:
    """Of the columns of a distribution."""
    return ["", "on average", "", "median", "1 in 20", "1 in 100", "worst"]


def cost_rows(found: Simulation) -> list[list[str]]:
    """Figures in money: mean with its interval, then what is passed more and more seldom."""
    rows = []
    for name, of in COSTS.items():
        spread = found.spread(of)
        if spread is not None and (name == "cost" or spread.worst >= CENT):
            rows.append([name, *_cells(spread, found.currency)])
    return rows


def _cells(spread: Distribution, currency: str) -> list[str]:
    mean = spread.mean
    by = "" if mean.low is None or mean.high is None else f"± {shown((mean.high - mean.low) / 2)}"
    values = (spread.median.value, spread.twentieth.value, spread.hundredth.value, spread.worst)
    return [shown(mean.value, currency, 4), by, *(shown(value, digits=4) for value in values)]


def available_heads(found: Simulation) -> list[str]:
    """Of the columns of availability."""
    best = ["best possible"] if found.dispatch == "live" else []
    return ["", "on average", "1 in 20 is below", "worst", "some is lost in", *best]


def own_heads(found: Simulation) -> list[str]:
    """Of the columns of the providers' own."""
    return available_heads(found)[:4]


def available_rows(found: Simulation) -> list[list[str]]:
    """Workload by workload: what its customers see."""
    rows = []
    for name in workloads(found):
        lost = lost_of(found, name)
        if lost is not None:
            rows.append([name, *_parts(lost), _chance(found.short(name)), *_best_served(found, name)])
    return rows


def _best_served(found: Simulation, workload: str) -> list[str]:
    """What of a workload could be served on average, by who knows each draw."""
    known = [each.best.availability.get(workload, ONE) for each in found.known if each.best is not None]
    return [nines(mean(known).value)] if known else []


def own_rows(found: Simulation) -> list[list[str]]:
    """Provider by provider: its own availability."""
    names = dict.fromkeys(name for draw in found.draws for name in draw.own)
    spreads = {name: own_of(found, name) for name in names}
    return [[name, *_parts(out)] for name, out in spreads.items() if out is not None]


def _parts(lost: Distribution) -> list[str]:
    return [nines(ONE - value) for value in (lost.mean.value, lost.twentieth.value, lost.worst)]


def _chance(figure: SampledFigure) -> str:
    if figure.low is None or figure.high is None:
        return percent(figure.value)
    return f"{percent(figure.value)} ({percent(figure.low)} to {percent(figure.high)}) of draws"


def stopped(found: Simulation) -> str:
    """What ended the work before all draws were made; empty where nothing did."""
    if found.status == "complete":
        return ""
    why = "the time limit" if found.status == "time-limit" else "Ctrl-C"
    left = found.wanted - len(found.draws)
    return f"Stopped by {why}: {count(left, 'draw')} left. The same command with the same `--out` goes on from there."


# -- on a terminal ---------------------------------------------------------------------------------------------------
def simulation_view(found: Simulation, console: Console) -> None:
    """The answer, then money, what customers see, and the providers' own."""
    title(console, found.title, found.reading, found.scenario)
    say(console, " ".join(opening(found)))
    rows: list[Row] = [*cost_rows(found)]
    table(console, f"What it costs, {found.currency}", heads(), rows, right=range(1, 7), most=len(rows))
    served: list[Row] = [*available_rows(found)]
    right = (1, 2, 3, 5)
    table(console, "What is served", available_heads(found), served, right=right, most=len(served))
    own: list[Row] = [*own_rows(found)]
    table(console, "Each provider's own availability", own_heads(found), own, right=(1, 2, 3), most=len(own))
    say(console, how(found), indent=2, style="dim")
    if found.status != "complete":
        say(console, stopped(found), style="bold")
