"""Named changes to a case: what they make of it, what they may not say, and that nothing else moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.document import YamlNode
from detente.case.notes import notes
from detente.case.numbers import times
from detente.errors import CaseError
from detente.values.period import moment
from tests.builders import D, Data, agreement, compute, data_of, gpus, solved, tokens, work

ONLY = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
FLOOR = {
    "id": "floor",
    "kind": "minimum-commitment",
    "amount": "2 k USD",
    "windows": {"every": "month"},
    "shortfall": {"fee": "50%"},
}


def world(*scenarios: Data, **head: Any) -> Data:
    """North at 3 USD per Mtok and exclusive, South at 2; a thousand Mtok a month, for two months."""
    offers = [tokens("north", 3), tokens("south", 2, capacity="5 Mtok per hour")]
    deals = [agreement(ONLY, ends="2026-07-01"), agreement(FLOOR, party="south", ends="2026-03-01")]
    return data_of(offers, [work(), work("mail")], *deals, months=2, scenarios=list(scenarios), **head)


def under(*scenarios: Data, name: str = "s", **head: Any) -> Case:
    return Case.of(world(*scenarios, **head)).under(scenario=name)


def mistakes(*scenarios: Data, **head: Any) -> list[str]:
    with pytest.raises(CaseError) as error:
        Case.of(world(*scenarios, **head))
    return [f"{m.where}: {m.what}; {m.remedy}" for m in error.value.mistakes]


def said(*scenarios: Data, **head: Any) -> str:
    (only,) = mistakes(*scenarios, **head)
    return only.partition(": ")[2]


# -- what changes --------------------------------------------------------------------------------------------------
def test_a_scenario_that_changes_nothing_is_the_case_by_another_name() -> None:
    case = Case.of(world({"id": "s"}))
    same = case.under(scenario="s")
    assert same.declared == case.declared
    assert (same.scenario, case.scenario) == ("s", None)
    assert same.hash != case.hash
    assert solved(same).cost == solved(case).cost == D(2 * (3000 + 2000))


def test_what_a_plan_is_of_does_not_turn_on_scenarios_that_it_is_not_in() -> None:
    assert Case.of(world()).hash == Case.of(world({"id": "s", "without": ["only"]})).hash


@pytest.mark.parametrize(
    ("change", "cost"),
    [
        # 1000 Mtok of chat a month at North's 3, and of mail at South's 2, for two months
        ({"offer": "north-api", "price": "-10%"}, 2 * (2700 + 2000)),
        ({"offer": "north-api", "price.input": "-10%"}, 2 * (2850 + 2000)),  # half of all tokens are input
        ({"offer": "south-api", "price": "+50%", "from": "2026-02"}, 2 * 3000 + 2000 + 3000),
        ({"offer": "south-api", "price": "+20%", "until": "2026-02-01"}, 2 * 3000 + 2400 + 2000),
        ({"workload": "chat", "demand": "+30%"}, 2 * (3900 + 2000)),
        ({"workload": "chat", "demand": "500 Mtok per month"}, 2 * (1500 + 2000)),
        ({"workload": "chat", "demand": "-50%", "from": "2026-02"}, 3000 + 1500 + 2 * 2000),
        ({"workload": "chat", "demand": "0 Mtok per month", "until": "2026-02"}, 3000 + 2 * 2000),
        # 2000 of the 3000 at South: half of the thousand that is missing is owed
        ({"term": "floor", "amount": "3 k USD", "of": {"workload": "mail"}}, 2 * (3000 + 2000 + 500)),
        ({"term": "floor", "amount": "+50%", "of": {"workload": "mail"}, "shortfall.fee": "-50%"}, 2 * (5000 + 250)),
        ({"term": "floor", "until": "2026-02-01", "amount": "3 k USD", "windows.cut": "prorate"}, 2 * 5000 + 500),
        ({"provider": "north", "price": "+100%"}, 2 * (6000 + 2000)),
        # all of it: chat is free, and mail goes there too, for South's fee
        ({"offer": "north-api", "price": "-100%"}, 2 * 1000),
        ({"offer": "south-api", "price": "-100%", "from": "2026-02"}, 5000 + 3000 + 1000),
        ({"term": "floor", "amount": "3 k USD", "shortfall.fee": "-100%"}, 2 * 5000),
    ],
    ids=str,
)
def test_a_number_changes(change: Data, cost: int) -> None:
    assert solved(under({"id": "s", "change": [change]})).cost == D(cost)


def test_capacity_that_a_provider_lacks_for_a_month_is_there_before_and_after() -> None:
    # South has 5 * 672 = 3360 Mtok in February: a tenth of it serves 336 of mail, and North the rest at 3; the floor of
    # 2000 is met to 672, and half of the rest is owed
    case = under({"id": "s", "change": [{"provider": "south", "capacity": "-90%", "from": "2026-02"}]})
    assert solved(case).cost == D(2 * 3000 + 2000 + 336 * 2 + 664 * 3 + 664)


def test_changes_multiply_and_those_of_a_scenario_that_it_is_based_on_come_first() -> None:
    base = {"id": "a", "change": [{"workload": "chat", "demand": "+20%"}, {"offer": "north-api", "price": "-50%"}]}
    more = {"id": "b", "based-on": "a", "change": [{"workload": "chat", "demand": "+50%", "from": "2026-02"}]}
    case = Case.of(world(base, more)).under(scenario="b")
    assert solved(case).cost == D(1800 + 2700 + 2 * 2000)
    assert case.scenario == "b"
    assert [each.id for each in case.scenarios] == ["a", "b"]
    del more["based-on"]
    both = Case.of(world(base, more))
    assert solved(both.under(scenario="a,b")).cost == solved(case).cost
    assert solved(both.under(scenario="a").under(scenario="b")).cost == solved(case).cost
    assert both.under(scenario="a,b").scenario == "a,b"


def test_what_is_on_a_line_changes_for_a_time_and_is_on_its_line_again() -> None:
    line = {"between": "line", "rate": {"2026-01-01": "0 GPU", "2026-03-01": "59 GPU"}}
    data = data_of([gpus("north", 1)], [compute(demand=line)], months=2)
    data["scenarios"] = [{"id": "s", "change": [{"workload": "research", "demand": "+100%", "from": "2026-02"}]}]
    case = Case.of(data)
    (research,) = case.workloads
    (changed,) = case.under(scenario="s").workloads
    before, after = (w.demand.over(case.periods, moment(case.declared.horizon.start)) for w in (research, changed))  # type: ignore[union-attr]
    assert (after[0], after[1]) == (before[0], 2 * before[1])


def test_what_falls_away_takes_with_it_what_hangs_on_it() -> None:
    offers = [tokens("north", 3), tokens("north", 1, id="rate", under="north-deal"), tokens("south", 2)]
    later = {"id": "more", "with": "north", "amends": "north-deal", "effective": "2026-02-01"}
    deal = agreement({"id": "cap", "kind": "spending-cap", "amount": "9 M USD"})
    data = data_of(offers, [work(), work("mail")], deal, later, months=2)
    data["scenarios"] = [
        {"id": "unsigned", "without": ["north-deal"]},
        {"id": "less", "without": ["mail"]},
        {"id": "dearer", "without": ["rate", "cap"]},
    ]
    case = Case.of(data)
    assert solved(case).cost == D(4 * 1000)
    unsigned = case.under(scenario="unsigned")
    assert [a.id for a in unsigned.declared.agreements] == []
    assert [o.id for o in unsigned.offers] == ["north-api", "south-api"]
    assert solved(unsigned).cost == D(4 * 2000)
    assert solved(case.under(scenario="less")).cost == D(2 * 1000)
    assert case.under(scenario="dearer").without == {"cap"}
    assert solved(case.under(scenario="dearer")).cost == D(4 * 2000)


def test_an_offer_under_an_agreement_is_on_sale_while_that_is_in_force() -> None:
    rate = tokens("north", 1, id="rate", under="deal")
    deal = {"id": "deal", "with": "north", "effective": "2026-02-01", "ends": "2026-03-01"}
    assert solved(Case.of(data_of([rate, tokens("south", 2)], [work()], deal, months=3))).cost == D(2000 + 1000 + 2000)


def test_a_deal_is_added_with_its_offers() -> None:
    add: Data = {
        "agreements": [agreement({**FLOOR, "id": "east-floor"}, party="east", ends="2026-03-01")],
        "offers": [tokens("east", 1, under="east-deal")],
    }
    case = under({"id": "s", "add": add, "without": ["only"]})
    # East takes all the work; South is paid half of each month's floor of 2 k
    assert solved(case).cost == D(2 * (2000 * 1 + 1000))
    assert [t.id for t in case.terms] == ["floor", "east-floor"]


@pytest.mark.parametrize("lost", [{"provider": "south"}, {"region": "south/texas"}, {"offer": "south-api"}])
def test_what_is_lost_gives_nothing_until_it_is_back(lost: Data) -> None:
    free = {"id": "s", "without": ["floor"]}
    assert solved(under({**free, "lose": [{**lost, "from": "2026-02-01"}]})).cost == D(2 * 3000 + 2000 + 3000)
    back = {**lost, "from": "2026-01-01", "until": "2026-02-01", "notice": "1 month"}
    assert solved(under({**free, "lose": [back]})).cost == D(2 * 3000 + 3000 + 2000)
    assert solved(under({**free, "lose": [{**lost, "from": "2026-02-10", "until": "2026-02-11"}]})).cost == D(11000)


def test_a_loss_that_a_plan_foresees_is_noted() -> None:
    lose = [
        {"provider": "south", "from": "2026-02-01"},
        {"provider": "south", "from": "2026-02-01", "notice": "2 weeks"},
        {"offer": "north-api", "from": "2026-01-01"},
    ]
    (note,) = notes(under({"id": "s", "lose": lose}))
    assert note.what == "`south` is lost on 2026-02-01, and a plan knows it from the start"
    assert notes(Case.of(world({"id": "s", "lose": lose}))) == ()


def test_a_clause_that_fell_away_stays_away_when_more_changes() -> None:
    case = Case.of(
        world({"id": "a", "without": ["only"]}, {"id": "b", "change": [{"term": "floor", "amount": "+50%"}]})
    )
    stacked = case.under(scenario="a").under(scenario="b")
    assert [term.id for term in stacked.terms] == ["floor"]
    assert solved(stacked).cost == solved(case.under(scenario="a,b")).cost


def test_events_and_readings_of_a_scenario() -> None:
    disputed = {"id": "maybe", "kind": "exclusivity", "until": {"event": "end"}}
    disputed["readings"] = {"narrow": {"of": {"workload": "mail"}}, "wide": {}}
    data = data_of([tokens("north", 3), tokens("south", 2)], [work(), work("mail")], agreement(disputed), months=2)
    data |= {"events": {"end": "not expected"}, "reading": "wide"}
    data["scenarios"] = [{"id": "s", "reading": {"maybe": "narrow"}, "events": {"end": "2026-02-01"}}]
    case = Case.of(data)
    assert solved(case).cost == D(4 * 3000)
    assert case.under(scenario="s").reading == "narrow"
    assert solved(case.under(scenario="s")).cost == D(2000 + 3000 + 2 * 2000)
    assert case.under("wide", "s").reading == "wide"


def test_costs_are_on_the_bill_and_obligations_move_no_money() -> None:
    costs = [
        {"on": "2026-02-10", "amount": "700 USD", "to": "north", "why": "damages", "id": "damages"},
        {"on": "2026-01-10", "amount": "300 USD", "to": "a law firm", "why": "legal costs"},
    ]
    owed = [
        {"what": "usage data", "by": "self", "to": "north", "due": "2026-02-20", "evidence": "a signed report"},
        {"what": "an interface", "by": "north", "due": "2026-01-20"},
    ]
    case = under({"id": "s", "costs": costs, "obligations": owed})
    found = solved(case)
    assert found.cost == D(2 * 5000 + 1000)
    assert {p.term: p.amount for p in found.postings if p.part == "payment"} == {"damages": 700, "s.cost-2": 300}
    assert {t.validity.counterparty for t in case.terms if t.kind == "payment"} == {"self", "north"}
    assert [each.what for each in case.obligations] == ["an interface", "usage data"]
    late = mistakes({"id": "s", "costs": [{**costs[0], "on": "2027-01-01"}]})
    assert "`damages` is due on 2027-01-01, outside the horizon" in late[0]


def test_a_file_beside_the_case_is_a_scenario_of_it(tmp_path: Path) -> None:
    import json

    (tmp_path / "case.yaml").write_text(json.dumps(world()))
    deal = tmp_path / "deal" / "deal.yaml"
    deal.parent.mkdir()
    deal.write_text("scenarios:\n  - id: cheap\n    change:\n      - { offer: north-api, price: -50% }\n")
    case = Case.load(tmp_path / "case.yaml", [deal])
    assert case.scenario == "cheap"
    assert solved(case).cost == D(2 * (1500 + 2000))
    deal.write_text("scenarios:\n  - id: cheap\n    change:\n      - { offer: north-ape, price: -50% }\n")
    with pytest.raises(CaseError) as error:
        Case.load(tmp_path / "case.yaml", [deal])
    assert str(error.value).splitlines()[0] == f"{deal}:4:18: there is no offer `north-ape`"
    deal.write_text("offers: []\n")
    with pytest.raises(CaseError, match="is not a file of one scenario"):
        Case.load(tmp_path / "case.yaml", [deal])


def test_offers_of_a_catalog_change_like_others(tmp_path: Path) -> None:
    rows = ["InstanceType,AcceleratorName,AcceleratorCount,vCPUs,Price,SpotPrice,Region", "m1,H100,1.0,8,4.00,,dublin"]
    (tmp_path / "prices.csv").write_text("\n".join([*rows, "m2,H100,1.0,8,3.00,,dublin"]))
    catalog = {"file": "prices.csv", "format": "skypilot", "provider": "north", "accelerators": ["H100"]}
    data = data_of([], [compute(demand="1 GPU")], months=1)
    data["catalogs"] = [catalog]
    data["scenarios"] = [
        {"id": "cheap", "change": [{"provider": "north", "price": "-50%"}]},
        {"id": "one", "change": [{"offer": "north-m1-dublin-on-demand", "price": "1 USD per GPU-hour"}]},
        {"id": "none", "without": ["north-m2-dublin-on-demand"]},
    ]
    case = Case.of(data, tmp_path)
    costs = [solved(case.under(scenario=name)).cost for name in (None, "cheap", "one", "none")]
    assert costs == [D(744 * n) for n in (3, D("1.5"), 1, 4)]
    twice = case.under(scenario="none").under(scenario="cheap")  # what fell away does not come back
    assert [offer.id for offer in twice.offers] == ["north-m1-dublin-on-demand"]
    assert solved(twice).cost == solved(case.under(scenario="none,cheap")).cost == D(744 * 2)


# -- exact numbers ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "factor", "found"),
    [
        ("2.20 USD per GPU-hour", "0.85", "1.87 USD per GPU-hour"),
        ("300 k GPU", "0.5", "150 k GPU"),
        ("20%", "1.1", "22%"),
        ("120 Mtok/day", "1.3", "156 Mtok/day"),
        ("1_000", "1.5", "1500"),
        ("0.1 USD per Mtok", "0.333", "0.0333 USD per Mtok"),
    ],
)
def test_a_number_is_multiplied_to_the_last_digit(text: str, factor: str, found: str) -> None:
    assert times(YamlNode(1, 1, text), D(factor), YamlNode(2, 2, "…")).text == found


def test_a_text_may_begin_with_a_sign() -> None:
    change = {"workload": "chat", "labels": {"team": "+1 chat"}}
    case = Case.of(data_of([tokens("north", 3)], [work()]) | {"scenarios": [{"id": "s", "change": [change]}]})
    assert case.under(scenario="s").workloads[0].labels == {"team": "+1 chat"}


# -- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        ({"without": ["onli"]}, "there is no clause, agreement, offer or workload `onli`; did you mean `only`?"),
        ({"change": [{"offer": "north", "price": "-5%"}]}, "there is no offer `north`; did you mean `north-api`?"),
        ({"change": [{"term": "only", "amount": "-5%"}]}, "`only` states no `amount` to change; write a value"),
        ({"change": [{"term": "only", "amount": "5 USD"}]}, "in the scenario `s`, unknown key `amount`"),
        (
            {"change": [{"offer": "north-api", "price": "cheap"}]},
            "in the scenario `s`, found `cheap`; expected a mapping",
        ),
        ({"change": [{"offer": "north-api", "model": "-5%"}]}, "`m` is not a number, so `-5%` cannot change it"),
        (
            {"change": [{"offer": "north-api", "price": {"input": "+1 USD per Mtok"}}]},
            "`+1 USD per Mtok` would replace",
        ),
        (
            {"change": [{"workload": "chat", "demand": "+1 Mtok per month"}]},
            "write a percentage, such as `+50%`, or the",
        ),
        ({"change": [{"workload": "chat", "demand": "10%"}]}, "write `+10%`, `-10%`, or that value"),
        ({"change": [{"offer": "north-api", "price": "-105%"}]}, "`-105%` takes away more than there is"),
        ({"change": [{"offer": "north-api", "model": "n", "from": "2026-02"}]}, "`model` does not change on dates"),
        ({"change": [{"offer": "north-api", "capacity": "-5%"}]}, "`north-api` states no `capacity` to change"),
        ({"change": [{"provider": "north", "price": "5 USD per Mtok"}]}, "`price` of all offers of `north` at once"),
        ({"change": [{"provider": "west", "price": "-5%"}]}, "there is no provider `west`"),
        ({"change": [{"provider": "east", "price": "-5%"}]}, "there is no offer of `east`"),
        ({"change": [{"offer": "north-api", "term": "only", "price": "1 USD"}]}, "found `term` and `offer` of `term`"),
        ({"change": [{"offer": "north-api", "prize": "-5%"}]}, "states no `prize` to change; did you mean `price`?"),
        ({"change": [{"offer": "north-api", "id": "new"}]}, "the id is what others name it by; take it away with"),
        ({"change": [{"offer": "north-api"}]}, "changes nothing; add a field and its value"),
        ({"lose": [{"provider": "east", "from": "2026-02-01"}]}, "there is no offer of `east`"),
        (
            {"lose": [{"region": "texas", "from": "2026-02-01"}]},
            "`texas` does not say whose region; write for example `aws/us-east-1`",
        ),
        (
            {"lose": [{"offer": "north-api", "from": "2026-02-01", "until": "2026-02-01"}]},
            "ends on 2026-02-01, not after",
        ),
        ({"add": {"scenarios": []}}, "a scenario adds no `scenarios`"),
        ({"add": {"offers": [tokens("east", "x")]}}, "`x USD` is not an amount of money"),
        (
            {"add": {"offers": [tokens("north", 1)]}},
            "in the scenario `s`, `north-api` is declared twice, first at case:",
        ),
        ({"events": {"agi": "2026-02-01"}}, "there is no event `agi`; declare it under `events:` first"),
        ({"reading": {"only": "letter"}}, "there is no clause `only` that has readings"),
        ({"based-on": "s"}, "scenarios go in a circle: `s` is based on `s`"),
        ({"based-on": "t"}, "there is no scenario `t`"),
        ({"without": ["only"], "change": [{"term": "only", "text": "x"}]}, "there is no clause `only` any more: it is"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said_at_its_place(scenario: Data, found: str) -> None:
    text = mistakes({"id": "s", **scenario})
    assert found in text[0]
    assert text[0].startswith("case:")


def test_a_change_that_no_time_of_the_horizon_sees_is_noted() -> None:
    late = {"offer": "north-api", "price": "-5%", "from": "2036-01-01"}
    early = {"provider": "south", "from": "2016-01-01", "until": "2016-02-01"}
    told = [
        note.what for note in notes(under({"id": "s", "change": [late], "lose": [early]})) if note.where.file == "s"
    ]
    assert told == [
        "`north-api` changes from 2036-01-01, and at no time of the horizon (Jan 2026 – Feb 2026)",
        "`south` is lost from 2016-01-01 until 2016-02-01, and at no time of the horizon (Jan 2026 – Feb 2026)",
    ]
    (lost,) = notes(under({"id": "s", "lose": [{"provider": "south", "from": "2036-01-01"}]}))
    assert lost.what.startswith("`south` is lost from 2036-01-01, and at no time")


@pytest.mark.parametrize("name", ["", ",", "s,", " ,s"])
def test_an_empty_name_is_no_scenario(name: str, tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(world({"id": "s"})), encoding="utf-8")
    with pytest.raises(CaseError, match="holds an empty name"):
        Case.load(tmp_path, scenario=name)


def test_changes_that_contradict_each_other_name_both_places() -> None:
    dear, cheap = ({"offer": "north-api", "price.input": f"{n} USD per Mtok"} for n in (9, 1))
    found = said({"id": "s", "change": [dear, cheap]})
    assert "`price.input` of `north-api` is `1 USD per Mtok` here, and `9 USD per Mtok` at case:" in found
    base = {"id": "a", "change": [{"term": "floor", "amount": "3 k USD"}]}
    assert "`amount` of `floor` is `4 k USD` here, and `3 k USD` at" in said(
        base, {"id": "b", "based-on": "a", "change": [{"term": "floor", "amount": "4 k USD"}]}
    )
    assert "takes away a clause `floor`, which is changed at case:" in said(
        base, {"id": "b", "based-on": "a", "without": ["floor"]}
    )


def test_values_for_different_times_do_not_contradict_each_other() -> None:
    windows = [
        {"workload": "chat", "demand": f"{n} Mtok per month", "from": f"2026-0{n}-01", "until": f"2026-0{n + 1}-01"}
        for n in (1, 2)
    ]
    (chat, _) = under({"id": "s", "change": windows}).workloads
    found = {str(on): str(rate.value) for on, rate in chat.demand.rate.steps}  # type: ignore[union-attr]
    assert found == {"1970-01-01": "1000", "2026-01-01": "1", "2026-02-01": "2", "2026-03-01": "1000"}


def test_all_mistakes_of_all_scenarios_are_said_at_once() -> None:
    found = mistakes({"id": "a", "without": ["x", "y"]}, {"id": "b", "lose": [{"offer": "z", "from": "2026-01-01"}]})
    assert len(found) == 3


def test_a_circle_of_scenarios_is_named() -> None:
    found = mistakes({"id": "a", "based-on": "b"}, {"id": "b", "based-on": "c"}, {"id": "c", "based-on": "b"})
    assert any("scenarios go in a circle: `b` is based on `c` is based on `b`" in each for each in found)


def test_what_cannot_be_changed_hides_nothing_of_what_is_changed() -> None:
    """A clause that there is not, and an offer that is there already: both are told."""
    twice = {"id": "deal", "without": ["nobody"], "add": {"offers": [tokens("north", 4)]}}
    first, second = mistakes(twice)
    assert "there is no clause, agreement, offer or workload `nobody`" in first + second
    assert "`north-api` is declared twice" in first + second
