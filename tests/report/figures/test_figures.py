"""Figures with addresses: every number on a page is one, and is made of what it says it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError, PlanError
from detente.outcomes.choices.comparing import compare
from detente.outcomes.deals.sign import sign
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import NumberSweep, sweep
from detente.planner.check import check
from detente.report.figures.addressed import SavedFigures, figure_explained, saved_answers, saved_figures
from detente.report.figures.check import CheckedWays, check_figures
from detente.report.figures.comparison import comparison_figures
from detente.report.figures.deal import deal_figures
from detente.report.figures.figure import NamedFigure, Operand
from detente.report.figures.leverage import leverage_figures
from detente.report.figures.plan import plan_figures
from detente.report.figures.prices import price_figures
from detente.report.figures.simulation import simulation_figures
from detente.report.figures.sweep import sweep_figures
from detente.report.pages.deal_page import render_deal
from detente.report.pages.leverage_page import render_leverage
from detente.report.pages.outcomes_page import render_comparison
from detente.report.pages.plans_page import render
from detente.report.pages.prices_page import render_prices, render_sweep
from detente.report.pages.simulation_page import render_simulation
from detente.report.plans.explanation import Explanation
from detente.results.plan import Plan
from tests.builders import EXACT, PROVIDERS, D, Data, agreement, data_of, solved, tokens, two_clouds, work
from tests.cli.shell import detente
from tests.outcomes.choices import court as outcomes
from tests.outcomes.deals import test_sign as deals
from tests.outcomes.draws import test_live_dispatch as calls
from tests.outcomes.draws import worlds as draws
from tests.report.frontier import frontier
from tests.report.made_plans import empty, many, tiny
from tests.report.page_figures import assert_all_asked, said_in, worked_out


def floor(name: str = "floor", amount: str = "9000 USD") -> Data:
    return {"id": name, "kind": "minimum-commitment", "amount": amount, "windows": {"every": "term"}}


@pytest.fixture(scope="module")
def prices() -> ClausePrices:
    off, after = {"id": "off", "kind": "discount", "off": "5%"}, {"measure": "after-discounts"}
    found = price(two_clouds(floor("one") | after, floor("two") | after, off), gap=EXACT)
    assert isinstance(found, ClausePrices)
    return found


# -- every page --------------------------------------------------------------------------------------------------------
def test_the_page_of_prices(prices: ClausePrices) -> None:
    assert_all_asked(render_prices(prices), price_figures(prices), [each.sentence for each in prices.clauses])


def test_the_page_of_a_sweep() -> None:
    found = sweep(two_clouds(floor()), "floor", "0 USD", "40 k USD", steps=5, gap=EXACT)
    assert isinstance(found, NumberSweep)
    assert_all_asked(render_sweep(found), sweep_figures(found))


def test_the_page_of_leverage() -> None:
    offers = [tokens("north", 3), tokens("south", 2, capacity="400 Mtok per month")]
    providers = [p | ({"margin": "40%"} if p["id"] == "south" else {}) for p in PROVIDERS]
    terms = agreement(floor(amount="900 USD"))
    rate: Data = {"discount-rate": "8% per year"}
    data = data_of(offers, [work(value="5 USD per Mtok")], terms, providers=providers, **rate)
    found = leverage(Case.of(data), gap=EXACT)
    assert isinstance(found, Leverage)
    assert_all_asked(render_leverage(found), leverage_figures(found))


@pytest.mark.parametrize("how", [{}, {"weight": D("0.3")}, {"level": D("0.5")}])
def test_the_page_of_outcomes(how: dict[str, Any]) -> None:
    found = compare(Case.of(outcomes.world()), gap=EXACT, **how)
    assert_all_asked(render_comparison(found), comparison_figures(found))


def test_the_page_of_outcomes_whose_news_comes_late() -> None:
    late = outcomes.RULING | {"known": "2026-02-01"}
    found = compare(Case.of(outcomes.world(uncertain=[late])), gap=EXACT)
    assert_all_asked(render_comparison(found), comparison_figures(found))


def test_the_page_of_a_simulation() -> None:
    owed = floor(amount="2800 USD") | {"shortfall": {"fee": "50%"}}
    found = simulate(draws.world(terms=(owed,)), draws=25, processes=1, gap=EXACT)
    assert isinstance(found, Simulation)
    assert_all_asked(render_simulation(found), simulation_figures(found))


def test_the_page_of_a_simulation_of_calls_that_the_gateway_sends() -> None:
    case = calls.world(tokens("north", 3), terms=(calls.FLOOR,))
    found = simulate(case, draws=3, processes=1, dispatch="live")
    assert isinstance(found, Simulation)
    assert_all_asked(render_simulation(found), simulation_figures(found))


def test_the_page_of_a_deal() -> None:
    found = sign(Case.of(deals.world()), "deal", gap=EXACT)
    by_address = {each.address: each for each in deal_figures(found)}
    let = by_address["readings/spirit/ways/2/given/denied/Mtok"]
    assert (let.value, let.rule, len(let.operands)) == (500, "sum", 1)
    assert_all_asked(render_deal(found), deal_figures(found))


@pytest.mark.parametrize("make", [lambda: frontier("letter"), tiny, lambda: many(3), empty])
def test_the_page_of_a_plan(make: Callable[[], Plan]) -> None:
    plan = make()
    said = said_in(plan)
    assert_all_asked(render([plan]), plan_figures(plan), said, listed=False)


def test_the_ways_out_on_a_report_s_page() -> None:
    """Under the spirit a floor of 1000 USD at South, a fee apart, asks for 500 Mtok of what may run on North alone."""
    case = Case.of(deals.world()).under(scenario="deal", reading="letter")
    found, plan = check(case, {}), solved(case)
    ways = list(check_figures(CheckedWays.of(found, "USD")))
    assert_all_asked(render([plan], found), [*ways, *plan_figures(plan)], said_in(plan), listed=False)
    values = {each.address: round(D(each.value), 3) for each in ways}
    base = "readings/spirit/ways"
    assert (values[f"{base}/1/given/denied/Mtok"], values[f"{base}/2/given/floor/USD"]) == (500, 1000)
    assert [values[f"{base}/{way}/{each}"] for way in (1, 2) for each in ("cost", "more")] == [11_500, 0, 12_500, 1000]


@pytest.mark.parametrize("how", ["check", "report"])
def test_a_way_out_is_asked_for_by_its_address(tmp_path: Path, how: str) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(deals.world()))
    out = tmp_path / "out"
    if how == "check":
        assert detente("check", tmp_path, "--scenario", "deal", "--out", out).returncode == 1
    else:
        assert detente("plan", tmp_path, "--scenario", "deal", "--out", out).returncode == 0
        done = detente("report", out, "--case", tmp_path)
        assert done.returncode == 0, done.stderr
        assert "wrote" in done.stderr
        assert "check.json" in done.stderr
        assert "<code>readings/spirit/ways/2/more</code>" in (out / "report.html").read_text()
    said = detente("explain", out, "readings/spirit/ways/2/more")
    assert said.returncode == 0, said.stderr
    assert "1.00 k USD" in said.stdout
    assert "`readings/spirit/ways/1/cost`" in said.stdout


def test_a_line_of_a_plan_s_bill_is_asked_for_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(data_of([tokens("north", 3)], [work()])))
    assert detente("plan", tmp_path, "--out", tmp_path / "out").returncode == 0
    for path in (tmp_path / "out", tmp_path / "out" / "plan.json"):
        found = json.loads(detente("explain", path, "cost", "--json").stdout)
        assert (found["unit"], found["figure"]["rule"] if "figure" in found else found["rule"]) == ("USD", "sum")
    said = detente("explain", tmp_path / "out", "bill/use-at-list-price/North")
    assert said.returncode == 0, said.stderr
    (tmp_path / "plan.json").write_text((tmp_path / "out" / "plan.json").read_text())
    why = detente("explain", tmp_path, "chat")
    assert why.returncode == 0, "a folder with a case in it is the case"


@pytest.mark.parametrize(
    "number", ["12.3 USD", "4.56 USD per Mtok", "12.3%", "789 Mtok", "7.89 bn GPU-hours", "7.8", "9,871"]
)
def test_a_number_that_no_figure_is_would_be_found(prices: ClausePrices, number: str) -> None:
    page, said = render_prices(prices), [each.sentence for each in prices.clauses]
    altered = page.replace('<section id="clauses">', f"<p>{number}</p>")
    with pytest.raises(AssertionError, match=re.escape(f"no figure for ['{number}']")):
        assert_all_asked(altered, price_figures(prices), said)


def test_how_much_is_bought_is_a_figure() -> None:
    """12,800 GPUs, and 9,600 from the fifth year on."""
    found = {each.address: each.value for each in plan_figures(frontier("letter"))}
    base = "purchases/coreweave-gb300/reserved"
    assert [found[f"{base}/{each}"] for each in ("times", "units/least", "units/most")] == [2, 9_600, 12_800]


# -- what is said of one -----------------------------------------------------------------------------------------------
def told(found: list[NamedFigure], address: str) -> str:
    answer = SavedFigures(Path("answer.json"), "letter", {each.address: each for each in found})
    return str(figure_explained([answer], address))


def test_a_regret_is_told_with_the_outcomes_that_it_is_made_of() -> None:
    """In court: won 4,000 where the least is that; lost 12,000, where settling comes to 5,000."""
    said = told(list(comparison_figures(outcomes.plain())), "choices/sue/regret/most").splitlines()
    assert said == [
        "`choices/sue/regret/most`: 7.00 k USD (exactly 7,000 USD) (under the reading `letter`)",
        "- The most that `sue` can cost more than the best choice for what then happens",
        "- it is the largest of these:",
        "- if win: 0 USD, weight 80% (`choices/sue/regret/if/win`)",
        "- if lose: 7,000 USD, weight 20% (`choices/sue/regret/if/lose`)",
    ]


def test_where_the_best_choice_changes_is_where_two_lines_meet() -> None:
    """Settled 5,000 whatever comes; in court 12,000 − 8,000 p: they meet at p = 7/8."""
    (flip,) = (each for each in comparison_figures(outcomes.plain()) if "changes-to" in each.address)
    assert (flip.address, flip.value) == ("chances/ruling/win/changes-to/sue", D("0.875"))
    assert worked_out(flip) == Fraction(7, 8)


def test_a_part_is_told_in_percent_and_a_long_list_is_cut() -> None:
    many = tuple(Operand(f"part {index}", D(index), "USD") for index in range(20))
    figure = NamedFigure("all", D(190), "USD", "All of it", "the case", "sum", many)
    said = told([figure], "all").splitlines()
    assert said[-2:] == ["- and 8 more, which `--json` has", "- from: the case"]
    share = NamedFigure("share", D("0.125"), "of 1", "A share")
    assert told([share], "share").startswith("`share`: 12% (exactly 12.5%)")


# -- asking ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def saved(prices: ClausePrices, tmp_path: Path) -> Path:
    prices.save(tmp_path)
    return tmp_path


def test_a_figure_is_asked_for_by_its_address(saved: Path) -> None:
    for path in (saved, saved / "prices.json"):
        done = detente("explain", path, "hidden/one+two/joint", "--json")
        found = json.loads(done.stdout)
        assert (done.returncode, found["kind"], found["unit"]) == (0, "figure", "USD")
    listed = detente("explain", saved)
    assert listed.returncode == 0
    assert "clauses/off/price: " in listed.stdout
    under = json.loads(detente("explain", saved, "clauses/off", "--json").stdout)
    assert {each["address"].split("/")[1] for each in under["figures"]} == {"off"}


def test_an_address_that_there_is_not_leads_to_those_that_are_near(saved: Path) -> None:
    done = detente("explain", saved, "clauses/of/price")
    assert done.returncode == 2
    assert "there is no figure `clauses/of/price` in prices.json" in done.stderr
    assert "did you mean `clauses/off/price`" in done.stderr
    assert re.search(r"\? \(without an address all [\d,]+ are listed\)\n", done.stderr)
    assert "Traceback" not in done.stderr
    assert "`price/off`" in str(detente("explain", saved, "price/off").stderr)


def test_options_of_a_case_say_nothing_of_a_saved_answer(saved: Path) -> None:
    done = detente("explain", saved, "cost", "--reading", "letter", "--at", "2026-01-01")
    assert done.returncode == 2
    assert "is a saved answer, not a case: leave out --reading, --at" in done.stderr


def test_a_figure_of_two_answers_in_one_folder_names_both(prices: ClausePrices, saved: Path) -> None:
    found = leverage(two_clouds(floor()), curves=False, gap=EXACT)
    assert isinstance(found, Leverage)
    found.save(saved)
    answers = [saved_figures(file) for file in saved_answers(saved)]
    with pytest.raises(CaseError, match=r"`cost` is a figure of .*prices.json.* and .*leverage.json"):
        figure_explained(answers, "cost")
    assert isinstance(figure_explained(answers, "clauses/off/price"), Explanation)


def broken(text: str) -> str:
    return text[: len(text) // 2]


def of_another_version(text: str) -> str:
    return text.replace("detente-prices/1", "detente-prices/99")


def without_its_clauses(text: str) -> str:
    return json.dumps({key: value for key, value in json.loads(text).items() if key != "clauses"})


@pytest.mark.parametrize("spoil", [broken, of_another_version, without_its_clauses])
def test_a_saved_answer_that_cannot_be_read_is_told(saved: Path, spoil: Callable[[str], str]) -> None:
    file = saved / "prices.json"
    file.write_text(spoil(file.read_text()))
    with pytest.raises(PlanError, match=r"prices.json .*ask and save it again"):
        saved_figures(file)


def test_a_deal_is_read_back_for_its_figures(tmp_path: Path) -> None:
    data = deals.world()
    (tmp_path / "case.yaml").write_text(json.dumps(data))
    done = detente("check", tmp_path, "--sign", "deal", "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    said = detente("explain", tmp_path / "out", "readings/spirit/ways/1/more")
    assert said.returncode == 0, said.stderr
    assert "2.00 k USD" in said.stdout or "USD" in said.stdout


def test_a_case_in_a_folder_with_other_json_is_still_a_case(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(data_of([tokens("north", 3)], [work()])))
    (tmp_path / "package.json").write_text("{}")
    done = detente("explain", tmp_path, "chat")
    assert done.returncode == 0, done.stderr


def test_a_figure_without_a_plan_is_left_out(prices: ClausePrices) -> None:
    unknown = replace(prices.clauses[0], price=None)
    found = [each.address for each in price_figures(replace(prices, clauses=(unknown,)))]
    assert not any(address.endswith("/price") and unknown.term in address for address in found)
