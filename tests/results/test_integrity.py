"""A saved plan against itself: what was edited is refused, whatever was edited, and whoever made the checksum anew."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from detente.errors import PlanError
from detente.results.checksum import checksum
from detente.results.integrity import faults
from detente.results.plan import NO_BOUND, Plan, schema
from tests.builders import agreement, build, compute, gpus, solved, tokens, work

Steps = tuple[str | int, ...]


@cache
def saved() -> str:
    """A plan with a row in nearly every list, and integers."""
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "carry-over": "20%"}
    floor |= {"measure": "after-discounts"}
    off = {"id": "off", "kind": "discount", "off": "10%"}
    case = build(
        [
            tokens("north", 3),
            tokens("south", 2, capacity="5000 Mtok per month"),
            gpus("south", 2, unit=8, capacity="64 GPU"),
        ],
        [work(demand="6000 Mtok per month"), compute(), work("spare", value="1 USD per Mtok")],
        agreement(floor, off),
        months=2,
    )
    return solved(case).to_json()


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(saved())
    return found


def leaves(value: Any, at: Steps = ()) -> Iterator[Steps]:
    """The path of every value that holds no other."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from leaves(item, (*at, key))
    if not isinstance(value, dict | list):
        yield at


def edited(path: Steps, value: Any) -> dict[str, Any]:
    found = document()
    holder: Any = found
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return found


def refused(found: dict[str, Any]) -> str:
    with pytest.raises(PlanError, match=r"^plan: ") as raised:
        Plan.from_json(json.dumps(found))
    return str(raised.value)


def resealed(found: dict[str, Any]) -> dict[str, Any]:
    """As somebody would who knows of the checksum."""
    return found | {"checksum": checksum(found)}


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    try:
        return str(Decimal(value) + 1)
    except ArithmeticError:
        return f"{value}x"


def test_whatever_is_edited_is_refused() -> None:
    paths = list(leaves(document()))
    assert {path[0] for path in paths} == {name for name, value in document().items() if value not in ([], {})}
    for path in paths:
        held: Any = document()
        for step in path:
            held = held[step]
        refused(edited(path, other(held)))


HOSTILE: list[Any] = ["9" * 1_100_000, "1e999999", "1e-999999", "-0", "NaN", "1E+50", "1_0", " 1", "٣"]
HOSTILE += ["0." + "1" * 50_000]
MISREAD: list[Any] = [True, 1.0, "1"]
TOO_LARGE: list[Any] = [10**30, 2**63, -(2**63), 2**31]


def test_numbers_that_no_plan_writes_are_refused_wherever_they_stand() -> None:
    """Every number of a plan in turn, each as something else, though its checksum is made anew."""
    kinds = {tuple("*" if isinstance(step, int) else step for step in path): path for path in leaves(document())}
    turns = 0
    for path in kinds.values():
        held: Any = document()
        for step in path:
            held = held[step]
        exact = isinstance(held, str) and held.lstrip("-").replace(".", "").isdigit()
        whole = isinstance(held, int) and not isinstance(held, bool)
        odd = HOSTILE if path == ("cost",) else [HOSTILE[turns % len(HOSTILE)]] if exact else MISREAD if whole else []
        odd = [*odd, *TOO_LARGE] if path[0] == "allocations" and whole else odd
        for each in odd:
            turns += 1
            refused(resealed(edited(path, each)))
    assert turns > 40


@pytest.mark.parametrize("twice", ['{"cost":"1",', '{"checksum":"0",'])
def test_a_member_that_is_given_twice_is_refused(twice: str) -> None:
    """A reader may take the first, and another the last."""
    name = twice[2:].partition('"')[0]
    with pytest.raises(PlanError, match=f"the member `{name}` is given twice"):
        Plan.from_json(saved().replace("{", twice, 1))
    with pytest.raises(PlanError, match="the member `work` is given twice"):
        Plan.from_json(saved().replace('"work":', '"work":"1","work":', 1))


def test_a_plan_of_no_cost_and_no_bound_is_as_far_apart_as_that_says() -> None:
    """A part of a billionth: (0 + 1e15) / 1e-9 = 1e24, which has more digits than Python's decimals are rounded to."""
    found = replace(solved(build([tokens("north", 0)], [work()])), bound=NO_BOUND, gap=Decimal(10) ** 24)
    found = replace(found, status="time-limit", bounded_by="prices")
    assert found.cost == 0
    assert Plan.from_json(found.to_json()) == found


def test_rows_that_come_and_go_are_refused() -> None:
    for section, rows in document().items():
        if isinstance(rows, list):
            found = document()
            if rows:
                found[section] = rows[1:]
                refused(found)
            found[section] = [*rows, *rows[:1]] if rows else [{}]
            refused(found)
    refused(document() | {"note": "approved"})
    found = document()
    del found["checksum"]
    assert "its content is not that of its `checksum`" in refused(found)


def test_another_layout_is_the_same_plan() -> None:
    found = document()
    assert Plan.from_json(saved()) == Plan.from_json(json.dumps(found, indent=3, sort_keys=True))
    assert Plan.from_json(saved()).to_json() == saved()


SEALED: list[tuple[Steps, Any, str]] = [
    (("bound",), "10000000", "its bound 10000000 is above its cost"),
    (("bound",), "1", "its gap is"),
    (("gap",), "0.5", "its gap is 0.5, and cost and bound are apart by"),
    (("rounding",), "17", "its rounding 17 is no part of cost - bound"),
    (("cost",), "17", "its cost is 17"),
    (("periods", 1, "index"), 0, "period 1 is numbered 0"),
    (("periods", 0, "hours"), "0", "period 0 takes no time"),
    (("periods", 0, "end"), "2025-01-01T00:00:00Z", "period 0 takes no time"),
    (("periods", 0, "hours"), "743", "the periods from 2026-01-01 00:00 have 743 hours, and that time 744"),
    (("periods", 1, "span_start"), "2026-01-31T00:00:00Z", "period 1 begins before the one before it has ended"),
    (("periods", 0, "end"), "2027-02-01T00:00:00Z", "period 0 lies outside of the time that it stands for"),
    (("clauses", 0, "owed"), "17", "owes 17, and its `postings` come to"),
    (("standings", 0, "owed"), "17", "stands at 17 owed from 2026-01-01"),
    (("standings", 0, "short"), "17", "floor from 2026-01-01T00:00:00Z is 17 short, and its amounts say 0"),
    (("standings", 0, "brought"), "17", "brings in 17, and the window before carries over 0"),
    (("workloads", 0, "moves"), 5, "chat moves 5 times, 0 of its work, and its allocations move 0 times"),
    (("workloads", 0, "moved"), "0.5", "chat moves 0 times, 0.5 of its work, and its allocations move"),
    (("zzz",), 1, "it has `zzz`, which no plan has"),
    (("standings", 0, "zzz"), 1, "it has `standings.zzz`, which no plan has"),
    (("allocations", 0, "workload"), "nobody", "has the workload nobody"),
    (("allocations", 0, "provider"), "nobody", "has the provider nobody"),
    (("allocations", 0, "period"), 99, "has the period 99"),
    (("allocations", 0, "work"), "99999", "and its allocations come to"),
    (("allocations", 0, "work"), "-1", "has a `work` below zero"),
    (("allocations", 0, "taken"), "99999", "and its allocations come to"),
    (("workloads", 0, "served"), "1", "the work served of chat is 1"),
    (("workloads", 0, "demand"), "1", "the demand of chat is 1"),
    (("workloads", 1, "workload"), "chat", "has the workload research, which the plan does not have"),
    (("providers", 0, "work"), {"Mtok": "5"}, "the work on"),
    (("capacity", 0, "bought"), "1", "and its `bought` is 1"),
    (("capacity", 0, "limit"), "1", "and its `limit` is 1"),
    (("capacity", 0, "used"), "1", "what is used of"),
    (("decisions", 0, "work"), "1", "and its allocations come to"),
    (("postings", 0, "term"), "nobody", "has the term nobody"),
    (("decisions", 0, "denied"), True, "is denied on"),
    (("charges", 0, "net"), "1", "are not what its `charges` come to"),
    (("charges", 0, "listed"), "1", "the discounts among its `postings` are"),
    (("charges", 0, "provider"), "nobody", "has the provider nobody"),
    (("title",), "\x1b[2KYes", "shows nothing or forges what is shown"),
    (("title",), "a\u3164b\ufe0f", "shows nothing or forges what is shown"),
    (("clauses", 0, "text"), "per\u200bsonal", "shows nothing or forges what is shown"),
]


@pytest.mark.parametrize(("path", "value", "what"), SEALED)
def test_what_contradicts_itself_is_refused_whatever_its_checksum(path: Steps, value: Any, what: str) -> None:
    assert what in refused(resealed(edited(path, value)))


def moving() -> dict[str, Any]:
    """Work moves from south to north in February, at 10 USD, and a floor is 500 short, of which 20% is owed."""
    south = tokens("south", {"2026-01": 2, "2026-02": 9})
    chat = work(moving={"cost": "10 USD", "today": {"south": "100%"}})
    deal = agreement(
        {"id": "floor", "kind": "minimum-commitment", "amount": "6.5 k USD"} | {"shortfall": {"fee": "20%"}}
    )
    found: dict[str, Any] = json.loads(solved(build([tokens("north", 3), south], [chat], deal, months=3)).to_json())
    return found


@pytest.mark.parametrize(
    ("section", "change", "what"),
    [
        (
            "moves",
            {"share": "0.5"},
            "a share of 0.5 of chat that comes to north in period 1: its allocations say 1.000",
        ),
        ("moves", {"share": "2"}, "is more than all"),
        ("moves", {"period": 2}, "a share of 1 of chat that comes to north in period 2: its allocations say 0.000"),
        ("standings", {"short": "0"}, "is 0 short, and its amounts say"),
        ("workloads", {"moves": 0}, "its allocations move 1 times"),
    ],
)
def test_what_moves_and_what_is_short_is_what_the_rows_say(section: str, change: dict[str, Any], what: str) -> None:
    found = moving()
    assert not list(faults(found))
    found[section][0] |= change
    assert what in refused(resealed(found))


@pytest.mark.parametrize("every", ["month", "day"])
def test_what_a_delay_gives_is_no_part_of_what_was_delivered_that_day(every: str) -> None:
    late = {"name": "one", "quantity": "4 GPU", "due": "2026-01-01", "accepted": "2026-02-01", "worth": "1 k USD"}
    credit: dict[str, Any] = {"credit": {"per-day": "1%", "at-most": "10%"}}
    clause = {
        "id": "late",
        "kind": "delivery",
        "offer": "north-gpus",
        "tranches": [late],
        "windows": {"every": every},
    } | credit
    found = solved(build([gpus("north", 1), gpus("south", 2)], [compute()], agreement(clause), months=2))
    assert [p.amount for p in found.postings] == [-100]
    assert Plan.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("kind", "beyond", "held"),
    [
        ("inference", "0.000004", True),
        ("inference", "0.000005", False),
        ("training", "0.000005", True),
        ("training", "0.000006", False),
    ],
)
def test_what_rounding_adds_to_demand_has_room_in_what_was_bought(kind: str, beyond: str, held: bool) -> None:
    """A millionth of each of three workloads, which take as much of the offer, and one that any sum may be off.

    Of a job that is done at any time, also half a millionth of each of two months on its one offer.
    """
    found = document()
    (job,) = [row for row in found["workloads"] if row["workload"] == "research"]
    job["kind"] = kind
    for rows, keys in (("capacity", ("used",)), ("allocations", ("work", "taken"))):
        row = next(row for row in found[rows] if row["offer"] == "south-gpus")
        row |= dict.fromkeys(keys, beyond) | ({"bought": "0"} if rows == "capacity" else {})
    told = " ".join(faults(found))
    assert ("and its `bought` is 0" in told) != held, told


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    assert Plan.from_json(json.dumps(resealed(copy.deepcopy(document())))) == Plan.from_json(saved())


@pytest.mark.parametrize("text", ["name: x\nhorizon: {}\n", '{"name": "x", "horizon": {}}'])
def test_a_case_where_a_plan_is_expected(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.yaml").write_text(text)
    with pytest.raises(PlanError, match=r"is a case, and not a saved plan; save a plan of it"):
        Plan.load(tmp_path / "case.yaml")
    with pytest.raises(PlanError, match=r"holds a case and no `plan\.json`"):
        Plan.load(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 1' + "0" * 5000 + "}", '{"format": NaN}', "\ud800"])
def test_hostile_json(text: str) -> None:
    with pytest.raises(PlanError):
        Plan.from_json(text.encode("utf-8", "surrogatepass"))


def test_the_schema_describes_what_is_saved() -> None:
    Draft202012Validator.check_schema(schema())
    found = Draft202012Validator(schema())
    assert list(found.iter_errors(document())) == []
    for path, value in [(("cost",), 3), (("status",), "proven"), (("allocations", 0, "period"), "x"), (("hash",), "0")]:
        assert list(found.iter_errors(edited(path, value)))
