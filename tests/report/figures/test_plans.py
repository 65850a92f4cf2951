"""Figures between plans: every number of a page that compares is one, and is made of figures of the plans."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from detente.report.figures.figure import NamedFigure
from detente.report.figures.plans import figures_between, names, plans_figures
from detente.report.pages.plans_page import render
from detente.report.plans.bridge import bridge
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, data_of, tokens, work
from tests.cli.shell import detente
from tests.report.frontier import frontier
from tests.report.made_plans import empty, many, tiny
from tests.report.page_figures import assert_all_asked, said_in, worked_out


def both() -> list[Plan]:
    return [frontier("letter"), frontier("spirit")]


def by_address(plans: Sequence[Plan]) -> dict[str, NamedFigure]:
    return {each.address: each for each in plans_figures(plans)}


@pytest.mark.parametrize(
    "make",
    [
        both,
        lambda: [tiny(), tiny()],
        lambda: [empty(), tiny()],
        lambda: [frontier("letter"), tiny()],  # in another currency
        lambda: [many(1), many(2)],
    ],
)
def test_every_number_of_a_page_of_several_plans(make: Callable[[], list[Plan]]) -> None:
    plans = make()
    page = render(plans)
    said = [said for plan in plans for said in said_in(plan)]
    assert_all_asked(page, plans_figures(plans), said, listed=False)
    assert all(f"<code>{each.address}</code>" in page for each in figures_between(plans))


def test_a_page_of_one_plan_lists_nothing_between() -> None:
    assert 'id="figures"' not in render([tiny()])


def test_the_bridge_is_made_of_the_lines_of_both_bills() -> None:
    plans = both()
    found = by_address(plans)
    cost = found["bridge/spirit/cost"]
    assert cost.value == plans[1].cost - plans[0].cost
    assert [each.address for each in cost.operands] == ["plans/spirit/cost", "plans/letter/cost"]
    fees = found["bridge/spirit/shortfall-fee"]
    assert [each.address for each in fees.operands] == [
        "plans/spirit/causes/shortfall-fee",
        "plans/letter/causes/shortfall-fee",
    ]
    (line,) = found["plans/spirit/causes/shortfall-fee"].operands
    assert line.address == "plans/spirit/bill/shortfall-fee/aws-commitment/AWS"
    assert line.value == fees.value == found[line.address].value
    steps = [
        each.value for name, each in found.items() if name.startswith("bridge/spirit/") and name[14:] not in TOTALS
    ]
    assert sum(Decimal(each) for each in steps) == cost.value
    assert len(steps) == len(bridge(*plans))


TOTALS = {"cost", "of-cost"}


def test_causes_are_their_lines_to_the_last_digit() -> None:
    for each in figures_between(both()):
        if "/causes/" in each.address and each.operands:
            assert worked_out(each) == Fraction(Decimal(each.value)), each.address


def test_years_are_the_cost_of_the_plan() -> None:
    plan = frontier("spirit")
    years = [each for name, each in by_address(both()).items() if name.startswith("plans/spirit/years/")]
    assert len(years) == 8
    assert abs(sum(Decimal(each.value) for each in years) - plan.cost) < D("1e-9")  # of a US dollar, over 96 periods


def test_plans_are_called_as_on_the_page() -> None:
    letter, spirit = both()
    assert names([letter, spirit]) == ["letter", "spirit"]
    assert names([letter, letter]) == ["letter-1", "letter-2"]
    court = replace(letter, scenario="won,appealed")
    assert names([letter, court]) == ["letter,baseline", "letter,won,appealed"]
    odd = replace(letter, reading="letter-1")
    assert names([letter, letter, odd]) == ["1", "2", "3"]


def test_plans_in_two_currencies_have_no_bridge() -> None:
    found = by_address([frontier("letter"), tiny()])
    assert not any(name.startswith("bridge/") for name in found)
    assert found["plans/tiny/cost"].unit == "EUR"


# -- on the command line -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plans of one workload on one offer with a floor: now, and at half the price."""
    folder = tmp_path_factory.mktemp("plans")
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "500 USD", "windows": {"every": "term"}}
    scenarios = [{"id": "cheap", "change": [{"offer": "north-api", "price": "-50%"}]}]
    data = data_of([tokens("north", 3)], [work()], agreement(floor), scenarios=scenarios)
    (folder / "case").mkdir()
    (folder / "case" / "case.yaml").write_text(json.dumps(data))
    for name, more in (("now", ()), ("cheap", ("--scenario", "cheap"))):
        done = detente("plan", folder / "case", *more, "--out", folder / name)
        assert done.returncode == 0, done.stderr
    return folder


def test_what_stands_between_two_saved_plans_is_asked_of_both(saved: Path) -> None:
    now, cheap = (Plan.load(saved / name) for name in ("now", "cheap"))
    done = detente("explain", saved / "now", saved / "cheap" / "plan.json", "bridge/cheap/cost", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert D(found["value"]) == cheap.cost - now.cost
    assert (found["rule"], len(found["operands"])) == ("difference", 2)
    said = detente("explain", saved / "now", saved / "cheap", "bridge/cheap/compute-after-discounts").stdout
    assert "- it is the first less the second:" in said
    assert "(`plans/baseline/causes/compute-after-discounts`)" in said
    listed = detente("explain", saved / "now", saved / "cheap").stdout
    assert "bridge/cheap/of-cost: " in listed
    assert "plans/cheap/workloads/chat/served: " in listed


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("now cheap bridge/cheap/costs", "did you mean `bridge/cheap/cost`"),
        ("now cheap bridge/cheap/costs", "plan.json and "),
        ("now chaep bridge/cheap/cost", "`chaep` is no saved plan, and `bridge/cheap/cost` follows it"),
        ("now cheap cost --reading letter", "is a saved answer, not a case: leave out --reading"),
        ("case chat extra", "`chat` is no saved plan, and `extra` follows it"),
    ],
)
def test_what_cannot_be_asked_is_told(saved: Path, asked: str, told: str) -> None:
    done = detente("explain", *asked.split(), cwd=saved)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_only_plans_stand_side_by_side(saved: Path, tmp_path: Path) -> None:
    assert detente("price", saved / "case", "--out", tmp_path).returncode == 0
    done = detente("explain", saved / "now", tmp_path / "prices.json", "cost")
    assert done.returncode == 2
    assert "prices.json holds no plan: only plans stand side by side" in done.stderr
