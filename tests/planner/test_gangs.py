"""Gangs on reserved capacity that nobody else uses: as many units as a gang runs on, and no fewer."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from detente.errors import CaseError
from tests.builders import D, Data, build, compute, gpus, solved
from tests.planner.test_oracle import agree

JANUARY = 744


def job(name: str, work: int, gang: int, **more: Any) -> Data:
    found: Data = {"id": name, "kind": "training", "work": f"{work} GPU-hour", "deadline": "2026-02"}
    return found | {"gang": f"{gang} GPU", "runs-on": {"accelerators": {"H100": 1}}} | more


def reserved(price: str, **more: Any) -> Data:
    return gpus("south", price, id="south-reserved", buy="reserved", term="1 month") | more


@pytest.mark.parametrize("idle", ["forbidden", "reserved", "allowed"])
@pytest.mark.parametrize(("unit", "units"), [(1, 8), (4, 2), (8, 1)])
def test_a_gang_that_is_done_early_needs_all_of_its_units(idle: str, unit: int, units: int) -> None:
    """Half a month of 8 GPUs: eight reserved at 1 cost 5,952, on demand at 3 the hours 8,928; four do no work."""
    offers = [gpus("north", 3), reserved("1", unit=unit)]
    found = solved(build(offers, [job("run", 4 * JANUARY, 8)], months=1, idle=idle))
    assert found.cost == D(8 * JANUARY)
    assert {p.offer: p.units for p in found.purchases} == {"south-reserved": units}


@pytest.mark.parametrize(("price", "cost"), [("1", 8 * JANUARY), ("2", 8928)])
def test_what_it_reserves_is_weighed_against_its_hours_on_demand(price: str, cost: int) -> None:
    offers = [gpus("north", 3), reserved(price)]
    assert solved(build(offers, [job("run", 4 * JANUARY, 8)], months=1)).cost == D(cost)


@pytest.mark.parametrize(
    ("gangs", "unit", "parts", "idle"), list(product([(8, 4), (6, 2)], [1, 2], [0.3, 1.4], ["forbidden", "reserved"]))
)
def test_gangs_are_planned_as_the_oracle_does(gangs: tuple[int, int], unit: int, parts: float, idle: str) -> None:
    """Two of them and work that needs three, at prices between which the cheaper place turns on how long they run."""
    jobs = [job(f"run{size}", int(parts * size * JANUARY), size) for size in gangs]
    offers = [gpus("north", "2.2", unit=unit), reserved("1.3", unit=unit, capacity="16 GPU")]
    assert agree(build(offers, [*jobs, compute("chat", "2.5 GPU")], months=1, idle=idle))


@pytest.mark.parametrize(
    ("more", "work", "cost"),
    [
        ({"starts": ["2026-02-01"]}, 8 * 672, 8 * 672),  # all of it in the block
        ({"starts": ["2026-02-01"]}, 8 * 672 + 80, 8 * 672 + 9 * 80),  # and what is over at 9
        ({"starts": ["2026-01-01", "2026-02-01"], "term": "2 months", "cut": "refuse", "capacity": "16 GPU"},
         8 * (744 + 2 * 672 + 744), 8 * 2 * (1416 + 1416) // 2),  # one each: both serve in February
    ],
)  # fmt: skip
def test_a_gang_runs_while_its_reservation_lasts(more: Data, work: int, cost: int) -> None:
    """A block ends before the horizon does: its gangs are counted while it is there, and not until the end."""
    run = job("run", work, 8, deadline="2026-04")
    case = build([gpus("north", 9), reserved("1", **more)], [run], months=3)
    found = solved(case)
    assert (found.cost, found.bound) == (D(cost), D(cost))
    assert agree(case)


@pytest.mark.parametrize(
    ("steady", "said"),
    [
        ("3 GPU", "within a period it takes turns with `chat`: together they need 11 GPU at once, and 8 are reserved"),
        (None, None),  # nobody else
        ("8 GPU", None),  # twelve are reserved: all of it at once
    ],
)
def test_a_gang_that_takes_turns_with_work_that_never_waits_says_so(steady: str | None, said: str | None) -> None:
    """Half a month of 8 GPUs beside 3 at any time: 5,208 GPU-hours fit into 8 reserved, though not all at once."""
    run = job("run", 4 * JANUARY, 8) if steady != "8 GPU" else job("run", 4 * JANUARY, 4)
    works = [run, *([compute("chat", steady)] if steady else [])]
    found = solved(build([reserved("1")], works, months=1))
    (why,) = [d.why for d in found.decisions if d.workload == "run" and d.work]
    assert (said in why) if said else ("turns" not in why)


def test_a_gang_by_the_hour_runs_beside_what_is_rented_and_not_on_what_stands_idle_of_it() -> None:
    """Of seven units of four, 5 GPUs at any time hold two; five are left to the gang, 14,880 GPU-hours of its 15,000.

    The two have 2,232 GPU-hours idle, which it was planned on. What is over runs in the north at 30.
    """
    offers = [gpus("north", 30), gpus("south", 2, unit=4, capacity="28 GPU")]
    works = [job("run", 15_000, 4), compute("chat", "5 GPU")]
    found = solved(build(offers, works, months=1))
    assert found.cost == 2 * (8 * JANUARY + 14_880) + 30 * 120
    assert agree(build(offers, works, months=1))


@pytest.mark.parametrize(
    ("size", "steady", "here"),
    [
        (4, 5, 4 * JANUARY),  # seven of twelve are left: one gang of four
        (8, 5, 0),  # and none of eight
        (8, 4, 8 * JANUARY),
        (3, 5, 6 * JANUARY),
    ],
)
def test_beside_what_is_rented_a_gang_runs_in_whole_gangs(size: int, steady: int, here: int) -> None:
    """Twelve GPUs at 2 in the south; those that others rent are gone all month. What is over runs on spot at 3."""
    need = 9 * JANUARY
    offers = [gpus("north", 3, buy="spot"), gpus("south", 2, capacity="12 GPU")]
    works = [job("run", need, size, interruptible=True), compute("chat", f"{steady} GPU")]
    found = solved(build(offers, works, months=1))
    assert found.cost == 2 * (steady * JANUARY + here) + 3 * (need - here)
    assert agree(build(offers, works, months=1))


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        (12, "it takes turns with `b`: together they need 14 GPU at once, and 12 are there for gangs"),
        (14, None),
        (None, None),
    ],
)
def test_gangs_by_the_hour_that_do_not_fit_at_once_say_so(capacity: int | None, said: str | None) -> None:
    """Eight for half of the month and six for a third of it: on twelve one of them waits for the other."""
    south = gpus("south", 2, **({} if capacity is None else {"capacity": f"{capacity} GPU"}))
    jobs = [job("a", 4 * JANUARY, 8), job("b", 2 * JANUARY, 6)]
    found = solved(build([south], jobs, months=1))
    assert found.cost == 2 * 6 * JANUARY
    (why,) = [d.why for d in found.decisions if d.workload == "a"]
    assert (said in why) if said else ("turns" not in why)


def test_a_gang_that_no_unit_divides_is_told_what_to_write() -> None:
    """Of 8 GPUs at a time 30 are none: the next are 3 x 8 and 4 x 8."""
    job = {"id": "train", "kind": "training", "work": "1 k GPU-hour", "gang": "30 GPU", "deadline": "2026-02"}
    with pytest.raises(CaseError, match="divides its gang of 30 GPU: write `24 GPU` or `32 GPU`") as told:
        build([gpus("north", 2, unit=8)], [job | {"runs-on": {"accelerators": {"H100": 1}}}], months=1)
    assert len(told.value.mistakes) == 1  # that nobody uses the offer follows from it


def test_an_offer_whose_unit_divides_no_gang_is_told_beside_one_that_serves() -> None:
    job = {"id": "train", "kind": "training", "work": "1 k GPU-hour", "gang": "30 GPU", "deadline": "2026-02"}
    with pytest.raises(CaseError, match="its unit of 8 divides no gang: sell it in one that does") as told:
        build(
            [gpus("north", 2, unit=8), gpus("south", 2, unit=10)],
            [job | {"runs-on": {"accelerators": {"H100": 1}}}],
            months=1,
        )
    assert len(told.value.mistakes) == 1
