"""The same plan, always: in two processes, saved and read again; one that was damaged or edited is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import PlanError
from detente.results.plan import Plan
from tests.builders import Data, agreement, build, compute, data_of, gpus, solved, tokens, two_clouds, work
from tests.planner.reserved import PROVISIONED, job

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, sys
from detente.case.case import Case
from detente.planner.solve import plan
sys.stdout.write(plan(Case.of(json.loads(sys.stdin.read()))).to_json())
"""


def mixed() -> Data:
    """Ties, whole units, standby and clauses."""
    offers = [
        tokens("north", 2), tokens("south", 2), gpus("north", 2, unit=4), gpus("south", 2, unit=4),
        PROVISIONED | {"minimum": 2, "increment": 3},
        gpus("east", "1.5", id="east-reserved", buy="reserved", term="1 month"),
    ]  # fmt: skip
    each = [
        work("chat", survives="50%"),
        compute("agents", "7.5 GPU"),
        work("night", kind="batch", within="1 month"),
        job(),
    ]
    deal = agreement(
        {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD"},
        {"id": "part", "kind": "share", "at-least": "20%", "measure": "spend"},
    )
    return data_of(offers, each, deal, months=3)


def test_two_processes_write_the_same_plan() -> None:
    written = []
    for seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(mixed()),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        written.append(run.stdout)
    assert written[0] == written[1] == written[2]


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    from pyarrow import parquet

    found = solved(Case.of(mixed()), gap=1e-4)
    files = found.save(tmp_path / "out")
    assert [f.name for f in files] == ["plan.json", "allocations.parquet"]
    for path in (tmp_path / "out", tmp_path / "out" / "plan.json", str(tmp_path / "out")):
        assert Plan.load(path, Case.of(mixed()).hash) == found
    rows = parquet.read_table(files[1]).to_pylist()
    assert len(rows) == len(found.allocations) > 0
    for row, allocation in zip(rows, found.allocations, strict=True):
        assert row == {name: getattr(allocation, name) for name in row}
        assert isinstance(row["cost"], Decimal)


def test_a_plan_of_another_case_is_refused(tmp_path: Path) -> None:
    found = solved(two_clouds())
    found.save(tmp_path)
    other = build([tokens("north", 3), tokens("south", "2.01")], [work()])
    with pytest.raises(PlanError, match="made of another case"):
        Plan.load(tmp_path, other.hash)
    assert Plan.load(tmp_path, two_clouds().hash) == found


def test_the_hash_knows_reading_and_clauses() -> None:
    term = {"id": "only", "kind": "exclusivity", "readings": {"a": {"of": {"kind": "inference"}}, "b": {}}}
    case = two_clouds(term)
    hashes = [
        case.under(reading="a").hash,
        case.under(reading="b").hash,
        case.under(reading="a", without=["only"]).hash,
    ]
    assert len(set(hashes)) == 3
    assert two_clouds(term).under(reading="a").hash == hashes[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"cost":"12000', '"cost":"twelve'),
        lambda text: text.replace('"status":"optimal"', '"status":"perfect"'),
        lambda text: text.replace("detente-plan/7", "detente-plan/6"),
        lambda text: text.replace("detente-plan/7", "detente-plan/99"),
        lambda text: "\x00" + text,
    ],
)
def test_a_damaged_plan_says_so(tmp_path: Path, damage: Any) -> None:
    found = solved(two_clouds())
    found.save(tmp_path)
    file = tmp_path / "plan.json"
    text = file.read_text(encoding="utf-8")
    assert damage(text) != text
    file.write_text(damage(text), encoding="utf-8")
    with pytest.raises(PlanError) as error:
        Plan.load(tmp_path)
    assert "plan.json" in str(error.value)


def test_a_folder_may_be_named_by_its_text(tmp_path: Path) -> None:
    found = solved(two_clouds())
    assert found.save(str(tmp_path / "out")) == found.save(tmp_path / "out")
    assert Plan.load(str(tmp_path / "out")) == found


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        ("cost", "bill, unserved_cost and moving_cost"),
        ("bill", "the spend of `providers` and the `postings` other than discounts"),
        ("unserved_cost", "the costs of `unserved`"),
    ],
)
def test_a_total_that_was_edited_is_refused(tmp_path: Path, total: str, parts: str) -> None:
    found = solved(build([tokens("north", 3)], [work(value="2 USD per Mtok")], months=1))
    assert (found.bill, found.unserved_cost) == (0, 2000)  # to serve costs more than it is worth
    found.save(tmp_path)
    saved = json.loads((tmp_path / "plan.json").read_text())
    held, saved[total] = saved[total], "17"
    if total != "cost":  # the cost follows, so that this one alone is wrong
        saved["cost"] = "17" if total == "unserved_cost" else "2017"
    (tmp_path / "plan.json").write_text(json.dumps(saved))
    with pytest.raises(PlanError) as error:
        Plan.load(tmp_path)
    assert f"plan.json: its {total} is 17, and {parts} come to {held}: it was changed" in str(error.value)


def test_bytes_that_are_no_text_and_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError):
        Plan.load(tmp_path)
    with pytest.raises(PlanError, match="does not exist"):
        Plan.load(tmp_path / "nothing")
