"""Units of throughput that serve several models: by turns, at the rate of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import D, Data, build, data_of, mistakes, placed, solved, tokens, work
from tests.planner.oracle.oracle import Oracle


def ptu(name: str, model: str, **more: Any) -> Data:
    """Units of 1 ktok a minute in steps of 25, reserved for a month at 0.40 USD an hour."""
    units = {"throughput": "1 ktok per minute", "minimum": 25, "increment": 25, "term": "1 month"}
    sold = {"id": name, "kind": "provisioned", "provider": "north", "region": "dublin", "model": model}
    return sold | units | {"price": "0.40 USD per unit-hour"} | more


def by_turns(*models: list[str]) -> list[Data]:
    """100 ktok a minute by day of the one, and by night of the other."""
    halves = [["200%"] * 12 + ["0%"] * 12, ["0%"] * 12 + ["200%"] * 12]
    return [
        work(f"w{at}", {"rate": "50 ktok per minute", "profile": {"weekend": "100%", "hours": hours}})
        | {"mix": {"output": "0%"}, "runs-on": {"models": names}}
        for at, (hours, names) in enumerate(zip(halves, models, strict=True))
    ]


HOURS = {"start": "2026-02-01", "end": "2026-02-03", "every": "hour"}


def test_one_reservation_serves_two_models_by_turns() -> None:
    """100 units at 0.40 USD in each of 48 hours; and twice as many, where each is bound to its model."""
    one = build([ptu("any", "any", cut="prorate")], by_turns(["a", "any"], ["b", "any"]), horizon=HOURS)
    assert solved(one).cost.quantize(D("0.01")) == D(100 * 48) * D("0.4")
    bound: Data = {"cut": "prorate", "bound-to": "model"}
    two = build([ptu("ptu-a", "a", **bound), ptu("ptu-b", "b", **bound)], by_turns(["a"], ["b"]), horizon=HOURS)
    assert solved(two).cost.quantize(D("0.01")) == D(200 * 48) * D("0.4")


@pytest.mark.parametrize(
    ("gives", "output", "units"),
    [
        ({"throughput": "1 ktok per minute"}, "0%", 100),  # 100 ktok a minute of either
        ({"throughput": "2 ktok per minute"}, "0%", 100),  # of the other, 50 units by night
        ({"throughput": "500 tok per minute"}, "0%", 200),
        ({"throughput": "0.5 tok per second"}, "0%", 3350),  # 30 a minute: 3,333.3, in steps of 25
        # a token of output weighs 3: 100 ktok, half of them output, are 200 of input, and half as much to a unit
        ({"throughput": "2 ktok per minute", "output-ratio": 3}, "50%", 100),
        ({"throughput": "1 ktok per minute", "output-ratio": 3}, "50%", 200),
    ],
)
def test_one_reservation_serves_models_that_it_covers(gives: Data, output: str, units: int) -> None:
    one = ptu("ptu-a", "a", covers={"b": gives}, cut="prorate")
    works = [w | {"mix": {"output": output}} for w in by_turns(["a"], ["b"])]
    case = build([one], works, horizon=HOURS)
    found = solved(case)
    assert found.cost.quantize(D("0.01")) == D(units * 48) * D("0.4")


def test_units_that_cover_models_are_planned_as_the_oracle_says() -> None:
    """100 Mtok a month of `b` and of `m`, half of each output, and a dearer endpoint for what no unit holds."""
    gives = {"throughput": "20 ktok per minute", "output-ratio": 3}
    units = {
        "throughput": "3 ktok per minute",
        "output-ratio": 4,
        "price": "0.50 USD per unit-hour",
        "covers": {"b": gives},
    }
    one = {"id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m"} | units
    works = [
        work(name, "100 Mtok per month") | {"runs-on": {"models": models}}
        for name, models in (("one", ["b"]), ("other", ["m"]))
    ]
    case = build([one, tokens("south", 9), tokens("east", 9, id="b-api", model="b")], works, months=2)
    found = solved(case)
    assert set(placed(found)) >= {"units"}
    assert Oracle(case).solve() == pytest.approx(float(found.cost), abs=0.01)


def test_what_covers_a_model_says_so_once() -> None:
    twice = ptu("ptu-a", "a", covers={"a": {"throughput": "1 ktok per minute"}})
    assert "covers `a`, and is of that model" in mistakes(data_of([twice], by_turns(["a"], ["a"])))[0]
    bound = ptu("ptu-a", "a", covers={"b": {"throughput": "1 ktok per minute"}}, **{"bound-to": "model"})
    assert "is bound to `a`" in mistakes(data_of([bound], by_turns(["a"], ["b"])))[0]


def test_whether_one_reservation_serves_two_models_is_said() -> None:
    (only,) = mistakes(data_of([ptu("ptu-a", "a"), ptu("ptu-b", "b")], by_turns(["a"], ["b"])))
    assert only.startswith(
        "`ptu-a` and `ptu-b` are reserved in one region for `a` and `b`, and whether one serves both"
    )
    assert "`bound-to: model`" in only
    assert "write one offer that `covers: { b: { throughput: 0.001 Mtok per minute } }`" in only
