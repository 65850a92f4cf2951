"""Who needs whom more, as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its pictures. Not here: words (``leverage``), markup (``templates/leverage.html``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.outcomes.leverage.leverage import Leverage, ProviderLeverage
from detente.report.drawing.curve import curve
from detente.report.drawing.scales import ScaleRow, scales
from detente.report.drawing.svg import HALF, both
from detente.report.figures.leverage import leverage_figures
from detente.report.outcomes import leverage as words
from detente.report.outcomes.prices import stopped
from detente.report.pages.template import page


def render_leverage(found: Leverage) -> str:
    """The page: the answer, the picture of both sides, provider by provider, and the split."""
    left = sum(not each.loss.asked for each in found.providers)
    return page(
        "leverage.html",
        found=found,
        figures=list(leverage_figures(found)),
        lead=words.opening(found),
        stopped=stopped(found.status, left, "loss"),
        picture=both(lambda width: who_needs_whom(found, width)),
        words=words,
        drawn={each.provider: _curve(each, found.currency) for each in found.providers},
    )


def who_needs_whom(found: Leverage, width: int) -> str:
    """The one picture: to the left what each provider would lose, to the right what losing it would cost us."""
    rows = [_row(each, found.currency) for each in found.providers if each.loss.asked]
    return scales(rows, "it loses", "losing it costs us", "Who needs whom more", width)


def _row(each: ProviderLeverage, currency: str) -> ScaleRow:
    stake, cost = words.its_stake(each), each.loss.cost
    return ScaleRow(
        each.name,
        float(max(stake or Decimal(0), Decimal(0))),
        0.0 if cost is None else float(max(cost.amount, Decimal(0))),
        words.its_side(each, currency),
        words.our_side(each, currency),
        words.balance(each),
        "takes",
        boundless=cost is None or each.loss.stranded,
    )


def _curve(each: ProviderLeverage, currency: str) -> str:
    """What it sells us over its prices, in percent of today's."""
    if each.curve is None or not any(point.volume for point in each.curve.points):
        return ""
    points = [(float(p.factor * 100), float(p.volume)) for p in each.curve.points]
    name = f"What {each.name} sells us at other prices"
    return both(lambda width: curve(points, [], name, f"{currency}, at today's prices", "% of its prices", width), HALF)
