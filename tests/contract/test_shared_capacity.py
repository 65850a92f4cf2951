"""Capacity of an agreement that several parties share. A January of 744 hours; North 1 USD per GPU-hour, South 10."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches_of
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    compute,
    data_of,
    gpus,
    mistakes,
    placed,
    solved,
    standing,
    tokens,
    use,
    work,
)

HOURS = 744
PHASES: Data = {
    "id": "phases",
    "kind": "delivery",
    "offer": "north-gpus",
    "tranches": [{"name": "one", "quantity": "10 GPU", "due": "2026-01-01", "accepted": "2026-01-01"}],
}
KEPT: Data = {
    "id": "kept",
    "kind": "take-or-pay",
    "offer": "north-gpus",
    "quantity": "16 GPU",
    "price": "1 USD per GPU-hour",
}
CAP: Data = {"id": "cap", "kind": "spending-cap", "amount": "10 k USD", "windows": {"every": "month"}}
FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "11904 USD"}
OFF: Data = {"id": "off", "kind": "discount", "off": "10%"}


def parts(clause: Data, gpus_each: int, parties: list[str], unit: int) -> tuple[Any, ...]:
    works = [compute(name, f"{gpus_each} GPU", labels={"party": name}) for name in ("lab", "uk")]
    offers = [gpus("north", 1, unit=unit, capacity="24 GPU"), gpus("south", 10)]
    return offers, works, agreement(clause, parties=parties)


def case(clause: Data, gpus_each: int = 8, parties: tuple[str, ...] = ("lab", "uk"), unit: int = 1) -> Case:
    return build(*parts(clause, gpus_each, [*parties], unit), months=1)


def test_units_that_parties_share_are_held_to_what_was_delivered() -> None:
    """5 and 5 GPUs fit in two units of 8, and 10 GPUs came: one unit, and two GPUs at South."""
    found = solved(case(PHASES, 5, unit=8))
    assert found.cost == 8 * HOURS * 1 + 2 * HOURS * 10


@pytest.mark.parametrize(("others", "lab_and_uk", "uk"), [("share", 10, None), ("none", 8, 0)])
def test_others_share_what_was_delivered_or_have_none_of_it(others: str, lab_and_uk: int, uk: int | None) -> None:
    found = solved(case(PHASES | {"others": others}, parties=("lab",)))
    assert placed(found).get("north-gpus") == lab_and_uk * HOURS
    if uk is not None:
        assert placed(found, "uk").get("north-gpus", D(0)) == uk * HOURS


def test_what_others_take_stands_on_the_books() -> None:
    shared = case(PHASES | {"others": "share"}, parties=("lab",))
    month = "2026-01-01", "2026-02-01"
    lines = [use(shared, name, "north-gpus", *month, hours, 1) for name, hours in (("lab", 1000), ("uk", 500))]
    assert [(s.amount, s.drawn) for s in standing(shared, "phases", *lines).standings] == [(D(10 * HOURS), D(1500))]


def test_whose_capacity_it_is_must_be_said() -> None:
    """Where work of the affiliate may run on what is delivered for the lab."""
    what = "work of `uk` may run on `north-gpus`, and this is for `lab`: whose the capacity is, is not said; say"
    for clause, third in ((PHASES, "an offer of its own"), (KEPT, "`others: apart`")):
        (said,) = mistakes(data_of(*parts(clause, 8, ["lab"], 1)))
        assert said.startswith(what), said
        assert third in said
    (apart,) = mistakes(data_of(*parts(PHASES | {"others": "apart"}, 8, ["lab"], 1)))
    assert apart.startswith("what others take of the same offer cannot be apart")
    (scope,) = mistakes(data_of(*parts(PHASES | {"of": {"kind": "inference"}}, 8, ["lab", "uk"], 1)))
    assert scope.startswith("what has come is all that there is of its offer")
    offers, works, deal = parts(KEPT | {"others": "share"}, 8, [], 1)
    (nobody,) = mistakes(data_of(offers, works, deal))
    assert nobody.startswith("everybody on our side is bound by it")


def test_units_that_stand_idle_are_taken_by_the_parties_that_share_them() -> None:
    """Of two units 10 GPUs are used, and 16 are kept: nothing is owed for what was bought and stands idle."""
    found = solved(case(KEPT, 5, unit=8))
    assert (found.cost, charged(found, "kept")) == (16 * HOURS, 0)


@pytest.mark.parametrize(("others", "owed"), [("share", 0), ("apart", 8), ("none", 8)])
def test_what_others_take_counts_where_they_share(others: str, owed: int) -> None:
    """The lab takes 8 of the 16 GPUs that are kept, and the affiliate 8."""
    found = solved(case(KEPT | {"others": others}, parties=("lab",)))
    assert charged(found, "kept") == owed * HOURS
    assert placed(found)["north-gpus"] == (8 if others == "none" else 16) * HOURS


def test_a_cap_that_all_parties_share_counts_what_stands_idle() -> None:
    """Two units cost 11,904 USD: within 10,000 there is one, and two GPUs are at South."""
    found = solved(case(CAP, 5, unit=8))
    assert found.cost == 8 * HOURS * 1 + 2 * HOURS * 10


@pytest.mark.parametrize(
    ("clause", "cost"),
    [(PHASES, 20_832), (KEPT, 11_904), (CAP, 20_832), (FLOOR, 11_904), (OFF, D("10713.6"))],
    ids=["delivery", "take-or-pay", "cap", "floor", "discount"],
)
@pytest.mark.parametrize("tokens_of", ["uk", "de"])
def test_work_that_can_never_run_on_the_offer_changes_nothing(clause: Data, cost: int, tokens_of: str) -> None:
    """Two units are 11,904 USD, a tenth less 10,713.60; one and two GPUs at South 8 x 744 + 2 x 7,440 = 20,832.

    1,000 Mtok at 2 USD of South are 2,000 USD more, whoever's.
    """
    offers, works, deal = parts(clause, 5, ["lab", "uk"], 8)
    chat = work("chat", "1000 Mtok per month", labels={"party": tokens_of})
    found = solved(build([*offers, tokens("south", 2, model="m")], [*works, chat], deal, months=1))
    assert found.cost - 2000 == cost
    assert charged(found, str(clause["id"])) == (D("-1190.4") if clause is OFF else 0)


def test_what_stands_idle_is_nobodys_where_work_of_others_can_run() -> None:
    """A third party's work can run on `old`, and not on `new`; of each a unit of 8 is bought, and 5 GPUs are used.

    The parties' are all 8 of `new` and 5 of `old`: 13 x 744 = 9,672 of the 10,000 USD that they owe, 328 too little.
    """
    offers = [gpus("north", 1, id=name, unit=8, accelerator=chip) for name, chip in (("new", "H100"), ("old", "A100"))]
    works = [
        compute("lab", "5 GPU", labels={"party": "lab"}),
        *(
            compute(name, f"{n} GPU", labels={"party": name}, **{"runs-on": {"accelerators": {"A100": 1}}})
            for name, n in (("uk", 5), ("de", 1))
        ),
    ]
    deal = agreement(FLOOR | {"amount": "10 k USD"}, parties=["lab", "uk"])
    found = solved(build(offers, works, deal, months=1))
    assert (charged(found, "floor"), found.cost) == (328, 2 * 8 * HOURS + 328)


def test_who_is_told_by_whose_use_counts() -> None:
    for others, whose in (("share", "everybody's use on our side"), ("apart", "use of `lab`")):
        told = {s.name: s.value for s in switches_of(case(KEPT | {"others": others}, parties=("lab",)), "kept")}
        assert told["who"] == whose
