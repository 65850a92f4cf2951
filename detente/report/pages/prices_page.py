"""What each clause costs, as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its pictures. Not here: words (``prices``), markup (``templates/prices.html``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.sweep import NumberSweep
from detente.report.drawing.bars import Bar, bars
from detente.report.drawing.curve import curve
from detente.report.drawing.svg import both
from detente.report.estimates import bar, told
from detente.report.figures.prices import price_figures
from detente.report.figures.sweep import sweep_figures
from detente.report.outcomes import prices as words
from detente.report.outcomes.sweep import swept
from detente.report.pages.template import page
from detente.report.plans.section_rows import units_worth

MAX_BARS = 30
"""Clauses that are drawn, the dearest and those that bring most; all stand in the table."""


def render_prices(found: ClausePrices) -> str:
    """The page of prices: the answer, the picture, a table of clauses, of agreements, and what is hidden."""
    return page(
        "prices.html",
        found=found,
        figures=list(price_figures(found)),
        lead=words.opening(found),
        stopped=words.stopped(found.status, words.unasked(found), "price"),
        picture=both(lambda width: bars(_bars(found), "The price of each clause", width)),
        ranked=words.ranked(found.clauses),
        price_of=words.price_of,
        bar=bar,
        today=words.today,
        dated=words.dated(found),
        worth=units_worth,
        moves=lambda clause: [words.move(each) for each in clause.moves],
        masked=words.masked,
    )


def render_sweep(found: NumberSweep) -> str:
    """The page of a sweep: the answer, the curve, and the cost at each value."""
    points = [(float(p.number), float(p.cost.amount)) for p in found.points if p.cost is not None]
    others = [
        (n, float(c.amount))
        for n, c in (("without the clause", found.without), ("without the agreement", found.unsigned))
        if c
    ]
    unit = f"{found.field}, {found.unit}" if found.unit else found.field
    name = f"Cost of the plan over {found.term}.{found.field}"
    return page(
        "sweep.html",
        found=found,
        figures=list(sweep_figures(found)),
        lead=swept(found),
        stopped=words.stopped(found.status, 0, "value"),
        picture=both(lambda width: curve(points, others, name, found.currency, unit, width)),
        kinks={k.number: k for k in found.kinks},
    )


def _bars(found: ClausePrices) -> list[Bar]:
    """The dearest and those that bring most."""
    priced = [c for c in words.ranked(found.clauses) if c.price is not None]
    kept = sorted(priced, key=lambda c: -abs(c.price.amount) if c.price else Decimal(0))[:MAX_BARS]
    rows = []
    for c in priced:
        if c in kept and c.price is not None:
            text = told(c.price, found.currency)
            colour = "gives" if c.price.amount < 0 else "takes"
            rows.append(Bar(c.term, float(c.price.amount), float(c.price.low), float(c.price.high), text, colour))
    return rows
