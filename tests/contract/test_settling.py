"""What is not known of one clause, and of those who count on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Literal

import pytest

from detente import terms
from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse, UsePart
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.reach.window import Every
from detente.contract.returning import Returning
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle_each
from detente.contract.term import Term
from tests.builders import D, Data, agreement, data_of, day, tokens, work

OUTAGE: Data = {
    "kind": "service-credit",
    "bands": [{"below": "99%", "credit": "100%"}],
    "measured": [{"on": "2026-01-15", "availability": "90%"}],
}
REBATE: Data = {"kind": "volume-discount", "method": "all-units", "tiers": [{"from": "0 USD", "off": "50%"}]}


def test_what_is_not_known_at_one_provider_is_known_at_another() -> None:
    """100 USD at each, North's without a team: who counts what North gives back is not known either, and South is."""
    north = agreement(OUTAGE | {"id": "sla", "of": {"team": "sales"}}, REBATE | {"id": "tiers"}, combine="sum")
    south = agreement(OUTAGE | {"id": "s-sla"}, REBATE | {"id": "s-tiers"}, combine="sum", party="south")
    case = Case.of(
        data_of([tokens("north", 1), tokens("south", 1)], [work(labels={"team": "sales"})], north, south, months=2)
    )
    totals, at = Totals(meter for term in case.terms for meter in term.meters()), day("2026-01-15")
    for offer, labels in (("north-api", {}), ("south-api", {"team": "sales"})):
        use = Use("use", labels, case.offer_facts[offer], at, at, D(100), D(100), D(100), D(0))
        totals.add(RatedUse(use, D(100), ()))
    found = dict(zip((t.id for t in case.terms), settle_each(case.terms, totals, NOTHING_DECIDED, None), strict=True))
    told = {id: [p.amount for p in each.postings] for id, each in found.items() if isinstance(each, Settlement)}
    assert told == {"s-sla": [-100], "s-tiers": []}  # all was given back, and nothing is left for tiers
    assert str(found["tiers"]).startswith("`tiers` counts what others give back: `sla`: 100 of spend in Jan 2026 lacks")


class Bonus(Term, Returning):
    """A tenth of what use cost is given back, by a kind that says nothing of how that counts."""

    kind: Literal["bonus"]

    @property
    def most_part(self) -> Fraction:
        """A tenth."""
        return Fraction(1, 10)

    @property
    def spend(self) -> Meter:
        """What use cost each month."""
        return self.meter("spend", "spend", self.calendar(Every(every="month")))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.spend,)

    def returned(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """A tenth of it."""
        for window, _ in self.spend.begun(as_of):
            yield PaidUse(UsePart(self.covered), window.start, window.end, totals.total(self.spend, window) / 10)


def test_what_a_kind_of_one_s_own_gives_back_is_no_payment_by_credits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A floor of 100 after what credits pay has drawn all 100; what is given back later takes nothing off it."""
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Bonus)
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "100 USD", "measure": "after-credits",
                   "windows": {"every": "month"}, "shortfall": {"fee": "100%"}}  # fmt: skip
    deal = agreement({"id": "bonus", "kind": "bonus"}, floor)
    case = Case.of(data_of([tokens("north", 1)], [work()], deal, months=1))
    totals, at = Totals(meter for term in case.terms for meter in term.meters()), day("2026-01-15")
    use = Use("use", {}, case.offer_facts["north-api"], at, at, D(100), D(100), D(100), D(0))
    totals.add(RatedUse(use, D(100), ()))
    found = dict(zip((t.id for t in case.terms), settle_each(case.terms, totals, NOTHING_DECIDED, None), strict=True))
    settled = found["floor"]
    assert isinstance(settled, Settlement)
    assert [(s.drawn, s.short) for s in settled.standings] == [(100, 0)]


@pytest.mark.parametrize(("rate", "refused"), [("90%", False), ("91%", True)])
def test_a_kind_of_one_s_own_that_gives_back_asks_what_others_leave(
    monkeypatch: pytest.MonkeyPatch, rate: str, refused: bool
) -> None:
    """A tenth beside 90% is all that there is; beside 91% it is more, and the author is told what to read."""
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Bonus)
    deal = agreement({"id": "bonus", "kind": "bonus"}, {"id": "c", "kind": "credit", "rate": rate})
    data = data_of([tokens("north", 1)], [work()], deal, months=1)
    if not refused:
        assert [term.id for term in Case.of(data).terms] == ["bonus", "c"]
        return
    with pytest.raises(TypeError, match=r"`bonus` \(`Bonus`\) gives back beside `c`, .* keep `left_over.beside"):
        Case.of(data)
