"""Which money counts towards warrants, when, and what of it, by hand. North 3 USD per Mtok; 1000 Mtok a month.

Six months at list prices are 18,000 USD.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.report.plans.explanation import explain
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    gpus,
    mistakes,
    solved,
    standing,
    tokens,
    use,
    work,
)

OFF: Data = {"id": "off", "kind": "discount", "off": "10%"}
CREDIT: Data = {"id": "credit", "kind": "credit", "amount": "2 k USD"}
CLASS = [{"of": {"product": "tokens"}, "at-most": "25%"}]


def shares(*reach: str, **more: Any) -> Data:
    tranches = [{"reach": each, "shares": 1} for each in reach or ("10 k USD", "20 k USD")]
    return {"id": "shares", "kind": "warrants", "tranches": tranches} | more


@pytest.mark.parametrize(
    ("more", "drawn"),
    [
        ({}, [16_200, 16_200]),  # after discounts, whatever a credit pays
        ({"measure": "list"}, [18_000, 18_000]),
        ({"measure": "after-credits"}, [14_200, 14_200]),
        ({"counts": CLASS}, [2_500, 5_000]),  # a quarter of what each tranche asks
        ({"moment": "invoice"}, [13_500, 13_500]),  # the use of June is invoiced on 1 July
        ({"moment": "purchase"}, [16_200, 16_200]),  # nothing is reserved
    ],
)
def test_a_plan_counts_what_the_clause_says(more: Data, drawn: list[int]) -> None:
    deal = agreement(OFF, CREDIT, shares(**more))
    plan = solved(build([tokens("north", 3)], [work()], deal))
    assert [s.drawn for s in plan.standings if s.role == "warrant"] == drawn
    assert plan.cost == D(14_200)  # no money turns on it


@pytest.mark.parametrize(
    ("moment", "drawn"),
    [
        ("use", 21_600),
        ("purchase", 87_600),
        ("invoice", 21_900),
    ],  # of 8,760 hours: 2,160; all; three instalments of 730
)
def test_a_reservation_counts_as_it_is_used_bought_or_invoiced(moment: str, drawn: int) -> None:
    reserved = gpus("north", 1, buy="reserved", term="12 months", invoiced="monthly")
    clause = shares("10 k USD", moment=moment, until="2026-04-01")
    plan = solved(build([reserved], [compute()], agreement(clause), months=12))
    assert [s.drawn for s in plan.standings if s.role == "warrant"] == [drawn]


@pytest.mark.parametrize(("measure", "drawn"), [("list", 1000), ("after-discounts", 900)])
def test_metered_use_counts_as_the_clause_says(measure: str, drawn: int) -> None:
    case = build([tokens("north", 3)], [work()], agreement(OFF, shares("10 k USD", measure=measure)))
    line = use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 500, 1000)
    assert [s.drawn for s in standing(case, "shares", line).standings] == [drawn]


def test_explain_tells_what_is_not_the_default() -> None:
    def said(**more: Any) -> str:
        term = build([tokens("north", 3)], [work()], agreement(shares("10 k USD", **more))).term("shares")
        assert term is not None
        return term.explain().sentence

    assert said().endswith("1 shares at 10.0 k USD; their worth is on no bill")
    told = (
        "; what counts is spend at list prices; it counts when it is bought; `product: tokens` counts up to 25% of it;"
    )
    assert told in said(measure="list", moment="purchase", counts=CLASS)


def test_explain_tells_what_is_short_of_each_tranche() -> None:
    case = build([tokens("north", 3)], [work()], agreement(OFF, shares("16200 USD", "16201 USD")))
    told = [line.sentence for line in explain(case, solved(case), "shares").lines if "bought of" in line.sentence]
    assert told == [
        "Jan 2026 – Jun 2026: 16.2 k USD bought of 16.2 k USD: reached",
        "Jan 2026 – Jun 2026: 16.2 k USD bought of 16.2 k USD: 1.00 USD short",
    ]


@pytest.mark.parametrize(
    ("clause", "what"),
    [
        (shares("9 Gtok", measure="list"), "`measure` is of money, and the tranches are in Mtok; leave out `measure`"),
        (shares("9 Gtok", moment="invoice"), "`moment` is of money, and the tranches are in Mtok; leave out `moment`"),
    ],
)
def test_what_means_nothing_is_refused(clause: Data, what: str) -> None:
    assert mistakes(data_of([tokens("north", 3)], [work()], agreement(clause))) == [what]


def test_what_a_credit_pays_of_a_class_is_not_known() -> None:
    clause = shares("10 k USD", measure="after-credits", counts=CLASS)
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement(CREDIT, clause)))
    assert only.startswith("`credit` pays for use of which `shares` counts up to a part")
