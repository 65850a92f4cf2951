"""What a clause's numbers turn on, each with who says it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches, switches_of
from detente.contract.fixed_switch import SWITCHES, counts_something, why_fixed
from detente.contract.term import Term
from detente.report.plans.explanation import explain
from detente.terms import KINDS, kind_named, kind_of, kinds
from tests.builders import Data, agreement, data_of, mistakes, refused, solved, tokens, two_clouds, work

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


def test_of_a_clause_that_is_amended_each_text_has_its_days() -> None:
    later = [
        agreement(FLOOR | {"amount": f"{n} k USD"}, id=f"change-{n}", amends=amends, effective=f"2026-0{n}-01")
        for n, amends in ((3, "north-deal"), (5, "change-3"))
    ]
    case = Case.of(data_of([tokens("north", 3)], [work()], agreement(FLOOR), *later))
    found = [(switch.name, switch.value) for switch in switches_of(case, "floor")]
    assert found[-4:] == [
        ("last day in `north-deal`", "2026-02-28, all of it; 2026-03-01 is out"),
        ("last day in `change-3`", "2026-04-30, all of it; 2026-05-01 is out"),
        ("last day in `change-5`", "2026-06-30, all of it; 2026-07-01 is out"),
        ("rounding", "exact to a billionth; invoices are not rounded"),
    ]
    assert found[0] == ("measure", "what use costs after discounts")


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
    assert "; a class that counted up to a part would have no cap; leave it out with `except` (fixed)" in str(
        explain(none, refused(none), "cap")
    )


# -- one vocabulary, which every kind has or says why it has it not --------------------------------------------------
SHOWN = {"measure": "after-discounts", "moment": "use", "counts": ()}


def cell(kind: type[Term], key: str) -> str:
    """What the table of the pages says: the values with the default first, or why there is one."""
    if why := why_fixed(kind, key):
        return f"fixed: {why}"
    field = kind.model_fields[key]
    if key == "counts":
        return "all in full; classes up to a part"
    default = field.default if field.default is not None else SHOWN[key]
    values = re.findall(r"'([a-z-]+)'", str(field.annotation))
    return ", ".join(f"`{value}`" for value in sorted(values, key=lambda value: (value != default, value)))


def test_every_kind_that_counts_turns_each_switch_or_says_why_not_and_the_page_has_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "terms" / "README.md").read_text(encoding="utf-8")
    for kind in filter(counts_something, kinds()):
        name = kind_of(kind)
        assert f"| [{name}]({name}.md) | " + " | ".join(cell(kind, key) for key in SWITCHES) + " |" in page, name


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_switch_that_a_kind_does_not_have_is_refused_with_why(kind: str) -> None:
    for key in SWITCHES:
        why = why_fixed(kind_named(kind), key)
        found = mistakes(data_of([tokens("north", 3)], [work()], agreement({"id": "c", "kind": kind, key: "list"})))
        told = f"`{key}` is no choice of kind `{kind}`: {why}; leave it out"
        assert (told in found) == (why is not None), found
        assert not any(each.startswith("unknown key") for each in found)


def test_what_a_kind_fixes_is_told_with_why() -> None:
    found = told(
        {"id": "ours", "kind": "revenue-share", "rate": "5%"}, id="ours", workload={"revenue": "9 USD per Mtok"}
    )
    assert found["measure"] == ("what work earns; revenue is what is shared", "kind")
    assert found["counts"][1] == "kind"
