"""What is not known of one clause, and of those who count on it."""

from __future__ import annotations

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle_each
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
