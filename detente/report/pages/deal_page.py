"""Whether a deal can be signed, as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its pictures. Not here: words (``deal``), markup (``templates/deal.html``).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.outcomes.deals.deal import DealAnswer, UnderReading
from detente.report.drawing.bars import Bar, bars
from detente.report.drawing.svg import both
from detente.report.figures.deal import deal_figures
from detente.report.outcomes import deal as words
from detente.report.pages.template import page


def render_deal(found: DealAnswer) -> str:
    """The page: the answer; and under each reading what collides, the ways out, and what signing changes."""
    return page(
        "deal.html",
        found=found,
        figures=list(deal_figures(found)),
        words=words,
        stopped=words.STOPPED.get(found.status, ""),
        pictures=[_ways(row, found.currency) for row in found.readings],
    )


def _ways(row: UnderReading, currency: str) -> str:
    """What each way out costs more or less than not to sign; nothing where that is known of fewer than two."""
    some = list(_bars(row, currency))
    name = "Each way out against not signing"
    return both(lambda width: bars(some, name, width)) if len(some) > 1 else ""


def _bars(row: UnderReading, currency: str) -> Iterator[Bar]:
    for index, way in enumerate(row.ways, 1):
        if way.more is not None:
            more, colour = float(way.more), "gives" if way.more < 0 else "takes"
            yield Bar(f"{index}. {words.KINDS[way.kind]}", more, more, more, words.briefly(way.more, currency), colour)
