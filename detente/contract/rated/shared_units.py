"""Units that several workloads share: a price clause cannot lower what one of them pays for its part of a unit.

Owns: that check, for every kind of price clause. Not here: what a clause takes off (``PriceChange.takes_off``).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.contract.case_view import CaseView
from detente.contract.reach.scope import Selection
from detente.errors import Flaw

UNITS = ("gpu", "provisioned")
"""Products that are bought in units, each of which may serve several workloads."""


def by_workload(kind: str, covered: Selection, case: CaseView) -> Iterator[Flaw]:
    """A price clause that asks about work, on units that several workloads share."""
    for _, offer in case.uses(covered, "offer"):
        if offer["product"] in UNITS and not covered.covers(None, offer):
            what = f"`{kind}` by workload on `{offer['offer']}`, which is bought in units that workloads share"
            yield Flaw(what, "select offers instead (`offer:`, `product: tokens`)")
            return
