"""Steering: what a call saves at a deployment by filling a floor that would fall short, or by using a credit. Pure.

Owns: that saving, in the unit of prices. Not here: what is at risk (``ledger/books/at_risk``), and what follows for
the order (``choose``).

A floor that will be missed is paid for in any case, as far as its clause charges what is missing. What counts towards
it therefore costs less than its price, by what each unit saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from detente.demand.workload import AnyWorkload
from detente.gateway.deciding.policy import Deployed
from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.metering import Tariff
from detente.live.request import Request
from detente.market.token_price import MTOK
from detente.values.money import NANOS

if TYPE_CHECKING:
    from detente.ledger.books.at_risk import AtRisk


class Saving(NamedTuple):
    """What a token of a workload's mix saves, as ``Moment.prices`` counts what it costs; and by which clause most."""

    amount: int = 0
    clause: str = ""
    credit: bool = False
    """Whether that clause is a credit that would lapse."""


NO_SAVING = Saving()
NO_SAVINGS: Mapping[str, Saving] = {}
"""By deployment: none."""


TokenParts = tuple[Fraction | int, Fraction | int, Fraction | int]


def usual_mix(workload: AnyWorkload) -> TokenParts:
    """The parts of input, cached input and output by which offers are compared."""
    return workload.mix.parts if workload.mix else (3, 0, 1)


def saving(
    floors: Iterable[AtRisk], request: Request, deployed: Deployed, tariff: Tariff | str, mix: TokenParts
) -> Saving:
    """What a call saves at a deployment: of each floor that all of it counts towards, wherever it may run."""
    if isinstance(tariff, str):
        return NO_SAVING
    fresh, cached, output = (int(part * MTOK) for part in mix)
    tokens, total, most = TokenCounts(fresh + cached, output, cached), 0, NO_SAVING
    for floor in floors:
        if all(floor.meter.selection.covers(request.facts, place) for place in deployed.places):
            counted = tariff.comes_to(floor.measure, floor.term, tokens, main=True, moved=False)
            amount = int(counted * floor.each * NANOS / MTOK)
            total += amount
            most = max(most, Saving(amount, floor.term, floor.lapses))
    return most._replace(amount=total)
