"""Outcomes side by side, in words and on a terminal.

Owns: the lines of the comparison, the words around them, and which tables stand in which order. Not here: finding
costs (``outcomes``), laying out (``layout``), and the page (``outcomes_page``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from detente.outcomes.choices.comparison import OURS, ChoiceRisk, Comparison, Duty, OutcomeColumn, Swing
from detente.outcomes.estimate import NOTHING
from detente.outcomes.saved import Status
from detente.report.estimates import told
from detente.report.layout import Row, say, table, title
from detente.report.numerals import count, exact, listed, percent, plural, price, quantity, signed, ticked
from detente.values.money import CENT, shown
from detente.values.quantity import in_percent

ACROSS = 4
"""Outcomes in one table of a terminal: more follow in a table of their own."""

NONE = "–"

WIDE = Decimal("0.01")
"""Of a plan's cost: what is not proven to within so much is shown with what is."""


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """A measure over all outcomes: what each cell says, and what it is exactly."""

    group: str
    name: str
    cells: tuple[tuple[str, str], ...]


# -- lines -----------------------------------------------------------------------------------------------------------
def lines(found: Comparison) -> list[MeasureLine]:
    """Measure by measure, a cell an outcome; the case as it is comes first."""
    columns, currency = every(found), found.currency
    return [
        *_cost(columns, currency),
        *_unserved(columns, currency),
        *_commitments(columns, currency),
        *_providers(columns, currency),
        *_dependency(columns),
        *_readings(columns),
        *_gains(columns, currency),
    ]


def every(found: Comparison) -> tuple[OutcomeColumn, ...]:
    """The case as it is, then each outcome."""
    return found.baseline, *found.outcomes


def _line(group: str, name: str, cells: Sequence[tuple[str, str]]) -> Iterator[MeasureLine]:
    """A line, unless nothing stands in it."""
    if any(text != NONE for text, _ in cells):
        yield MeasureLine(group, name, tuple(cells))


def _money(amount: Decimal | None, currency: str, digits: int = 3) -> tuple[str, str]:
    return (NONE, "") if amount is None else (shown(amount, currency, digits), exact(amount, currency))


def _some(amount: Decimal, currency: str) -> tuple[str, str]:
    """An amount, where there is one."""
    return _money(amount if abs(amount) >= CENT else None, currency)


def state(column: OutcomeColumn, currency: str) -> tuple[str, str]:
    """Its cost, or why there is none."""
    if column.cost is not None:
        return _money(column.cost.amount, currency, 4)
    return ("no plan", "") if column.planned else ("not planned", "")


def _colliding(column: OutcomeColumn) -> str:
    """The clauses of an outcome that collide; that it is none of them, where it has no plan even without."""
    impossible = column.planned and column.cost is None
    return ticked(column.collide) if column.collide else "no clause: what must be served" if impossible else NONE


def _cost(columns: Sequence[OutcomeColumn], currency: str) -> Iterator[MeasureLine]:
    chances = [(NONE, "") if c.choice is None else (percent(c.probability), exact(c.probability)) for c in columns]
    yield from _line("Cost", "probability", chances)
    yield from _line("Cost", "cost", [state(c, currency) for c in columns])
    yield from _line("Cost", "at least, proven", [_at_least(c, currency) for c in columns])
    yield from _line("Cost", "at present value", [_money(c.present_value, currency, 4) for c in columns])
    once = [_some(sum((o.amount for o in c.one_off), NOTHING), currency) for c in columns]
    yield from _line("Cost", "paid once", once)
    yield from _line("Cost", "moves", [_some(c.moving, currency) for c in columns])
    collide = [(_colliding(c), "") for c in columns]
    yield from _line("Cost", "clauses that collide", collide)


def _at_least(column: OutcomeColumn, currency: str) -> tuple[str, str]:
    """What the outcome costs in any plan, where that of this one is not within a hundredth of it."""
    cost = column.cost
    wide = cost is not None and cost.gap > abs(cost.amount) * WIDE
    return _money(cost.bound if cost is not None and wide else None, currency, 4)


def duties(found: Comparison) -> list[tuple[str, str, str, str, str]]:
    """What must be delivered: when, by whom, to whom, what, and in which outcomes."""
    rows: dict[Duty, list[str]] = {}
    for column in every(found):
        for duty in column.duties:
            rows.setdefault(duty, []).append(column.name)
    return [
        (str(d.due), d.by, d.to or NONE, d.what + (f" ({d.evidence})" if d.evidence else ""), listed(names))
        for d, names in sorted(rows.items(), key=lambda row: row[0].due)
    ]


def _unserved(columns: Sequence[OutcomeColumn], currency: str) -> Iterator[MeasureLine]:
    for name in dict.fromkeys(m.workload for c in columns for m in c.unserved):
        rows = [next((m for m in c.unserved if m.workload == name), None) for c in columns]
        cells = [(f"{percent(m.part)}", exact(m.work, plural(m.unit))) if m else (NONE, "") for m in rows]
        yield from _line("Not served", name, cells)
    worth = [_some(sum((m.cost for m in c.unserved), NOTHING), currency) for c in columns]
    yield from _line("Not served", "what that is worth", worth)


def _commitments(columns: Sequence[OutcomeColumn], currency: str) -> Iterator[MeasureLine]:
    met = [(NONE, "") if c.cost is None else (f"{c.met} of {c.met + len(c.short)}", "") for c in columns]
    yield from _line("Commitments", "met", met if any(c.met or c.short for c in columns) else [])
    for name in dict.fromkeys(s.term for c in columns for s in c.short):
        rows = [next((s for s in c.short if s.term == name), None) for c in columns]
        short = [(_amount(s.short, s.unit, currency), exact(s.short, s.unit)) if s else (NONE, "") for s in rows]
        yield from _line("Commitments", f"`{name}` short by", short)
        owed = [_some(s.owed, currency) if s else (NONE, "") for s in rows]
        yield from _line("Commitments", f"`{name}` owed for it", owed)


def _amount(value: Decimal, unit: str, currency: str) -> str:
    return shown(value, currency) if unit == currency else quantity(value, unit)


def _providers(columns: Sequence[OutcomeColumn], currency: str) -> Iterator[MeasureLine]:
    rows = [{p.provider: p for p in c.providers} for c in columns]
    names = {p.provider: p.name for c in columns for p in c.providers}
    for provider, name in names.items():
        own = [row.get(provider) for row in rows]
        cells = [(percent(p.share_of_spend), exact(p.spend, currency)) if p and p.spend else (NONE, "") for p in own]
        yield from _line("Share of spend", name, cells)
    for provider, name in names.items():
        own = [row.get(provider) for row in rows]
        for unit in dict.fromkeys(u for p in own if p for u in p.effective_price):
            prices = [p.effective_price.get(unit) if p else None for p in own]
            cells = [(NONE, "") if each is None else (price(each), exact(each, currency)) for each in prices]
            yield from _line(f"{currency} per {unit}", name, cells)


def _dependency(columns: Sequence[OutcomeColumn]) -> Iterator[MeasureLine]:
    rows = [c.dependency for c in columns]
    hhi = [(price(d.concentration), exact(d.concentration)) if d else (NONE, "") for d in rows]
    yield from _line("Dependency", "concentration (HHI)", hhi)
    units = list(dict.fromkeys(unit for d in rows if d for unit in d.margin))
    for unit in units:
        name = "goes on if one is lost" if len(units) == 1 else f"{plural(unit)} that go on if one is lost"
        cells = [
            (percent(d.margin[unit]), f"without {d.hardest[unit]}") if d and unit in d.margin else (NONE, "")
            for d in rows
        ]
        yield from _line("Dependency", name, cells)


def _readings(columns: Sequence[OutcomeColumn]) -> Iterator[MeasureLine]:
    for term, reading in dict.fromkeys((b.term, b.reading) for c in columns for b in c.breaches):
        own = [next((b for b in c.breaches if (b.term, b.reading) == (term, reading)), None) for c in columns]
        cells = [(NONE, "") if b is None else _forbidden(b.work) for b in own]
        yield from _line("Would be forbidden", f"`{term}` read as `{reading}`", cells)


def _forbidden(work: dict[str, Decimal] | None) -> tuple[str, str]:
    if work is None:
        return "plan it to see", ""
    if not work:
        return "nothing", ""
    return listed([quantity(w, u) for u, w in work.items()]), listed([exact(w, plural(u)) for u, w in work.items()])


def _gains(columns: Sequence[OutcomeColumn], currency: str) -> Iterator[MeasureLine]:
    names = {OURS: "we"} | {p.provider: p.name for c in columns for p in c.providers}
    known = [c.gains or {} for c in columns]
    for party in dict.fromkeys(party for each in known for party in each):
        amounts = [each.get(party, NOTHING) for each in known]
        cells = [(signed(a, currency), exact(a, currency)) if abs(a) >= CENT else (NONE, "") for a in amounts]
        yield from _line("Gain or loss against today", names.get(party, party), cells)


# -- words -----------------------------------------------------------------------------------------------------------
def opening(found: Comparison) -> list[str]:
    """What the comparison says, in a few sentences."""
    return [*_which(found), *_all_turns(found), *_worst(found), *_waiting(found)]


def _all_turns(found: Comparison) -> Iterator[str]:
    """At which probabilities another choice is best."""
    swings = [swing for swing in found.swings if _tells(found, swing)]
    yield from (_turns(swing) for swing in swings if swing.flips)
    steady = [swing.outcome for swing in swings if not swing.flips]
    if steady:
        yield f"The best choice is the same whatever the probability of {ticked(steady)}."


def _which(found: Comparison) -> Iterator[str]:
    known = {c.choice: c.weighed.amount for c in found.choices if c.weighed is not None}
    if found.best is None:
        unknown = [c for c in found.choices if c.mean is None]
        why = [f"of `{c.choice}` {_unknown(c)}" for c in unknown]
        yield f"Which choice is best cannot be told: {listed(why)}."
        return
    best = known.pop(found.best)
    of = " on average" if found.swings else ""
    if found.weight:
        of = f", where the dearest {percent(1 - found.level)} counts {percent(found.weight)} and the mean the rest"
    text = f"`{found.best}` costs least{of}: {shown(best, found.currency, 4)}"
    if known:
        second = min(known, key=lambda choice: known[choice])
        text += f"; next comes `{second}`, with {shown(known[second] - best, found.currency)} more"
    yield f"{text}."
    if not found.sure:
        yield "The error bars of the plans are wider than that: plan with a smaller `--gap`."


def _unknown(choice: ChoiceRisk) -> str:
    """Why the mean of a choice is not known."""
    if choice.news == "no-plan":
        return "no plan suits all outcomes until the news"
    if choice.news == "too-large":
        return "its outcomes are more than this machine can plan together: leave out events, or plan in longer periods"
    return "an outcome has no plan" if choice.expected is None else "the plan before the news was not found in time"


def _waiting(found: Comparison) -> Iterator[str]:
    """What it is worth to know more, and to plan for more than the likeliest outcome."""
    for c in found.choices:
        if c.before is None:
            continue
        worth = told(c.before.information, found.currency)
        yield f"With `{c.choice}`, to know from the first day how things end would be worth {worth}."
        if c.before.likeliest is not None and c.before.likeliest >= CENT:
            more = shown(c.before.likeliest, found.currency)
            yield f"To plan until then as if the likeliest outcome were sure would cost {more} more on average."
        if c.before.for_mean is not None and c.before.for_mean >= CENT:
            more = shown(c.before.for_mean, found.currency)
            yield f"To plan until then for the mean of the outcomes would cost {more} more on average."


def _tells(found: Comparison, swing: Swing) -> bool:
    return len(found.choices) > 1 and swing.width >= CENT


def _turns(swing: Swing) -> str:
    """At which probability another choice is best."""
    stated = f"`{swing.outcome}` ({percent(swing.probability)} in the case)"
    parts = [f"`{f.above}` above {chance(f.probability)}" for f in swing.flips]
    return f"As the probability of {stated} rises, the best choice is `{swing.flips[0].below}`, then {listed(parts)}."


def chance(probability: Decimal) -> str:
    """A probability to a tenth of a percent: ``87.5%``."""
    return in_percent(round(probability, 3))


def _worst(found: Comparison) -> Iterator[str]:
    known = [c for c in found.choices if c.worst is not None and c.regret is not None]
    if len(known) < 2 or not found.swings:
        return
    least = min(known, key=lambda c: c.worst or CENT)
    safest = min(known, key=lambda c: c.regret.most if c.regret else CENT)
    yield f"The least bad worst case is that of `{least.choice}`: {shown(least.worst or CENT, found.currency, 4)}."
    assert safest.regret is not None
    if safest.regret.most < CENT:
        yield f"No other choice would have been better than `{safest.choice}`, whatever happens."
        return
    most = shown(safest.regret.most, found.currency)
    yield f"Least is regretted with `{safest.choice}`: at most {most}, whatever happens."


HINDSIGHT = "Each outcome here is planned as if all of it were known from the first day."


def stopped(found: Comparison) -> str:
    """What ended the work before all was found; empty where nothing did."""
    return _stopped(found.status, sum(not c.planned for c in every(found)))


def _stopped(status: Status, left: int) -> str:
    if status == "complete":
        return ""
    why = "the time limit" if status == "time-limit" else "Ctrl-C"
    what = f"{count(left, 'outcome')} left" if left else "plans are the best found until then"
    return f"Stopped by {why}: {what}."


def choice_rows(found: Comparison) -> list[list[str]]:
    """Choice by choice: mean, worst, tail, regrets."""
    rows = []
    for c in found.choices:
        mean, known = (None if each is None else each.amount for each in (c.mean, c.expected))
        regret = (None, None) if c.regret is None else (c.regret.most, c.regret.mean)
        amounts = (mean, known, c.worst, c.tail, *regret)
        rows.append([c.choice, *("not known" if a is None else shown(a, found.currency, 4) for a in amounts)])
    return rows


def choice_heads(found: Comparison) -> list[str]:
    """Of those columns."""
    dearest = f"dearest {percent(1 - found.level)}"
    return ["choice", "on average", "if all were known", "worst", dearest, "regret, most", "regret, on average"]


# -- on a terminal ---------------------------------------------------------------------------------------------------
def comparison_view(found: Comparison, console: Console) -> None:
    """The answer, each choice, and all outcomes side by side."""
    title(console, found.title, found.reading, found.scenario)
    say(console, " ".join(opening(found)))
    table(console, "Each choice", choice_heads(found), choice_rows(found), right=range(1, 7), most=len(found.choices))
    delivered = [[when, by, what, where] for when, by, _, what, where in duties(found)]
    table(console, "What must be delivered", ["due", "by", "what", "in"], delivered, most=len(delivered))
    columns, rows = every(found), lines(found)
    for start in range(1, len(columns), ACROSS - 1):
        own = [0, *range(start, min(start + ACROSS - 1, len(columns)))]
        _table(console, [columns[at].name for at in own], rows, own)
    say(console, HINDSIGHT, indent=2, style="dim")
    if found.status != "complete":
        say(console, stopped(found), style="bold")


def _table(console: Console, heads: Sequence[str], rows: Sequence[MeasureLine], own: Sequence[int]) -> None:
    inside: list[Row] = []
    for group in dict.fromkeys(row.group for row in rows):
        cells = [
            [f"  {row.name.replace('`', '')}", *(row.cells[at][0] for at in own)] for row in rows if row.group == group
        ]
        if any(text != NONE for row in cells for text in row[1:]):
            inside += [[Text(group, style="dim"), *("" for _ in own)], *cells]
    table(console, "Outcomes side by side", ["", *heads], inside, right=range(1, len(own) + 1), most=len(inside))
