"""Exclusivity, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from tests.builders import D, agreement, build, by_period, mistakes, placed, solved, tokens, two_clouds, work

EXCLUSIVE = {"id": "only", "kind": "exclusivity", "text": "APIs run exclusively on North."}


def test_covered_work_runs_at_home() -> None:
    found = solved(two_clouds(EXCLUSIVE))
    # 6 months x 1000 Mtok x 3 USD = 18,000 (without the clause 6 x 1000 x 2 = 12,000)
    assert found.cost == D(18000)
    assert placed(found) == {"north-api": D(6000)}


def test_the_reason_cites_the_clause() -> None:
    found = solved(two_clouds(EXCLUSIVE))
    runs, rests = found.decisions
    assert (runs.offer, runs.work) == ("north-api", D(6000))
    assert "`only` keeps it off `south-api`, which costs less" in runs.sentence
    assert (rests.offer, rests.terms) == ("south-api", ("only",))
    assert rests.sentence == "not here: everything runs only on north, so not on south"


def test_a_named_provider() -> None:
    found = solved(two_clouds(EXCLUSIVE | {"provider": "south"}, party="self"))
    assert placed(found) == {"south-api": D(6000)}
    assert mistakes_of(EXCLUSIVE, party="self") == [
        "a policy is exclusive to a provider that it names; add `provider: …`"
    ]


def mistakes_of(term: dict[str, Any], party: str = "north") -> list[str]:
    with pytest.raises(CaseError) as error:
        two_clouds(term, party=party)
    return [f"{m.what}; {m.remedy}" for m in error.value.mistakes]


def readings_case(reading: str | None) -> Case:
    term = EXCLUSIVE | {
        "readings": {
            "letter": {"of": {"api": "stateless"}},
            "spirit": {"of": {"api": ["stateless", "stateful"]}},
            "narrow": {"of": {"api": ["stateless", "stateful"]}, "except": [{"workload": "agents"}]},
        }
    }
    chat, agents = work("chat", labels={"api": "stateless"}), work("agents", labels={"api": "stateful"})
    case = build([tokens("north", 3), tokens("south", 2)], [chat, agents], agreement(term), months=1)
    return case.under(reading=reading)


@pytest.mark.parametrize(
    ("reading", "cost"),
    [
        ("letter", 5000),  # chat at North 1000 x 3, agents at South 1000 x 2
        ("spirit", 6000),  # both at North: 2 x 1000 x 3
        ("narrow", 5000),  # agents are carved out: as by the letter
    ],
)
def test_readings(reading: str, cost: int) -> None:
    found = solved(readings_case(reading))
    assert (found.cost, found.reading) == (D(cost), reading)


def test_no_reading_is_chosen_in_silence() -> None:
    with pytest.raises(CaseError, match="several readings and none is chosen"):
        readings_case(None).terms  # noqa: B018
    with pytest.raises(CaseError, match="no clause has a reading `leter`"):
        readings_case("leter")


def test_carve_outs() -> None:
    term = EXCLUSIVE | {"of": {"kind": "inference"}, "except": [{"workload": "agents"}, {"tier": "basic"}]}
    each = [
        work("chat", labels={"tier": "gold"}),
        work("agents", labels={"tier": "gold"}),
        work("mail", labels={"tier": "basic"}),
        work("night", kind="batch", labels={"tier": "gold"}),
    ]
    found = solved(build([tokens("north", 3), tokens("south", 2)], each, agreement(term), months=1))
    # only chat is left: 1000 x 3 + 3 x 1000 x 2 = 9,000
    assert found.cost == D(9000)
    assert placed(found, "chat") == {"north-api": D(1000)}


def test_until_an_event() -> None:
    term = EXCLUSIVE | {"until": {"event": "agi", "latest": "2026-06"}}
    happens = two_clouds(term, events={"agi": "2026-03-01"})
    # January, February at North: 2 x 3000; then 4 x 2000 = 14,000
    assert solved(happens).cost == D(14000)
    never = two_clouds(term, events={"agi": "not expected"})
    # until the latest day: January to May at North: 5 x 3000 + 2000 = 17,000
    assert solved(never).cost == D(17000)
    scenarios = [{"id": "late", "events": {"agi": "2026-05-01"}}]
    moved = two_clouds(term, events={"agi": "2026-03-01"}, scenarios=scenarios).under(scenario="late")
    # January to April: 4 x 3000 + 2 x 2000 = 16,000
    assert solved(moved).cost == D(16000)


def test_a_part_of_a_month_denies_all_of_it() -> None:
    found = solved(two_clouds(EXCLUSIVE | {"from": "2026-02-10", "until": "2026-04-20"}))
    # 10 February to 20 April touches February, March, April: 3 x 3000 + 3 x 2000
    assert found.cost == D(15000)
    assert by_period(found, "north-api") == [D(0), D(1000), D(1000), D(1000), D(0), D(0)]


def test_a_clause_in_force_between_first_and_last_period_is_cited() -> None:
    found = solved(two_clouds(EXCLUSIVE | {"from": "2026-03-01", "until": "2026-04-01"}))
    runs = next(d for d in found.decisions if d.offer == "north-api")
    assert runs.terms == ("only",)  # why a sixth of it runs at the dearer place (§1)


def test_unknown_labels_are_refused_by_the_case() -> None:
    chat, mail = work("chat", labels={"api": "stateless"}), work("mail")
    deal = agreement(EXCLUSIVE | {"of": {"api": "stateless"}})
    data = {
        "name": "x",
        "horizon": {"start": "2026-01", "end": "2026-02"},
        "providers": [{"id": "north", "name": "North", "regions": {"dublin": {"country": "IE"}}}],
        "offers": [tokens("north", 1)],
        "workloads": [chat, mail],
        "agreements": [deal],
    }
    (only,) = mistakes(data)
    assert "`mail` has no label `api`" in only
