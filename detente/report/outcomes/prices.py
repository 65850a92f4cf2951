"""What each clause costs, in words and on a terminal.

Owns: the words around a price and what is told, and which tables stand in which order. Not here: finding prices
(``outcomes``), laying out (``layout``), the page (``prices_page``), and the sweep of one number (``sweep``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console

from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.saved import Status
from detente.outcomes.shapley import FairPart
from detente.outcomes.worth.prices import AgreementPrice, ClausePrice, ClausePrices, Masking, WorkMove
from detente.report.estimates import bar, telling, told
from detente.report.layout import Row, heading, say, table, title
from detente.report.numerals import count, listed, percent, quantity, ticked
from detente.report.plans.section_rows import units_worth
from detente.values.money import CENT, shown

MAX_POINTS = 60

AT_PRESENT = "at present value"


# -- words -----------------------------------------------------------------------------------------------------------
def price_of(each: ClausePrice | AgreementPrice, currency: str) -> str:
    """The price of a clause or an agreement, or why there is none."""
    if each.price is None:
        return "no plan without it" if each.asked else "not priced"
    return told(each.price, currency)


def today(price: Estimate | None, at_present: Decimal | None, currency: str) -> str:
    """What a price comes to at present value; nothing where the price itself cannot be told."""
    sure = price is not None and not price.vague and price.limit >= CENT
    return shown(at_present, currency) if sure and at_present is not None else ""


def dated(found: ClausePrices) -> bool:
    """Whether prices are told at present value too."""
    return any(c.today is not None for c in found.clauses) or any(a.today is not None for a in found.agreements)


def opening(found: ClausePrices) -> list[str]:
    """What the prices say, in a few sentences."""
    sentences = [f"The plan costs {shown(found.cost.amount, found.currency)}{_within(found.cost)}."]
    priced = [(c.term, c.price) for c in ranked(found.clauses) if c.price is not None]
    sure = [(name, each) for name, each in priced if not each.vague and each.limit >= CENT]
    if sure and sure[0][1].amount > 0:
        name, first = sure[0]
        part = f" ({percent(first.amount / found.cost.amount)})" if found.cost.amount > 0 else ""
        sentences.append(
            f"`{name}` costs most: without it the plan would cost {told(first, found.currency)} less{part}."
        )
    if sure and sure[-1][1].amount < 0:
        name, last = sure[-1]
        sentences.append(
            f"`{name}` brings most: without it the plan would cost {shown(-last.amount, found.currency)} more."
        )
    if len(priced) > len(sure):
        left = len(priced) - len(sure)
        sentences.append(f"Of {count(left, 'clause')} the price is zero within the error.")
    return sentences


def _within(cost: LeastCost) -> str:
    if not cost.amount or cost.gap <= abs(cost.amount) * Decimal("1e-9"):
        return ""
    return f", and no plan costs less by more than {percent(cost.gap / abs(cost.amount))}"


def stopped(status: Status, left: int, what: str) -> str:
    """What ended the work before all was found; empty where nothing did."""
    if status == "complete":
        return ""
    why = "the time limit" if status == "time-limit" else "Ctrl-C"
    return f"Stopped by {why}: {f'{count(left, what)} left' if left else 'all that is shown is complete'}."


def unasked(found: ClausePrices) -> int:
    """How many prices were not asked before the end."""
    return sum(not c.asked for c in found.clauses) + sum(not a.asked for a in found.agreements)


def masked(found: Masking, currency: str) -> str:
    """Clauses that hide each other's price, together and each one's fair part."""
    parts = [f"`{p.player}` {shown(p.amount, currency)}{_give_or_take(p, currency)}" for p in found.split]
    return (
        f"{ticked(found.terms, 8)} hide each other's price: without all of them the plan would cost "
        f"{told(found.joint, currency)} less. A fair split of it: {listed(parts, 8)}."
    )


def _give_or_take(part: FairPart, currency: str) -> str:
    """How far off a part may be, where that tells something that it does not."""
    return f" (± {shown(part.error, currency)})" if telling(part.error, part.amount) else ""


def move(each: WorkMove) -> str:
    """``1.2 bn GPU-hours more of `chat` with `azure```."""
    where = f"with `{each.provider}`" if each.provider else "not served"
    more = "more" if each.change > 0 else "less"
    return f"{quantity(abs(each.change), each.unit)} {more} of `{each.workload}` {where}"


def ranked(clauses: Sequence[ClausePrice]) -> list[ClausePrice]:
    """The dearest first, then those without a price, then what is granted; what was not priced comes last."""
    return sorted(clauses, key=lambda c: (c.price is None, -(c.price.amount if c.price else Decimal(0))))


# -- on a terminal ---------------------------------------------------------------------------------------------------
def prices_view(found: ClausePrices, console: Console) -> None:
    """Clause by clause, the dearest first; agreements as a whole; and what is hidden."""
    title(console, found.title, found.reading, found.scenario)
    say(console, " ".join(opening(found)))
    rows: list[Row] = [[c.term, *_figures(c, found.currency), units_worth(c.marginal)] for c in ranked(found.clauses)]
    heads = ["clause", "costs (below 0: brings)", "", AT_PRESENT, "price of one more unit"]
    wide = any(row[3] for row in rows)
    shape = _without(3, heads, rows, wide=wide)
    table(console, "What each clause costs", *shape, right=(1, 3)[: 1 + wide], most=len(rows))
    agreed: list[Row] = [
        [a.agreement, count(len(a.terms), "clause"), *_figures(a, found.currency)] for a in found.agreements
    ]
    heads = ["agreement", "", "costs", "", AT_PRESENT]
    wide = any(row[4] for row in agreed)
    shape = _without(4, heads, agreed, wide=wide)
    table(console, "Each agreement as a whole", *shape, right=(1, 2, 4)[: 2 + wide], most=len(agreed))
    if found.maskings:
        heading(console, "Clauses that hide each other's price")
    for each in found.maskings:
        say(console, masked(each, found.currency), indent=2)
    if found.pairs_left:
        pairs = count(found.pairs_left, "more pair")
        say(console, f"Not tried: {pairs} of clauses that may hide each other's price.", indent=2)
    left = unasked(found)
    if found.status != "complete":
        say(console, stopped(found.status, left, "price"), style="bold")


def _figures(each: ClausePrice | AgreementPrice, currency: str) -> list[str]:
    """A price, its error bar, and what it is at present value."""
    return [
        price_of(each, currency),
        bar(each.price, currency) if each.price else "",
        today(each.price, each.today, currency),
    ]


def _without(column: int, heads: list[str], rows: list[Row], *, wide: bool) -> tuple[list[str], list[Row]]:
    """A table with a column, or without it where nothing stands in it."""
    if wide:
        return heads, rows
    return [*heads[:column], *heads[column + 1 :]], [[*row[:column], *row[column + 1 :]] for row in rows]
