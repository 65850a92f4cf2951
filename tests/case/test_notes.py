"""Notes: what is no mistake of a case, and may be one."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import (
    PROVIDERS,
    Data,
    agreement,
    build,
    compute,
    data_of,
    gpus,
    mistakes,
    solved,
    tokens,
    work,
)
from tests.gateway.stage import deployment

FLOOR: Data = {"kind": "minimum-commitment", "amount": "1 k USD"}


@pytest.mark.parametrize(("deployed", "noted"), [("south-api", True), ("north-api", False)])
def test_work_that_is_called_for_and_that_no_deployment_may_serve_is_noted(deployed: str, noted: bool) -> None:
    only = {"id": "only", "kind": "exclusivity"}
    live: Data = {
        "deployments": [
            {
                "id": "d",
                "kind": "openai-compatible",
                "offer": deployed,
                "endpoint": "http://127.0.0.1:9/v1",
                "model": "m",
                "credential": {"env": "KEY"},
            }
        ],
        "keys": [{"id": "k", "workload": "chat", "hash": f"sha256:{0:064x}"}],
    }
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(only), **live)
    said = "has a key, and no call of it can be served: it may run on `north-api`, without a deployment for it"
    assert [note.what for note in notes(case)] == [said] * noted


@pytest.mark.parametrize(
    ("term", "key"),
    [
        ({"kind": "revenue-share", "rate": "0%"}, "rate"),
        ({"kind": "revenue-share", "rate": "1%", "cap-each": "0 USD"}, "cap-each"),
        ({"kind": "liquidated-damages", "price": "0 USD per Mtok"}, "price"),
        ({"kind": "discount", "off": "0%"}, "off"),
        ({"kind": "credit", "amount": "10 USD", "rate": "0%"}, "rate"),
        ({"kind": "redundancy", "survives": "0%"}, "survives"),
        (FLOOR | {"amount": "0 USD"}, "amount"),
        ({"kind": "payment", "amount": "0 USD", "on": "2026-01-10"}, "amount"),
        ({"kind": "escalator", "by": "0%", "every": "1 month"}, "by"),
        ({"kind": "take-or-pay", "offer": "north-gpus", "quantity": "5 GPU", "price": "0 USD per GPU-hour"}, "price"),
        ({"kind": "revenue-share", "rate": "1%"}, None),
    ],
)
def test_a_clause_of_nothing_is_noted(term: Data, key: str | None) -> None:
    of_gpus = "offer" in term
    offers, uses = [tokens("north", 3), *[gpus("north", 1)] * of_gpus], [work(revenue="10 USD per Mtok")]
    case = build(offers, [*uses, *[compute()] * of_gpus], agreement(term | {"id": "c"}))
    said = [f"`c` does nothing: its `{key}` is nothing"] if key else []
    assert [note.what for note in notes(case)] == said


@pytest.mark.parametrize(
    ("last", "told"), [("0%", ["`c` does nothing: each `off` in its `tiers` is nothing"]), ("5%", [])]
)
def test_tiers_of_nothing_are_noted(last: str, told: list[str]) -> None:
    tiers = [{"from": "1 USD", "off": "0%"}, {"from": "2 USD", "off": last}]
    term: Data = {"id": "c", "kind": "volume-discount", "method": "graduated", "tiers": tiers}
    assert [note.what for note in notes(build([tokens("north", 3)], [work()], agreement(term)))] == told


@pytest.mark.parametrize(
    ("amount", "told"), [("0 USD", ["`lc` is 0.00 USD, so that `c` asks for nothing"]), ("5 USD", [])]
)
def test_a_cap_of_nothing_on_damages_is_told(amount: str, told: list[str]) -> None:
    cap: Data = {"id": "lc", "kind": "liability-cap", "amount": amount}
    damages = {"id": "c", "kind": "liquidated-damages", "price": "0.2 USD per Mtok", "within": "lc"}
    case = build([tokens("north", 3)], [work()], agreement(cap, damages))
    assert [note.what for note in notes(case)] == told
    assert notes(build([tokens("north", 3)], [work()], agreement(cap))) == ()  # it bounds nothing


def test_a_clause_of_nothing_is_told_by_a_plan() -> None:
    nothing: Data = FLOOR | {"id": "c", "amount": "0 USD", "windows": {"every": "month"}}
    found = solved(build([tokens("north", 3)], [work()], agreement(nothing)))
    assert [(note.term, note.agreement) for note in found.notes] == [("c", "north-deal")]


REFUSAL: Data = {"id": "t", "kind": "first-refusal", "answer-within": "30 days", "sign-within": "1 month"}
SIGNED: Data = {"of": {"provider": "north"}, "noticed": "2026-01-01", "signed": "2026-03-01"}
CREDIT: Data = {"id": "t", "kind": "service-credit", "bands": [{"below": "99%", "credit": "10%"}]}
CREDIT |= {"claim-within": "2 months"}
MEASURED: Data = {"on": "2026-03-10", "availability": "98%"}
RISES: Data = {"id": "t", "kind": "escalator", "by": "5%"}


@pytest.mark.parametrize(
    ("term", "what"),
    [
        (
            REFUSAL | {"notices": [SIGNED]},
            "`t`: provider: north was signed on 2026-03-01, and was free until 2026-02-28",
        ),
        (REFUSAL | {"notices": [SIGNED | {"signed": "2026-02-28"}]}, None),
        (CREDIT | {"measured": [MEASURED]}, "10% of Mar 2026 by `t` is not claimed, so that nothing is given back"),
        (CREDIT | {"measured": [MEASURED | {"claimed": "2026-05-31"}]}, None),
        (CREDIT | {"measured": [MEASURED | {"availability": "99%"}]}, None),
        (RISES, "prices do not change by `t`: no anniversary of 2026-01-01 comes before it ends (2027-01-01)"),
        (RISES | {"starts": "2025-03-01"}, None),
        (RISES | {"every": "6 months"}, None),
        (RISES | {"starts": "2024-12-01", "until": "2026-06-01"}, None),
    ],
)
def test_what_facts_leave_undone_is_noted(term: Data, what: str | None) -> None:
    noted = notes(build([tokens("north", 1)], [work()], agreement(term, ends="2027-01-01")))
    assert [note.what for note in noted] == ([] if what is None else [what])


def test_a_delivery_that_ends_before_all_has_come_is_noted_beside_what_asks_for_all_of_it() -> None:
    tranche = {"name": "one", "quantity": "10 GPU", "due": "2026-01-01", "accepted": "2026-01-01"}
    delivered = {"id": "d", "kind": "delivery", "offer": "north-gpus", "tranches": [tranche], "until": "2026-04-01"}
    asked = {"id": "t", "kind": "take-or-pay", "offer": "north-gpus", "price": "1 USD per GPU-hour"}

    def noted(quantity: str) -> list[str]:
        signed = agreement(delivered, asked | {"quantity": quantity})
        return [note.what for note in notes(build([gpus("north", 1)], [compute()], signed))]

    came = "`d` ends on 2026-04-01, when 10 GPU of `north-gpus` had come"
    assert noted("20 GPU") == [f"{came}: `t` asks for all 20 GPU from then on"]
    assert noted("10 GPU") == []


def test_a_text_that_waives_an_earlier_one_is_not_noted() -> None:
    share: Data = {"id": "c", "kind": "revenue-share", "rate": "1%", "windows": {"every": "month"}}
    later: Data = {"id": "waiver", "with": "north", "effective": "2026-03-01", "amends": "north-deal"}
    later["terms"] = [share | {"rate": "0%"}]
    case = build([tokens("north", 3)], [work(revenue="10 USD per Mtok")], agreement(share), later)
    assert notes(case) == ()


CLOUD: Data = {"id": "c", "kind": "minimum-commitment", "amount": "9 USD", "windows": {"every": "month"}}


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({"of": {"product": "cloud"}}, True),
        ({}, True),
        ({"of": {"product": "tokens"}}, False),
        ({"except": [{"product": "cloud"}]}, False),
        ({"counts": [{"of": {"product": "cloud"}, "at-most": "25%"}]}, True),
        ({"of": {"product": "cloud", "region": "dublin"}}, True),
        ({"of": {"product": "cloud", "country": "IE"}}, True),
        ({"amount": "9 Mtok", "shortfall": {"price": "1 USD per Mtok"}}, False),  # a row of money has no tokens
    ],
)
def test_a_clause_that_counts_what_only_bills_bring_is_noted(more: Data, counts: bool) -> None:
    north = {"id": "north", "name": "North", "regions": PROVIDERS[0]["regions"], "also-sells": ["cloud"]}
    case = build([tokens("north", 3)], [work()], agreement(CLOUD | more), providers=[north, *PROVIDERS[1:]])
    said = "`c` counts what bills bring of `cloud`, and a plan counts none of it"
    assert [note.what for note in notes(case)] == [said] * counts


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ({"kind": "residency", "within": ["IE"]}, ""),
        ({"kind": "exclusivity"}, ""),
        ({"kind": "minimum-commitment", "amount": "9 Mtok", "shortfall": {"price": "1 USD per Mtok"}}, ""),
        ({"kind": "discount", "off": "10%"}, "name it as the `discount` of their rule in the mapping of the bill"),
        ({"kind": "credit", "rate": "10%"}, "expect more of it on the books, which count it"),
        ({"kind": "spending-cap", "amount": "9 USD"}, "to plan with it, let a scenario `change` the clause's amounts"),
    ],
)
def test_a_clause_of_what_only_bills_bring_is_refused_where_it_counts_none_of_it(clause: Data, told: str) -> None:
    """Else a note says what becomes of it; with amounts, how to plan with it."""
    north = PROVIDERS[0] | {"also-sells": ["cloud"]}
    deal = agreement({"id": "c", "of": {"product": "cloud"}} | clause)
    data = data_of([tokens("north", 3)], [work()], deal) | {"providers": [north, *PROVIDERS[1:]]}
    found = [] if mistakes(data) else [note.remedy for note in notes(Case.of(data))]
    assert len(found) == bool(told)
    assert all(note.startswith(told) for note in found)


def test_a_product_that_nobody_sells_is_refused_and_so_is_a_misspelt_one() -> None:
    north = {"id": "north", "name": "North", "regions": PROVIDERS[0]["regions"], "also-sells": ["cloud"]}
    data = data_of([tokens("north", 3)], [work()], agreement(CLOUD | {"of": {"product": "clowd"}}))
    said = "no offer has `product: clowd`, so `c` selects nothing by it; "
    assert mistakes(data | {"providers": [north, *PROVIDERS[1:]]}) == [f"{said}did you mean `cloud`?"]
    assert mistakes(data)[0].startswith(said)


@pytest.mark.parametrize(("moment", "told"), [("use", False), ("invoice", True), ("purchase", True)])
def test_a_cap_that_denies_no_call_is_noted_where_calls_are_served(moment: str, told: bool) -> None:
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "9 k USD", "moment": moment}
    live = [deployment("d", "north-api", "http://127.0.0.1:9")]
    for deployments, counts in ((live, told), ([], False)):
        case = build([tokens("north", 3)], [work()], agreement(cap), deployments=deployments)
        assert any("denies no call" in note.what for note in notes(case)) == counts


@pytest.mark.parametrize("sold", [["tokens"], ["cloud", "cloud"]])
def test_what_offers_sell_is_not_sold_beside_them(sold: list[str]) -> None:
    north = {"id": "north", "name": "North", "regions": PROVIDERS[0]["regions"], "also-sells": sold}
    data = data_of([tokens("north", 3)], [work()], agreement(CLOUD))
    (said,) = mistakes(data | {"providers": [north, *PROVIDERS[1:]]})
    assert f"`{sold[-1]}`" in said


@pytest.mark.parametrize(
    ("shortfall", "told"),
    [({"fee": "0%"}, True), ({"lump": "0 USD"}, True), ({"fee": "1%"}, False), ("forbidden", False), (None, False)],
)
def test_an_amount_that_may_be_missed_at_no_cost_is_noted(shortfall: object, told: bool) -> None:
    more = {} if shortfall is None else {"shortfall": shortfall}
    case = build([tokens("north", 3)], [work()], agreement({"id": "least", **FLOOR, **more}))
    said = "`least` may be missed at no cost, and no plan keeps to it for its own sake: its `shortfall` is nothing"
    assert [note.what for note in notes(case)] == [said] * told
