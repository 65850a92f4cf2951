"""One colour a provider, the same in every chart of a report.

Owns: which provider has which colour class. Not here: the colours (the style sheet), which are those of Okabe and Ito,
told apart by people with any kind of colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence

from detente.report.drawing.chart import BarPart
from detente.report.drawing.svg import COLOURS
from detente.report.numerals import percent
from detente.report.plans import digest
from detente.results.plan import Plan
from detente.values.money import shown

OTHERS = "cx"


class Palette:
    """Colours by provider over several plans; what comes after the eighth in spend shares one."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.names = digest.names(plans)
        spend = dict.fromkeys(self.names, 0.0)
        for plan in plans:
            for p in plan.providers:
                spend[p.provider] += float(p.spend) + 1e-9 * bool(any(p.work.values()))
        order = sorted(self.names, key=lambda p: -spend[p])[:COLOURS]
        kept = [p for p in self.names if p in order and spend[p]]
        self._more = any(spend[p] for p in self.names if p not in order)
        self._colours = {p: f"c{index}" for index, p in enumerate(kept)}

    def colour(self, provider: str) -> str:
        """Its class."""
        return self._colours.get(provider, OTHERS)

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Classes and names, in the order of charts."""
        found = [(c, self.names[p]) for p, c in self._colours.items()]
        return [*found, (OTHERS, "other providers")] if self._more else found

    def of(self, plan: Plan) -> list[tuple[str, str]]:
        """The legend of one plan: only those with whom it runs work or spends."""
        used = {self.colour(p.provider) for p in plan.providers if p.spend or any(p.work.values())}
        return [(colour, name) for colour, name in self.legend if colour in used]

    def spend(self, plan: Plan) -> list[BarPart]:
        """A bar of a plan's spend."""
        return [
            BarPart(
                self.names[p.provider],
                self.colour(p.provider),
                float(p.share_of_spend),
                f"{self.names[p.provider]}: {percent(p.share_of_spend)}, {shown(p.spend, plan.currency)}",
            )
            for p in plan.providers
        ]
