from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from detente.planner.check import Answer
from detente.report.pages.plans_page import render
from detente.results.allocations import Allocations
from detente.results.plan import Plan
from detente.results.plan_rows import Note
from tests.report.frontier import D, frontier, hours
from tests.report.made_plans import EVIL, conflict, empty, hostile, many, tiny
from tests.report.read_page import Page

REPORTS: dict[str, Callable[[], list[Plan]]] = {
    "two readings": lambda: [frontier("letter"), frontier("spirit")],
    "one": lambda: [frontier("letter")],
    "no reading": lambda: [frontier(None)],
    "twice the same": lambda: [frontier("letter"), frontier("letter")],
    "tiny": lambda: [tiny()],
    "empty": lambda: [empty()],
    "two empty": lambda: [empty(), empty()],
    "hostile": lambda: [hostile()],
    "hostile and another case": lambda: [hostile(), frontier("letter"), tiny()],
    "many": lambda: [many(6)],
}
CSV = "data:text/csv;charset=utf-8;base64,"


@cache
def rendered(name: str) -> str:
    """Made when a test first asks, and not while tests are collected."""
    return render(REPORTS[name]())


@cache
def words(name: str) -> str:
    return Page(rendered(name)).text


@pytest.fixture(params=list(REPORTS))
def text(request: pytest.FixtureRequest) -> str:
    return rendered(request.param)


def test_a_page_is_well_formed(text: str) -> None:
    page = Page(text)
    assert page.mistakes == []
    assert page.tags["html"] == page.tags["head"] == page.tags["body"] == page.tags["h1"] == page.tags["main"] == 1
    assert len(page.ids) == len(set(page.ids))


def test_a_page_needs_nothing_else(text: str) -> None:
    page = Page(text)
    assert "script" not in page.tags
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    tables = [link for link in page.links if link.startswith(CSV)]
    assert len(tables) == page.tags.get("table", 0)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links if link not in tables)
    assert "@import" not in text
    assert "url(" not in text
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_addresses_stand_as_text_only() -> None:
    page = Page(rendered("two readings"))
    assert "https://example.org/amended-agreement#4.2" in page.text
    assert not [value for _, _, value in page.attributes if "http" in value.lower()]


def test_a_page_is_small(text: str) -> None:
    assert len(text.encode()) < 1_000_000


def test_long_grids_are_drawn_in_few_steps() -> None:
    page = render([frontier("spirit", hours(2016))])
    assert len(page.encode()) < 400_000
    assert "Each step is the mean of a day." in Page(page).text
    assert Page(page).mistakes == []


def test_a_hundred_thousand_periods() -> None:
    plan = tiny()
    first, room = plan.allocations[0], plan.capacity[0]
    periods = hours(100_000)
    long = replace(
        plan,
        periods=periods,
        allocations=Allocations.of(replace(first, period=p.index) for p in periods),
        capacity=tuple(replace(room, period=p.index) for p in periods),
    )
    page = render([long])
    assert len(page.encode()) < 100_000
    assert "Each step is the mean of a quarter." in Page(page).text


def test_many_rows_are_cut_and_said_to_be() -> None:
    plan = many(6)
    page = render([plan, replace(plan, reading="letter")])
    assert len(page.encode()) < 1_000_000
    said = Page(page).text
    assert "… and 34 more workloads: see plan.json" in said
    assert "7 of 14 short" in said
    assert "and 3 more commitments" in said


def test_the_same_plans_give_the_same_bytes() -> None:
    for name in ("two readings", "hostile", "empty"):
        assert render(REPORTS[name]()) == rendered(name)


def test_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one plan"):
        render([])


def test_everything_is_escaped() -> None:
    text = rendered("hostile")
    assert "<script" not in text.lower()
    assert "alert('1')" not in text.replace("&#39;", "\N{APOSTROPHE}x")
    page = Page(text)
    assert EVIL in page.text
    assert page.mistakes == []
    assert "https://example.org/" + EVIL in page.text
    assert not [value for _, name, value in page.attributes if name.lower().startswith("on")]


def test_the_answer_comes_first_in_words() -> None:
    text = words("two readings")
    first = text[: text.index("From one plan to the other")]
    assert "Can we sign? It depends. letter yes this plan performs every clause and pays no fee." in first
    assert "Under the reading letter , the plan costs 474.74 bn USD over 2026–2033. Every commitment is met." in first
    assert "Under the reading spirit , the plan costs 503.90 bn USD, 29.2 bn USD (6.1%) more than under letter" in first
    assert (
        "The AWS commitment aws-commitment is 12.0 bn USD short in Mar 2027 – Feb 2034 (7 windows), "
        "for which 12.0 bn USD is owed. Every other commitment is met." in first
    )
    assert "agent-runtime on AWS goes from 100% to 0% ( azure-api-exclusivity )" in first
    assert "agent-runtime goes without 6.6% of its demand (2.29 bn GPU-hours)" in first


def test_a_clause_that_no_plan_sees_is_said_with_the_answer_and_once() -> None:
    what = "`old` of `past` is in force 2024, and at no time of the horizon (2026)"
    note = Note("old", "past", what, "is the year right?")
    one, other = (replace(plan, notes=(note,)) for plan in (frontier("letter"), frontier("spirit")))
    page = Page(render([one, other]))
    assert page.text.count("is in force 2024, and at no time of the horizon (2026): is the year right?") == 1
    assert page.text.index("Not in any plan") < page.text.index("From one plan to the other")


def test_plans_stand_side_by_side() -> None:
    text = words("two readings")
    side = text[text.index("Reading letter 474.74 bn USD") : text.index("Plan 1 of 2")]
    for part in (
        "Assumed demand, prices, capacities and clauses as stated",
        "shortfall fees – 12.0 bn USD +12.0 bn USD",
        "cost of the plan 475 bn USD 504 bn USD +29.2 bn USD",
        "12.0 bn USD is owed for it, 2.4% of the cost",
        "all met (16 windows)",
        "12.0 bn USD short : Mar 2027 – Feb 2034 (7 windows)",
        "Microsoft Azure 71%",
        "6.6% not served , valued at 13.7 bn USD",
        "+29.2 bn USD against letter",
        "The clause on which they differ azure-api-exclusivity exclusivity in microsoft",
        "letter api: stateless runs only on azure spirit api: stateless or stateful runs only on azure",
    ):
        assert part in side


def test_one_plan_is_not_compared() -> None:
    text = words("one")
    assert "Side by side" not in text
    assert "The plan costs 474.74 bn USD" not in text
    assert "Under the reading letter , the plan costs 474.74 bn USD over 2026–2033." in text


@pytest.mark.parametrize(
    "part",
    [
        "What runs where",
        "core-research training 61.4 bn GPU-hours served: Microsoft Azure 42%, Oracle Cloud 38%, AWS 20%",
        "38.0 bn USD spent of 50.0 bn USD required in 8 windows; 12.0 bn USD short , a fee of 12.0 bn USD",
        "aws-commitment AWS Mar 2033 – Feb 2034 9.00 bn USD 3.60 bn USD 40% 3.60 bn USD",
        "agent-runtime on aws-trn2-us and aws-p6-eu (AWS): api: stateless or stateful runs only on azure",
        "exclusive access to the models for Copilot and deeper enterprise integration",
        "specialised-commercial runs nowhere else; 2 deployments to maintain; 1.20 bn USD is paid for idle capacity",
        "67% used, 12% on standby, 21% free",
        "azure-api-exclusivity 0.21 to 0.28 USD per GPU-hour, in 8 windows",
        "All 7 clauses, with their text",
        "API products developed with third parties run exclusively on Azure.",
        "Source: C: https://example.org/amended-agreement#4.2",
        "Own policy availability",
        "the lowest price that is permitted",
        "coreweave-gb300 CoreWeave reserved, 2 purchases 9,600 to 12,800 2026–2033 76.1 bn USD",
        "agent-runtime 2.29 bn GPU-hours 6.6% 13.7 bn USD 2031–2033",
        "The bill Every line, to the cent",
        "Under these, no plan costs less than 503.87 bn USD , so that no plan is cheaper by more than 0.007%",
        "4 offers denied by azure-api-exclusivity : api: stateless or stateful runs only on azure (aws-trn2-us, ",
        "detente plan CASE --reading spirit --out out/2",
        "hash 5f2c5f2c",
        "status optimal",
        "An illustration, not advice",
    ],
)
def test_each_section_says_its_figures(part: str) -> None:
    assert part in words("two readings")


def test_money_is_exact_on_hovering() -> None:
    plan = frontier("spirit")
    titles = {value for _, name, value in Page(rendered("two readings")).attributes if name == "title"}
    text = f"{plan.cost:,f}".rstrip("0").rstrip(".")
    assert f"{text} USD" in titles
    assert "12,018,000,000 USD" not in titles  # what is brought in counts
    assert f"{sum(w.short for w in plan.commitments):,.0f} USD" in titles


@pytest.mark.parametrize(
    "sentence",
    [
        "The plan costs nothing.",
        "There are no minimum commitments.",
        "There is no demand to serve.",
        "There are no workloads.",
        "There are no providers.",
        "No capacity is used.",
        "There are no clauses.",
        "There is nothing to decide.",
        "Nothing is bought in whole units: all use is metered.",
    ],
)
def test_nothing_is_said_in_a_sentence(sentence: str) -> None:
    assert sentence in words("empty")


def test_a_plan_without_a_bound_says_so() -> None:
    text = words("hostile")
    assert "no lower bound was found" in text
    assert "-1,000,000" not in text
    assert "-1000000" not in text


def test_the_guide_explains_the_sections_that_there_are() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide" / "report.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| ([A-Z][^|]*) \|", guide.partition("section by section")[2], re.MULTILINE)
    page = render([frontier("letter"), frontier("spirit")])
    heads = re.findall(r"<(?:h[345]|summary)[^>]*>(.*?)</", page)
    assert len(named) > 10
    assert [name for name in named if not any(re.sub(r"\d+ ", "", head).startswith(name) for head in heads)] == []


def test_pictures_have_names() -> None:
    page = Page(rendered("two readings"))
    pictures = page.tags["svg"]
    assert pictures
    assert len([1 for tag, name, value in page.attributes if (tag, name, value) == ("svg", "role", "img")]) == pictures
    names = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(names) == pictures
    assert all(names)
    assert len([1 for _, name, value in page.attributes if name == "class" and value == "narrow"]) * 2 == pictures


def test_the_command_is_quoted() -> None:
    plan = replace(frontier("letter"), scenario="a b; rm -rf /")
    assert "detente plan CASE --reading letter --scenario 'a b; rm -rf /' --out out/1" in Page(render([plan])).text


def test_currencies_are_not_compared() -> None:
    text = Page(render([frontier("letter"), tiny()])).text
    assert "more than under" not in text
    assert "less than under" not in text
    assert "Against the first" not in text


def test_a_plan_that_brings_money_in() -> None:
    plan = replace(tiny(), cost=Decimal(-5), bill=Decimal(-5), bound=Decimal(-5))
    assert "The plan brings in 5.00 EUR net over Jan 2026 – Feb 2026." in Page(render([plan])).text


def test_an_alarm_is_as_loud_as_its_money() -> None:
    plan = frontier("spirit")
    small = replace(plan, cost=plan.cost * 1000)
    assert '<b class="bad">' in render([plan])
    assert '<b class="bad">' not in render([small])
    assert '<b class="mild">' in render([small])


def test_a_legend_names_only_what_is_drawn() -> None:
    plan = frontier("letter")
    idle = replace(plan.providers[0], provider="nobody", name="Nobody", spend=D(0), work={})
    page = render([replace(plan, providers=(*plan.providers, idle))])
    legends = page.split('<ul class="legend">')[1:]
    assert not [text for text in legends if "Nobody" in text.partition("</ul>")[0]]
    without = replace(plan, standings=tuple(replace(s, brought=D(0), short=D(0), owed=D(0)) for s in plan.standings))
    assert "carried in from the window before" in page
    assert "carried in from the window before" not in render([without])


def test_the_answer_of_check_opens_the_page() -> None:
    found = Answer("depends", {"letter": None, "spirit": conflict()})
    text = Page(render([frontier("letter"), frontier("spirit")], found)).text
    for part in (
        "It depends on the reading. letter yes every clause can be performed, without any shortfall fee.",
        "What collides under spirit azure-api-exclusivity in microsoft API products developed",
        "As planned: at least 50.0 bn USD of spend",
        "agent-runtime must be served",
        "aws-commitment accept a shortfall of 4.10 bn USD",
        "812.40 bn USD – azure-api-exclusivity let",
        "run outside azure not known not known",
    ):
        assert part in text
    assert text.index("What collides") < text.index("From one plan to the other")
