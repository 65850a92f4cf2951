from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from detente.report.plans.conflict_view import conflict_view
from detente.report.plans.terminal import compare_view, plan_view
from detente.results.plan import Plan
from tests.builders import day
from tests.report.frontier import D, frontier
from tests.report.made_plans import EVIL, conflict, empty, hostile, many, tiny


def shown(view: Callable[[Console], None], width: int = 100, *, colour: bool = False) -> str:
    out = io.StringIO()
    view(
        Console(
            file=out,
            width=width,
            highlight=False,
            force_terminal=colour,
            color_system="standard" if colour else None,
            legacy_windows=False,
        )
    )
    return out.getvalue()


def plan_text(plan: Plan, width: int = 100) -> str:
    return shown(lambda console: plan_view(plan, console), width)


def flat(text: str) -> str:
    return " ".join(text.split())


PLANS: dict[str, Callable[[], Plan]] = {
    "spirit": lambda: frontier("spirit"),
    "letter": lambda: frontier("letter"),
    "tiny": tiny,
    "empty": empty,
    "hostile": hostile,
    "many": lambda: many(6),
}


@pytest.mark.parametrize("name", list(PLANS))
@pytest.mark.parametrize("width", [60, 100, 240])
def test_nothing_is_wider_than_100_columns(name: str, width: int) -> None:
    most = min(width, 100)
    for text in (
        plan_text(PLANS[name](), width),
        shown(lambda console: compare_view([PLANS["letter"](), PLANS[name]()], console), width),
        shown(lambda console: conflict_view(conflict(), "USD", console), width),
    ):
        assert max(len(line) for line in text.splitlines()) <= most


@pytest.mark.parametrize("name", ["spirit", "letter"])
def test_a_frontier_lab_fits_on_a_screen(name: str) -> None:
    assert len(plan_text(PLANS[name]()).splitlines()) <= 60


def test_the_answer_comes_first() -> None:
    text = plan_text(PLANS["spirit"]())
    first = flat(text[: text.index("Providers")])
    assert first.startswith("A frontier lab, three clouds and one disputed clause (reading spirit) Under the reading")
    assert "the plan costs 503.90 bn USD over 2026–2033" in first
    assert "no plan is cheaper by more than 0.007%." in first
    assert "The AWS commitment `aws-commitment` is 12.0 bn USD short in Mar 2027 – Feb 2034 (7 windows)" in first
    assert "`agent-runtime` goes without 6.6% of its demand" in first


@pytest.mark.parametrize(
    "row",
    [
        "Microsoft Azure 319 bn USD 71% 70% 2.359 9 –",
        "CoreWeave 23.5 bn USD 5.3% 5.0% 2.44 2 1.20 bn",
        "aws-commitment all 8 windows 50.0 bn 38.0 bn short 12.0 bn 12.0 bn",
        "Mar 2033 – Feb 2034 9.00 bn 5.40 bn short 3.60 bn 3.60 bn",
        "azure-commitment all 8 windows 240 bn 268 bn met –",
        "agent-runtime 32.2 bn GPU-hours azure-gb200-us 76% and azure-gb200-eu 24% –",
        "agent-runtime 2.29 bn GPU-hours 6.6% 13.7 bn USD 2031–2033",
        "azure-api-exclusivity 0.21 to 0.28 USD per GPU-hour 8 windows",
    ],
)
def test_each_table_says_its_figures(row: str) -> None:
    assert row in [flat(line) for line in plan_text(PLANS["spirit"]()).splitlines()]


def test_few_windows_are_all_shown() -> None:
    plan = PLANS["letter"]()
    few = replace(plan, standings=tuple(w for w in plan.commitments if w.term == "aws-commitment"))
    text = plan_text(few)
    assert "aws-commitment  Mar 2026 – Feb 2027" in text
    assert text.count(" met") >= 8


def test_without_colour_it_says_the_same() -> None:
    plain = plan_text(PLANS["spirit"]())
    assert "\x1b" not in plain
    coloured = shown(lambda console: plan_view(PLANS["spirit"](), console), colour=True)
    assert "\x1b[" in coloured
    for word in ("short 3.60 bn", "met"):
        assert word in plain


def test_long_tables_are_cut_and_say_so() -> None:
    text = plan_text(PLANS["many"]())
    assert "… and 37 more workloads: see --json or the report" in text
    assert len(text.splitlines()) <= 120


def test_names_are_not_markup() -> None:
    plan = replace(
        tiny(), workloads=(replace(tiny().workloads[0], workload="[bold]x[/bold]"),), title="[red]t[/red]\x1b[2Jx"
    )
    text = plan_text(plan)
    assert "[bold]x[/bold]" in text
    assert "[red]t[/red]" in text
    assert "\x1b" not in text
    assert EVIL in flat(plan_text(PLANS["hostile"]()))


def test_empty_plans_say_so() -> None:
    assert flat(plan_text(PLANS["empty"]())) == (
        "empty The plan costs nothing. Under these assumptions, no plan costs less. "
        "There are no minimum commitments. There is no demand to serve."
    )


def test_plans_side_by_side() -> None:
    text = shown(lambda console: compare_view([PLANS["letter"](), PLANS["spirit"]()], console))
    rows = [flat(line) for line in text.splitlines()]
    assert "Cost 474.74 bn USD 503.90 bn USD" in rows
    assert "Against the first – +29.2 bn USD" in rows
    assert "Cheaper at most by 0.007% 0.007%" in rows
    assert "azure-commitment met met" in rows
    assert "Microsoft Azure 55% 71%" in rows
    assert "agent-runtime AWS 100% Microsoft Azure 100%" in rows
    assert "letter: api: stateless runs only on azure" in rows
    assert len(rows) <= 60


def test_a_conflict_names_its_clauses_and_the_ways_out() -> None:
    text = flat(shown(lambda console: conflict_view(conflict(), "USD", console)))
    names = "`azure-api-exclusivity`, `aws-commitment` and `azure-share`"
    assert text.startswith(f"Under the reading `spirit`, {names} cannot all be performed.")
    assert "“API products developed with third parties run exclusively on Azure.”" in text
    assert "`agent-runtime` must be served" in text
    one, two = text.index("1. `aws-commitment`: accept a shortfall"), text.index("2. `azure-api-exclusivity`: let")
    assert one < two
    assert "the plan then costs 812 bn USD" in text[one:two]


def test_a_version_of_an_amended_clause_goes_by_its_dates() -> None:
    found = conflict()
    (_, clash, _), (way, _) = found.clauses, found.relaxations
    version = replace(clash.version, start=day("2029-03-01"), end=day("2030-03-01"), amended=True)
    found = replace(found, clauses=(replace(clash, version=version),), relaxations=(replace(way, version=version),))
    text = flat(shown(lambda console: conflict_view(found, "USD", console)))
    name = "`aws-commitment` (Mar 2029 – Feb 2030)"
    assert f"{name} cannot be performed." in text
    assert f"{name} in `aws`" in text
    assert f"1. {name}: accept a shortfall of" in text


def test_versions_that_bind_go_by_their_dates() -> None:
    plan = frontier("spirit")
    (one,) = (c for c in plan.clauses if c.term == "azure-api-exclusivity")
    assert plan.dates(one) == ""
    later = replace(one, start=day("2029-03-01"), end=day("2030-03-01"))
    amended = replace(plan, clauses=(*plan.clauses, later))
    assert "azure-api-exclusivity (Mar 2029 – Feb 2030)" in flat(plan_text(amended))


def test_two_versions_that_give_together_are_one_clause() -> None:
    found = conflict()
    one, two = (replace(way, version=found.relaxations[0].version) for way in found.relaxations)
    both = replace(one, together=(two.version,)), replace(two, together=(one.version,))
    text = flat(shown(lambda console: conflict_view(replace(found, relaxations=both), "USD", console)))
    assert "Way out: all of these changes together 1." in text


def test_concessions_that_must_be_made_together_are_no_alternatives() -> None:
    found = conflict()
    one, two = found.relaxations
    both = replace(one, together=(two.version,)), replace(two, together=(one.version,))
    text = flat(shown(lambda console: conflict_view(replace(found, relaxations=both), "USD", console)))
    assert "Way out: all of these changes together No change to one clause alone is enough. 1. `aws-commitment`" in text
    assert "cheapest first" not in text


def test_a_conflict_without_clauses_or_ways_out() -> None:
    bare = replace(conflict(), reading=None, clauses=(), facts=(), relaxations=())
    text = flat(shown(lambda console: conflict_view(bare, "", console)))
    assert text == (
        "No plan exists, even without any clause. Ways out "
        "It is not the clauses: more capacity, less demand or a `value` at which work may go unserved is needed."
    )
    stuck = replace(conflict(), relaxations=())
    text = flat(shown(lambda console: conflict_view(stuck, "", console)))
    assert text.endswith("Ways out No change to these clauses is enough, not even to all of them together.")


def test_a_cost_that_was_not_searched_to_the_end_is_told_as_at_most() -> None:
    one, two = conflict().relaxations
    found = replace(conflict(), relaxations=(replace(one, at_most=True), two))
    text = flat(shown(lambda console: conflict_view(found, "USD", console)))
    assert "the plan then costs at most 812 bn USD" in text
    assert text.count("at most") == 1


def test_less_than_a_cent_is_not_idle() -> None:
    plan = PLANS["letter"]()
    rows = tuple(replace(p, idle=p.spend * 0 - D("0.000000001")) for p in plan.providers)
    assert ">-0.01" not in plan_text(replace(plan, providers=rows))


def test_what_goes_on_to_the_next_window_is_not_met() -> None:
    plan = frontier()
    (first, *others) = plan.commitments
    late = replace(first, drawn=first.required - D(1000), brought=D(0), carried=D(-1000), short=D(0), owed=D(0))
    assert "deferred 1.00 k" in flat(plan_text(replace(plan, standings=(late, *others[:2]))))
