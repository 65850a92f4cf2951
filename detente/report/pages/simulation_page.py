"""What could go wrong, as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its picture. Not here: words (``simulation``), and markup
(``templates/simulation.html``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.outcomes.draws.simulation import Simulation
from detente.report.drawing.curve import curve
from detente.report.drawing.svg import both
from detente.report.figures.simulation import simulation_figures
from detente.report.outcomes import simulation as words
from detente.report.pages.template import page

MAX_POINTS = 200
"""Points of the picture; all draws stand in the JSON."""


def render_simulation(found: Simulation) -> str:
    """The page: the answer, what it costs, what is served beside each provider's own."""
    points = _points(found)
    others: list[tuple[str, float]] = []
    name = "The part of all draws that cost no more"
    return page(
        "simulation.html",
        found=found,
        figures=list(simulation_figures(found)),
        words=words,
        lead=words.opening(found),
        stopped=words.stopped(found),
        picture=both(lambda width: curve(points, others, name, "% of draws", f"cost, {found.currency}", width)),
    )


def _points(found: Simulation) -> list[tuple[float, float]]:
    """Cost, and the percentage of draws that cost no more."""
    costs = sorted(each.cost for each in found.known if each.cost is not None)
    n = len(costs)
    every = max(1, n // MAX_POINTS)
    kept = [*range(0, n, every), n - 1] if n else []
    return [(float(costs[at]), float(Decimal(100 * (at + 1)) / n)) for at in dict.fromkeys(kept)]
