"""What a clause's numbers turn on, each with who says it."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches
from detente.report.plans.explanation import explain
from tests.builders import Data, agreement, data_of, refused, solved, tokens, two_clouds, work

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "1 k USD", "windows": {"every": "month"}}


CLASSES = [{"of": {"product": "tokens"}, "at-most": "25%"}]
IN_TOKENS = {"amount": "1 Gtok", "shortfall": "forbidden"}
OPEN = "open: neither the clause nor its agreement ends"


def told(
    *terms: Data, id: str = "floor", workload: Data | None = None, **signed: Any
) -> dict[str, tuple[str, str | None]]:
    own = work() | (workload or {})
    case = Case.of(data_of([tokens("north", 3)], [own], agreement(*terms, **signed)))
    term = case.term(id)
    assert term is not None
    return {switch.name: (switch.value, switch.stated) for switch in switches(case, term)}


def test_every_switch_has_its_default() -> None:
    assert told(FLOOR) == {
        "measure": ("what use costs after discounts", None),
        "moment": ("when it is used", None),
        "counts": ("all that it covers, in full; fees and what is given back do not count", None),
        "credits": ("what credits pay counts", None),
        "who": ("everybody's use on our side, of what `north` sells", None),
        "windows": ("each month, the first from 2026-01-01", "clause"),
        "zone": ("days begin at midnight in UTC", None),
        "last day": ("2026-06-30, all of it; 2026-07-01 is out", "agreement"),
        "rounding": ("exact to a billionth; invoices are not rounded", None),
    }


@pytest.mark.parametrize(
    ("name", "clause", "signed", "value", "stated"),
    [
        ("measure", {"measure": "list"}, {}, "what use costs at list prices", "clause"),
        ("credits", {"measure": "after-credits"}, {}, "what credits pay does not count", "clause"),
        (
            "credits",
            {"shortfall": {"charged-as": "prepayment"}},
            {},
            "what credits pay counts; what prepayment pays does not, and its purchase does",
            "clause",
        ),
        ("moment", {"moment": "invoice"}, {}, "when it is invoiced", "clause"),
        ("counts", {"counts": CLASSES}, {}, "`product: tokens` counts up to 25% of it", "clause"),
        ("who", {"parties": ["lab"]}, {}, "use of `lab`, of what `north` sells", "clause"),
        ("who", {}, {"parties": ["lab"]}, "use of `lab`, of what `north` sells", "agreement"),
        ("zone", {}, {"zone": "UTC"}, "days begin at midnight in UTC", "agreement"),
        ("last day", {"until": "2026-03-01"}, {}, "2026-02-28, all of it; 2026-03-01 is out", "clause"),
        ("last day", {"windows": {"every": "month"}}, {"ends": None}, OPEN, None),
        ("windows", {"windows": {"every": "term"}}, {}, "over its whole term", "clause"),
        ("measure", IN_TOKENS, {}, "what is taken of offers, in their own units", None),
        (
            "rounding",
            {},
            {"rounding": {"per": "line", "how": "up"}},
            "exact to a billionth; invoices of `north` per line, up to 0.01 (`north-deal`)",
            "agreement",
        ),
    ],
)  # fmt: skip
def test_what_is_stated_is_told_with_where(name: str, clause: Data, signed: Data, value: str, stated: str) -> None:
    found = told(FLOOR | clause, workload={"labels": {"party": "lab"}}, **signed)
    assert found[name] == (value, stated)


def test_a_discount_says_how_it_combines_and_a_clause_that_counts_nothing_whom_it_binds_and_when() -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    assert told(off, id="off")["order"] == ("not said: two that meet on one price are a mistake", None)
    assert told(off, id="off", combine="best-of")["order"] == ("`best-of`, the largest discount alone", "agreement")
    books: Data = {"id": "books", "kind": "audit"}
    assert list(told(books, id="books")) == ["who", "zone", "last day"]


def test_explain_tells_them_with_a_plan_and_without() -> None:
    case = two_clouds(FLOOR)
    found = explain(case, solved(case), "floor")
    assert "\nIt turns on:\n- measure: what use costs after discounts (the default)\n" in str(found)
    assert {"name": "zone", "value": "days begin at midnight in UTC", "stated": None} in found.as_json()["switches"]
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 USD", "of": {"provider": ["north", "south"]}}
    none = two_clouds(cap)
    assert "moment: when it is used (the default)" in str(explain(none, refused(none), "cap"))
