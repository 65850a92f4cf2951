"""The examples: their bills add up, and their READMEs say what comes out of them today.

``REWRITE_DOCS=1`` writes the tables anew; the sentences around them are for whoever reads them then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.outcomes.choices.comparing import compare
from detente.outcomes.choices.comparison import OURS, OutcomeColumn
from detente.outcomes.deals.sign import sign
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.planner.check import check
from detente.planner.solving.fallback import quick
from detente.planner.study import Study
from detente.report.figures.comparison import comparison_figures
from detente.report.figures.deal import deal_figures
from detente.report.figures.leverage import leverage_figures
from detente.report.figures.prices import price_figures
from detente.report.figures.simulation import simulation_figures
from detente.report.numerals import percent
from detente.report.pages.deal_page import render_deal
from detente.report.pages.leverage_page import render_leverage, who_needs_whom
from detente.report.pages.outcomes_page import render_comparison
from detente.report.pages.plans_page import render
from detente.report.pages.prices_page import render_prices
from detente.report.pages.simulation_page import render_simulation
from detente.report.plans.digest import by_provider, commitments, placements
from detente.results.plan import Plan
from detente.results.plan_rows import ProviderRow
from detente.values.money import shown
from tests.report.bills import assert_adds_up, in_page, in_terminal
from tests.report.frontier import frontier
from tests.report.page_figures import assert_all_asked
from tests.report.picture import PICTURE, SCALES, alone, said_in, texts, words

EXAMPLES = Path(__file__).parent.parent / "examples"
BN = Decimal(10) ** 9
DISPUTED = "aws-2026-minimum"


Planned = Callable[..., Plan]


@pytest.mark.parametrize(
    ("name", "reading"), [("enterprise", None), ("frontier-lab", "letter"), ("frontier-lab", "spirit")]
)
def test_the_bill_of_an_example_adds_up(planned: Planned, name: str, reading: str | None) -> None:
    found = planned(name, reading)
    assert_adds_up(in_terminal(found), found)
    assert_adds_up(in_page(found), found)


def must_say(name: str, rows: list[list[str]]) -> None:
    """The README of an example, or of the project (``..``), has these rows of a table; or it is written anew."""
    page = EXAMPLES / name / "README.md"
    text = page.read_text(encoding="utf-8")
    for first, *cells in rows:
        line = f"| {' | '.join([first, *cells])} |".replace("|  ", "| ")
        if os.environ.get("REWRITE_DOCS"):
            text, found = re.subn(rf"^\| {re.escape(first)} \|.*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
            assert found == 1, first
        else:
            assert line in text.splitlines(), f"{page}: expected {line}"
    if os.environ.get("REWRITE_DOCS"):
        page.write_text(text, encoding="utf-8")


def provider(found: Plan, name: str) -> ProviderRow:
    return next(p for p in found.providers if p.provider == name)


def test_the_enterprise_comes_out_as_its_page_says(planned: Planned) -> None:
    found = planned("enterprise")
    proof = "proven least" if found.gap == 0 else f"at most {percent(found.gap)} above the least"
    shares = " / ".join(f"{provider(found, p).share_of_spend * 100:.1f}%" for p in ("azure", "aws", "nordgpu"))
    azure, aws = commitments(found)
    assert (azure.term, aws.term) == ("azure-commitment", "aws-commitment")
    assert not aws.short
    bought = {p.offer: p.units for p in found.purchases if p.reserved}
    units, machines = bought.pop("azure-ptu-gpt-4.1-mini"), bought.pop("nordgpu-h100-reserved")
    assert not bought
    must_say(
        "enterprise",
        [
            ["bought for the year", f"{units} provisioned units of gpt-4.1-mini, {machines} machines of 8 H100s"],
            ["cost of the year", f"${found.cost:,.0f}, {proof}"],
            ["Azure / AWS / NordGPU", f"{shares} of spend"],
            ["Azure's commitment", f"${azure.short:,.0f} short: the company's own limit of 58% holds it there"],
        ],
    )


def test_a_plan_of_the_enterprise_at_once_is_a_few_per_cent_dearer(planned: Planned) -> None:
    study = Study.of(Case.load(EXAMPLES / "enterprise"))
    found = quick(study.draft, study.turn())
    assert found is not None
    assert 1 <= found.objective / float(planned("enterprise").cost) < 1.05


def test_the_frontier_lab_comes_out_as_its_page_says(planned: Planned) -> None:
    letter, spirit = (planned("frontier-lab", reading) for reading in ("letter", "spirit"))
    both = letter, spirit

    def row(first: str, *cells: str) -> list[str]:
        return [first, *cells]

    def short(found: Plan) -> Decimal:
        return sum((c.owed for c in commitments(found) if c.term.startswith("aws")), Decimal(0))

    agents = [by_provider(placements(p)["agent-runtime"]).get("aws", Decimal(0)) for p in both]
    rows = [
        row("cost of the plan, revenue share included", *(f"{p.cost / BN:.1f}" for p in both)),
        row("spend at Azure", *(f"{provider(p, 'azure').spend / BN:.1f}" for p in both)),
        row("spend at AWS", *(f"{provider(p, 'aws').spend / BN:.1f}" for p in both)),
        row("share of all compute at Azure", *(percent(provider(p, "azure").share_of_work["GPU-hour"]) for p in both)),
        row("agent runtime on AWS", *map(percent, agents)),
        row("shortfall fees to AWS", *(f"{short(p) / BN:.1f}" if short(p) else "0" for p in both)),
        row(
            "changes of a workload's main provider, in eight years",
            *(f"{sum(w.moves for w in p.workloads)}" for p in both),
        ),
    ]
    windows = [next(c for c in commitments(p) if c.term == DISPUTED).windows for p in both]
    rows += [
        row("committed", *(f"{w.required / BN:.2f}" for w in windows[0])),
        row("drawn, letter", *(f"{w.drawn / BN:.2f}" for w in windows[0])),
        row("drawn, spirit", *(f"{w.drawn / BN:.2f}" for w in windows[1])),
        row("short, spirit", *(f"{w.short / BN:.2f}" if w.missed else "–" for w in windows[1])),
    ]
    must_say("frontier-lab", rows)
    text = (EXAMPLES / "frontier-lab" / "README.md").read_text(encoding="utf-8")
    assert f"One word in one sentence is worth ${(spirit.cost - letter.cost) / BN:.1f} billion" in text


def test_the_frontier_lab_turns_on_the_reading_as_its_page_says() -> None:
    found = check(Case.load(EXAMPLES / "frontier-lab"))
    assert found.answer == "depends"
    assert found.readings["letter"] is None
    assert found.conflict is not None
    assert {clause.term for clause in found.conflict.clauses} == {"azure-api-exclusivity", DISPUTED}
    today = words(render([frontier("letter"), frontier("spirit")], found))  # the answer is in no plan's words
    assert said_in(PICTURE.read_bytes()) == today, "docs/report.png is of another day: python -m tests.report.picture"


SIGNED = {
    "date": "move a day: end `azure-api-exclusivity` on 2029-01-01",
    "carve-out": "let 5.09 bn GPU-hours of APIs run outside Azure",
    "lower": "ask for less: lower `aws-2026-minimum` by 8.65 bn USD, in six windows",
    "pay": "pay 8.64 bn USD for what `aws-2026-minimum` is short",
}
"""What the ways to sign under the spirit are called on the first page."""


def test_signing_the_deal_of_the_frontier_lab_comes_out_as_the_first_page_says() -> None:
    found = sign(Case.load(EXAMPLES / "frontier-lab"), "aws-2026", reading="spirit")
    (spirit,) = found.readings
    said = [way.sentence for way in spirit.ways] + list(spirit.conflict.facts if spirit.conflict else ())
    scale = "10,000 is one provider alone"  # of the HHI
    assert_all_asked(render_deal(found), deal_figures(found), [*said, scale])
    rows = []
    for way in spirit.ways:
        assert way.cost is not None
        assert way.more is not None
        amounts = re.findall(r"[\d.]+ bn (?=USD|GPU-hours)|\d{4}-\d\d-\d\d(?=$|;)", SIGNED[way.kind])
        assert all(amount in way.sentence for amount in amounts), way.sentence
        told = f"{shown(abs(way.more) / BN)} bn {'more' if way.more > 0 else 'less'}"
        rows.append([SIGNED[way.kind], f"{shown(way.cost / BN)} bn USD", told])
    assert [way.kind for way in spirit.ways] == list(SIGNED)
    must_say("..", rows)


WAYS_OUT = {
    "renegotiate": "renegotiate: any cloud, half of core research on Azure, a capped revenue share",
    "settle": "settle: the letter holds, for a discount and deeper integration",
    "stand firm": "stand by the letter, and let a court decide",
}
"""What the choices are called on the first page."""


def test_the_ways_out_of_the_frontier_lab_come_out_as_its_page_says() -> None:
    found = compare(Case.load(EXAMPLES / "frontier-lab"))
    assert_all_asked(render_comparison(found), comparison_figures(found))
    columns = {column.name: column for column in found.outcomes}
    today = found.baseline.cost
    assert today is not None

    def bn(amount: Decimal | None) -> str:
        assert amount is not None
        return f"{amount / BN:.1f}"

    def gained(amount: Decimal) -> str:
        amount = round(amount, 2)  # 150 M less a billionth of a cent is 150 M
        return "–" if abs(amount) < BN / 20 else f"{amount / BN:+.1f}".replace("-", "−")

    def gains(column: OutcomeColumn) -> list[str]:
        assert column.gains is not None
        return [gained(column.gains[party]) for party in (OURS, "azure", "aws")]

    rows = []
    for choice in found.choices:
        assert choice.mean is not None
        alone = columns.get(choice.choice)
        more = [gained(today.amount - choice.mean.amount), "", ""] if alone is None else gains(alone)
        rows.append([choice.choice.replace("-", " "), bn(choice.mean.amount), bn(choice.worst), *more])
    for name in ("dismissed", "lost"):
        column = columns[f"stand-firm, {name}"]
        rows.append([f"– {name}", "", bn(column.cost.amount if column.cost else None), *gains(column)])
    page = EXAMPLES / "frontier-lab" / "README.md"
    must_say("frontier-lab", rows)
    must_say("..", [[WAYS_OUT[first], *cells] for first, *cells in rows if first in WAYS_OUT])
    text = page.read_text(encoding="utf-8")
    assert (found.best, found.sure, [swing.flips for swing in found.swings]) == ("renegotiate", True, [()] * 3)
    firm = next(choice for choice in found.choices if choice.choice == "stand-firm").before
    assert firm is not None
    assert firm.information.limit < Decimal("2.1e6")
    assert f"would cost {(firm.likeliest or 0) / 10**6:.0f} M USD more on average" in " ".join(text.split())


def test_who_needs_whom_is_drawn_as_it_comes_out() -> None:
    found = leverage(Case.load(EXAMPLES / "frontier-lab"), curves=False)
    assert isinstance(found, Leverage)
    assert_all_asked(render_leverage(found), leverage_figures(found))
    drawn = who_needs_whom(found, 760)
    if os.environ.get("REWRITE_DOCS"):
        SCALES.write_text(alone(drawn), encoding="utf-8")
    assert texts(SCALES.read_text(encoding="utf-8")) == texts(drawn), "REWRITE_DOCS=1 draws it anew"


def test_each_number_on_the_other_pages_of_the_frontier_lab_answers_explain() -> None:
    prices = price(Case.load(EXAMPLES / "frontier-lab"))
    assert isinstance(prices, ClausePrices)
    assert_all_asked(render_prices(prices), price_figures(prices), [each.sentence for each in prices.clauses])
    drawn = simulate(Case.load(EXAMPLES / "frontier-lab"), "stand-firm", draws=2, processes=1)
    assert isinstance(drawn, Simulation)
    assert_all_asked(render_simulation(drawn), simulation_figures(drawn))
