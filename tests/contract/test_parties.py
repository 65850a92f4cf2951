"""Whose use an agreement is about, on our side. North 3 USD per Mtok, South 2; 1000 Mtok a month of each party."""

from __future__ import annotations

from typing import Any

from detente.case.case import Case
from tests.builders import D, Data, agreement, data_of, mistakes, placed, solved, tokens, work

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "shortfall": "forbidden"}


def written(*deals: Data, **labels: str | None) -> Data:
    """The lab, its affiliate and a subsidiary, each with work of its own."""
    names: dict[str, Any] = {"lab": "lab", "uk": "lab-uk", "sub": "subsidiary"} | labels
    works = [work(name, labels={"party": party} if party else {}) for name, party in names.items()]
    return data_of([tokens("north", 3), tokens("south", 2)], works, *deals, months=3)


def at_north(case: Case) -> dict[str, D]:
    found: dict[str, D] = {}
    for row in solved(case).allocations:
        if row.offer == "north-api":
            found[row.workload] = found.get(row.workload, D(0)) + row.work
    return found


def test_only_use_of_the_parties_counts() -> None:
    # 9,000 USD are 3,000 Mtok: all of the lab's three months
    assert at_north(Case.of(written(agreement(FLOOR, parties=["lab"])))) == {"lab": D(3000)}


def test_affiliates_share_a_commitment() -> None:
    both = at_north(Case.of(written(agreement(FLOOR | {"amount": "15 k USD"}, parties=["lab", "lab-uk"]))))
    assert (sum(both.values()), "sub" in both) == (D(5000), False)


def test_several_agreements_share_one_commitment() -> None:
    """The affiliate has an agreement of its own; the commitment of the other counts its use, too."""
    shared = FLOOR | {"amount": "15 k USD", "parties": ["lab", "lab-uk"]}
    off = {"id": "off", "kind": "discount", "off": "20%"}
    uk = agreement(off, id="uk-deal", parties=["lab-uk"])
    counted = FLOOR | shared | {"measure": "after-discounts"}
    found = solved(Case.of(written(agreement(counted, parties=["lab"]), uk)))
    # the affiliate pays 2.40 at North: 7,200 of its own, and 7,800 of the lab's at 3: 2,600 Mtok
    there = {row.workload: D(0) for row in found.allocations}
    for row in found.allocations:
        there[row.workload] += row.work if row.offer == "north-api" else D(0)
    assert there == {"lab": D(2600), "uk": D(3000), "sub": D(0)}
    (standing,) = found.commitments
    assert standing.drawn == D(15_000)


def test_what_a_party_may_not_do_others_may() -> None:
    only = {"id": "only", "kind": "exclusivity"}
    assert placed(solved(Case.of(written(agreement(only, parties=["lab-uk"]))))) == {
        "north-api": D(3000), "south-api": D(6000),
    }  # fmt: skip


def test_an_amendment_is_of_the_same_parties() -> None:
    later = agreement(FLOOR | {"amount": "3 k USD"}, id="later", effective="2026-02-01", amends="north-deal")
    later["terms"][0]["takes-over"] = "whole-window"
    case = Case.of(written(agreement(FLOOR, parties=["lab"]), later))
    assert {term.validity.parties for term in case.terms} == {("lab",)}


def test_parties_are_parties_of_some_work_and_all_work_says_whose_it_is() -> None:
    (unknown,) = mistakes(written(agreement(FLOOR, parties=["lbb"])))
    assert unknown.startswith("no workload has `party: lbb`, so `north-deal` selects nothing by it")
    (unsaid,) = mistakes(written(agreement(FLOOR, parties=["lab"]), sub=None))
    assert unsaid.startswith("`sub` has no label `party`, and the clause `north-deal` turns on it")
