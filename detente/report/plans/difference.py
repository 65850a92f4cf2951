"""Why two plans of a case differ: what costs more, which work moves, which clauses bind in one and not in the other.

Owns: choosing and wording what both plans hold; it explains a price, a provider's leverage, and an outcome. Not here:
which plans (``outcomes.counterpart``), and why one plan is as it is (``explanation``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from detente.outcomes.counterpart import Counterpart
from detente.outcomes.estimate import Estimate, LeastCost
from detente.report.estimates import bar, told
from detente.report.numerals import count, listed, percent, ticked
from detente.report.plans import answer, digest
from detente.report.plans.bridge import bridge
from detente.report.plans.explanation import Explanation, Line
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.values.money import CENT, shown
from detente.values.period import named

TOLD = Decimal("0.0001")
"""A part of a cost from which on a change is told."""

MAX_WINDOWS = 3


def why_different(subject: str, other: Counterpart, first: Plan, second: Plan | Conflict) -> Explanation:
    """What a number comes from: the plan of the case, and that of its counterpart."""
    if isinstance(second, Conflict):
        names = ", ".join(clash.version.name for clash in second.clauses) or "capacity and demand alone"
        headline = f"{_without(other, first, second)} there is no plan: {names} cannot be met together"
        return Explanation(subject, other.kind, first.reading, headline, tuple(Line(fact) for fact in second.facts))
    lines = [*_bound(other, first), *_causes(first, second), *_paid(first, second)]
    lines += [*_moved(first, second), *_unserved(first, second), *_binding(first, second)]
    return Explanation(subject, other.kind, first.reading, _headline(other, first, second), tuple(lines))


def _without(other: Counterpart, first: Plan, second: Plan | Conflict) -> str:
    """What the counterpart is; and its reading, where it is another one."""
    words = {"outcome": f"in the outcome `{other.name}`", "deal": f"with `{other.name}` signed"}
    said = words.get(other.kind, f"without `{other.name}`")
    return said if second.reading in (None, first.reading) else f"{said}, under the reading `{second.reading}`,"


def _headline(other: Counterpart, first: Plan, second: Plan) -> str:
    """The number, with its error bar: how much more the counterpart costs."""
    more = Estimate.difference(LeastCost(second.cost, second.bound), LeastCost(first.cost, first.bound))
    found = more.negative if more.amount < 0 else more
    amount = " ".join(filter(None, [told(found, first.currency), bar(found, first.currency)]))
    costs = f"{shown(second.cost, first.currency, 5)} in place of {shown(first.cost, first.currency, 5)}"
    word = "as much" if amount == "nothing" else f"{amount} {'less' if more.amount < 0 else 'more'}"
    return f"{_without(other, first, second)} the plan costs {word} ({costs})"


def _bound(other: Counterpart, first: Plan) -> Iterator[Line]:
    """Of a clause: in which windows it binds in the plan, the dearest first."""
    if other.kind != "price":
        return
    prices = [price for row in first.clauses if row.term == other.name for price in row.marginal]
    if not prices:
        yield Line("it binds in no window of the plan: a small change of it would not change the plan", (other.name,))
        return
    dearest = sorted(prices, key=lambda each: -each.price)[:MAX_WINDOWS]
    when = [f"{named(p.start, p.end)} ({shown(p.price)} {p.unit})" for p in dearest]
    more = f", and {count(len(prices) - len(dearest), 'more window')}" if len(prices) > len(dearest) else ""
    yield Line(f"it binds in {listed(when, MAX_WINDOWS)}{more}", (other.name,))


def _causes(first: Plan, second: Plan) -> Iterator[Line]:
    """What costs more or less, the largest first; what is too little to tell is left out."""
    for step in sorted(bridge(first, second), key=lambda step: -abs(step.change)):
        if _matters(step.change, first):
            given_back = step.before <= 0 and step.after <= 0
            yield Line(f"{step.cause.several}: {_changed(-step.change if given_back else step.change, first.currency)}")


def _matters(change: Decimal, first: Plan) -> bool:
    return abs(change) >= max(CENT, abs(first.cost) * TOLD)


def _changed(change: Decimal, currency: str) -> str:
    return f"{shown(abs(change), currency)} {'more' if change > 0 else 'less'}"


def _paid(first: Plan, second: Plan) -> Iterator[Line]:
    """Who is paid more for compute, and who less."""
    before, after = ({p.provider: p.spend for p in plan.providers} for plan in (first, second))
    names = digest.names([first, second])
    changes = {name: after.get(name, Decimal(0)) - before.get(name, Decimal(0)) for name in {**before, **after}}
    for name, change in sorted(changes.items(), key=lambda item: -abs(item[1])):
        if _matters(change, first):
            yield Line(f"spend at {names[name]}: {_changed(change, first.currency)}")


def _moved(first: Plan, second: Plan) -> Iterator[Line]:
    """Which work moves, and the clauses that the other plan cites for it."""
    names = digest.names([first, second])
    for move in answer.moves(first, second):
        share = f"from {percent(move.before)} to {percent(move.after)} of its work"
        yield Line(f"`{move.workload}` on {names[move.provider]} goes {share}", move.terms)


def _unserved(first: Plan, second: Plan) -> Iterator[Line]:
    """Work that goes unserved in the other plan, and did not."""
    before = {missing.workload.workload: missing.share for missing in digest.unserved(first)}
    for missing in digest.unserved(second):
        name = missing.workload.workload
        if missing.share > before.get(name, Decimal(0)):
            yield Line(f"`{name}` goes without {percent(missing.share)} of its demand")


def _binding(first: Plan, second: Plan) -> Iterator[Line]:
    """Clauses that bind in one plan and not in the other, with the windows in which they begin to."""
    before, after = ({row.term: row for row in plan.clauses if row.binds} for plan in (first, second))
    for name, row in after.items():
        if name not in before:
            when = [named(price.start, price.end) for price in row.marginal]
            more = f", in {listed(list(dict.fromkeys(when)), MAX_WINDOWS)}" if when else ""
            yield Line(f"`{name}` begins to bind{more}", (name,))
    ended = [name for name in before if name not in after and any(row.term == name for row in second.clauses)]
    if ended:
        yield Line(f"{ticked(ended)} {'binds' if len(ended) == 1 else 'bind'} no longer", tuple(ended))
