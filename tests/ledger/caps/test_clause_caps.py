"""Caps of clauses: what a call takes live is what it comes to on the books, by the same windows."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.metered.totals import Totals
from detente.ledger.caps.cap import BookedCall, CapLimit, holder_of
from detente.ledger.caps.clause_caps import CapCounts, LiveCap, covering, of_terms
from detente.ledger.caps.leasing import CapWindow
from detente.ledger.journals.record import CallRoute, TokenCounts
from detente.ledger.use.line import summed
from detente.ledger.use.metering import Metering, Tariff
from detente.values.micros import HOUR, micros
from tests.builders import Data, agreement, build, day, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.served import served_case

AT = day("2026-01-15").replace(hour=12)
CAP: Data = {"id": "cap", "kind": "spending-cap", "amount": "100 USD", "windows": {"every": "month"}}
DISCOUNT: Data = {"id": "off", "kind": "discount", "off": "10%"}
NETWORKS: list[Data] = [{"from": "south", "to": "north", "price": "0.02 USD per GB"}]
"""Data that moves is billed by South, where it leaves."""
LIVE = [deployment(f"{p}-live", f"{p}-api", "http://localhost:9") for p in ("north", "south")]


def caps(case: Case) -> tuple[LiveCap, ...]:
    return tuple(of_terms(case.signed))


def tariff(case: Case, offer: str = "north-api", at: datetime = AT) -> Tariff:
    found = Metering(case).tariff(CallRoute("", "", "chat", {}, "m", ""), offer, at)
    assert isinstance(found, Tariff)
    return found


def test_a_clause_says_itself_what_it_allows_in_each_window() -> None:
    (cap,) = caps(served_case(CAP, signed={"with": "self"}))
    assert cap.at(AT) == CapLimit(CapWindow(cap.name, 0), day("2026-01-01"), day("2026-02-01"), 100 * 10**9)
    march = cap.at(day("2026-03-01"))
    assert march is not None
    assert (march.key.window, march.start, march.end) == (2, day("2026-03-01"), day("2026-04-01"))
    assert cap.at(day("2025-12-31")) is None
    ramp = CAP | {"windows": {"every": "month", "ramp": ["30%", "70%"]}}
    (cap,) = caps(served_case(ramp, signed={"with": "self"}))
    assert [found.limit // 10**9 for at in ("2026-01-31", "2026-02-01") if (found := cap.at(day(at)))] == [30, 70]
    assert cap.at(day("2026-03-01")) is None, "after the last window nothing is allowed, and nothing is asked"


def test_a_call_is_named_by_the_replica_that_served_it() -> None:
    assert holder_of("req_0123456789ab02000000ff") == "0123456789ab02"
    assert holder_of("req_7") == ""


@settings(deadline=None, max_examples=40)
@given(
    fresh=st.integers(0, 10**6),
    cached=st.integers(0, 10**6),
    output=st.integers(0, 10**6),
    off=st.booleans(),
    moved=st.booleans(),
    party=st.sampled_from(["self", "north", "south"]),
    measure=st.sampled_from(["after-discounts", "list"]),
)
def test_what_a_call_takes_live_is_what_it_comes_to_on_the_books(
    fresh: int, cached: int, output: int, off: bool, moved: bool, party: str, measure: str
) -> None:
    deals = [
        agreement(CAP | {"measure": measure}, party=party),
        *([agreement(DISCOUNT, id="deal", party="north")] if off else []),
    ]
    workloads = [work(data={"at": "south/texas", "moves": "1 GB per Mtok"}) if moved else work()]
    case = build([tokens("north", 3), tokens("south", 2)], workloads, *deals, deployments=LIVE, networks=NETWORKS)
    (cap,), here = caps(case), tariff(case)
    used = TokenCounts(fresh + cached, output, cached)
    lines = tuple(here.lines(micros(AT), used, 0))
    found = covering([cap], here.of.demand or {}, here, here.of.offer, AT)
    taken = sum(call.takes(used) or 0 for call in found)
    limit = cap.at(AT)
    assert limit is not None
    counted = CapCounts(case).of([BookedCall("req_aa00000001", lines)], {"aa"})
    assert counted == ({(limit.key, "aa"): taken} if taken else {})
    totals = Totals([cap.meter])
    for each in summed(lines, HOUR).values():
        each.count_in(totals)
    window = next(iter(cap.meter.windows.over(AT, AT)))
    assert totals.total(cap.meter, window) * 10**9 == taken
    assert (len(found) > 0) is (party in ("self", "north") or moved)


def test_what_is_outside_a_cap_takes_nothing_of_it() -> None:
    both = [work(labels={"team": "mine"}), work("other", labels={"team": "other"})]
    case = served_case(CAP | {"of": {"team": "other"}}, signed={"with": "self"}, workloads=both)
    here = tariff(case)
    assert covering(caps(case), {"team": "mine"}, here, here.of.offer, AT) == ()
    (perhaps,) = covering(caps(case), {}, here, here.of.offer, AT)
    assert perhaps.takes(TokenCounts(1_000_000, 0)) == 3 * 10**9, "what may be covered counts (§2)"
    (unknown,) = covering(caps(case), {}, "no price", here.of.offer, AT)
    assert unknown.takes(TokenCounts(1, 1)) is None
    assert here.comes_to("listed", "cap", TokenCounts(500_000, 500_000), main=True, moved=False) == 3 * 10**9
    assert here.comes_to("work", "cap", TokenCounts(1_000_000, 0), main=True, moved=False) == 10**9


def test_a_cap_in_another_currency_takes_what_a_call_costs_in_that_at_the_rate_of_its_day() -> None:
    """A million tokens are 3 USD: 3 / 1.10 EUR in January and 2.50 in February, of 100 EUR each."""
    rate = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    euros = CAP | {"amount": "100 EUR"}
    case = build([tokens("north", 3)], [work()], agreement(euros, party="self"), deployments=LIVE[:1],
                 exchange=[{"rate": rate, "day": "use"}], months=2)  # fmt: skip
    (cap,) = caps(case)
    for at, taken in ((AT, 2_727_272_728), (day("2026-02-15"), 2_500_000_000)):
        here = tariff(case, at=at)
        (call,) = covering([cap], here.of.demand or {}, here, here.of.offer, at)
        used = TokenCounts(1_000_000, 0, 0)
        assert (call.takes(used), call.about(used), call.allows.limit) == (taken, taken, 100 * 10**9)
        counted = CapCounts(case).of([BookedCall("req_aa00000001", tuple(here.lines(micros(at), used, 0)))], {"aa"})
        assert counted == {(call.allows.key, "aa"): taken}
