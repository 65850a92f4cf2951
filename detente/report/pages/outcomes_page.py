"""Outcomes side by side, as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its pictures. Not here: words (``outcomes``), markup (``templates/outcomes.html``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from detente.outcomes.choices.comparison import Comparison, Swing
from detente.outcomes.estimate import Estimate
from detente.report.drawing.bars import Bar, bars
from detente.report.drawing.svg import both
from detente.report.figures.comparison import comparison_figures
from detente.report.numerals import listed, signed
from detente.report.outcomes import outcomes as words
from detente.report.pages.template import page


def render_comparison(found: Comparison) -> str:
    """The page: the answer, each choice, what would change it, and all outcomes side by side."""
    against, swings = list(_against(found)), list(_advantages(found))
    return page(
        "outcomes.html",
        found=found,
        figures=list(comparison_figures(found)),
        lead=words.opening(found),
        stopped=words.stopped(found),
        heads=words.choice_heads(found),
        choices=words.choice_rows(found),
        against=both(lambda width: bars(against, "Each outcome against today", width)) if against else "",
        tornado=both(lambda width: bars(swings, "What would change the choice", width)) if swings else "",
        columns=words.every(found),
        lines=words.lines(found),
        duties=words.duties(found),
        chance=words.chance,
        hindsight=words.HINDSIGHT,
    )


def _against(found: Comparison) -> Iterator[Bar]:
    """What each outcome costs more or less than the case as it is."""
    today = found.baseline.cost
    if today is None:
        return
    for column in found.outcomes:
        if column.cost is not None:
            more = Estimate.difference(column.cost, today)
            words_of = signed(more.amount, found.currency)
            colour = "gives" if more.amount < 0 else "takes"
            yield Bar(column.name, float(more.amount), float(more.low), float(more.high), words_of, colour)


def _advantages(found: Comparison) -> Iterator[Bar]:
    """By how much the best choice is better than the next, as each probability moves; the widest first."""
    if found.best is None or len(found.choices) < 2:
        return
    for swing in sorted(found.swings, key=lambda swing: -swing.width):
        now = _advantage(found.best, swing, Fraction(swing.probability))
        reach = [_advantage(found.best, swing, Fraction(p)) for p in (0, 1)] + [now]
        flips = listed([words.chance(flip.probability) for flip in swing.flips])
        text = f"{signed(now, found.currency)}{f', changes at {flips}' if flips else ''}"
        yield Bar(swing.outcome, float(now), float(min(reach)), float(max(reach)), text, "gives")


def _advantage(best: str, swing: Swing, probability: Fraction) -> Decimal:
    """How much more the next choice costs at a probability; below 0 where it costs less."""
    others = [ends.at(probability) for choice, ends in swing.ends.items() if choice != best]
    difference = min(others) - swing.ends[best].at(probability)
    return Decimal(difference.numerator) / Decimal(difference.denominator)
