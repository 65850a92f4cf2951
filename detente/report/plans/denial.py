"""What clauses deny, told once a clause and not once an offer.

Owns: which denials are told together, and how their places are named. Not here: whether something is denied
(``contract/reach/verdict``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detente.report.numerals import count, ticked
from detente.results.plan_rows import Decision

FEW = 4
"""At most so many offers are named; of more, their number and the first."""


@dataclass(frozen=True, slots=True)
class KeptOff:
    """A workload that a clause keeps off some offers; ``sentence`` is the reason at the first of them.

    ``alike`` says that it is the reason at all of them.
    """

    workload: str
    term: str
    offers: tuple[str, ...]
    sentence: str
    alike: bool

    @property
    def places(self) -> str:
        """The offers: all of few, the number and the first of many."""
        names = ticked(self.offers, FEW)
        return names if len(self.offers) <= FEW else f"{count(len(self.offers), 'offer')} ({names})"

    @property
    def told(self) -> str:
        r"""``\`chat\` on 7 offers (…)``."""
        return f"`{self.workload}` on {self.places}"


def denials(decisions: Iterable[Decision]) -> list[KeptOff]:
    """By workload and clause, in the order of decisions that are denials."""
    found: dict[tuple[str, str], list[Decision]] = {}
    for d in decisions:
        found.setdefault((d.workload, d.terms[0]), []).append(d)
    return [
        KeptOff(workload, term, tuple(d.offer for d in rows), rows[0].why, len({d.why for d in rows}) == 1)
        for (workload, term), rows in found.items()
    ]
