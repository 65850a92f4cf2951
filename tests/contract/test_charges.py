"""A clause that charges for what it counts, and adds no row: a plan counts it as its meter does, whatever that is."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import pytest

from detente import terms
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import CountingMoment
from detente.contract.metered.meter import Meter, UseMeasure
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.window import Every
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.term import Term
from detente.values.quantity_field import Portion
from tests.builders import D, Data, agreement, build, compute, gpus, solved


class Levy(Term):
    """So much for each unit of what is counted, on top of it."""

    kind: Literal["levy"]
    rate: Portion
    of_what: UseMeasure
    moment: CountingMoment = "use"
    theirs = True

    @property
    def counted(self) -> Meter:
        """What is counted in each month."""
        return self.meter("counted", self.of_what, self.calendar(Every(every="month")), moment=self.moment)

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.counted,)

    def shape(self, program: Program) -> None:
        """A charge alone, without a row."""
        program.charge(self, self.counted, Fraction(self.rate))

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """Its part of each month's total."""
        of, rate = self.counted, Fraction(self.rate)
        return Settlement.of(
            settled(of, window, "levy", "levy", ended=ended, amount=None, drawn=drawn, owed=drawn * rate)
            for window, ended in of.begun(as_of)
            for drawn in (totals.total(of, window),)
        )


RESERVED: Data = {"buy": "reserved", "term": "2 months", "starts": ["2026-01-01"]}
JANUARY, BOTH = 10 * 31 * 24, 10 * 59 * 24
"""GPU-hours of ten GPUs."""


@pytest.mark.parametrize(
    ("south", "levy", "cost"),
    [  # at North for 2.10 a GPU-hour; at South with a levy, in January alone
        (gpus("south", "2.00"), {"of-what": "spend", "rate": "10%"}, D("2.10") * JANUARY + 2 * (BOTH - JANUARY)),
        (gpus("south", "1.90"), {"of-what": "spend", "rate": "10%"}, D("1.90") * BOTH + D("0.19") * JANUARY),
        (gpus("south", "2.00"), {"of-what": "taken", "rate": "5%"}, 2 * BOTH + D("0.05") * JANUARY),
        (gpus("south", "2.00"), {"of-what": "work", "rate": "5%"}, 2 * BOTH + D("0.05") * JANUARY),
        (gpus("south", 1, **RESERVED), {"of-what": "spend", "rate": "10%"}, BOTH + D("0.10") * JANUARY),
        # bought in January, and so all of it counts there
        (gpus("south", 1, **RESERVED), {"of-what": "spend", "rate": "10%", "moment": "purchase"}, D("1.10") * BOTH),
    ],
)
def test_a_charge_is_of_what_its_meter_counts(
    south: Data, levy: Data, cost: Decimal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Levy)
    deal = agreement(levy | {"id": "levy", "kind": "levy", "until": "2026-02-01"}, party="south")
    assert solved(build([gpus("north", "2.10"), south], [compute()], deal, months=2)).cost == cost
