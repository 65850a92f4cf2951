"""Cases: one file, a folder or plain values; the same case, quickly."""

from __future__ import annotations

import cProfile
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from detente.case.case import Case
from detente.demand.workload import Training
from detente.errors import CaseError
from detente.values.dated import Dated

VALID = (Path(__file__).parents[1] / "cases" / "mistakes" / "case.yaml").read_text(encoding="utf-8")


def in_folders(folder: Path) -> Path:
    """The valid case, a folder for each section."""
    data = yaml.safe_load(VALID)
    for section in ("providers", "offers", "networks", "workloads", "agreements", "scenarios"):
        for index, entry in enumerate(data.pop(section)):
            (folder / section).mkdir(exist_ok=True)
            text = yaml.safe_dump({section: [entry]}, sort_keys=False)
            (folder / section / f"{index}.{'yaml' if index else 'yml'}").write_text(text)
    (folder / "case.yaml").write_text(yaml.safe_dump(data))
    return folder


def test_a_folder_a_file_and_plain_values_are_the_same_case(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(VALID)
    (tmp_path / "case").mkdir()
    one = Case.load(tmp_path / "one.yaml")
    folder = Case.load(str(in_folders(tmp_path / "case")))
    plain = Case.of(yaml.safe_load(VALID))
    assert one.hash == folder.hash == plain.hash
    assert one.folder == str(tmp_path)
    assert folder.folder == str(tmp_path / "case")


def test_the_hash_changes_with_whatever_a_plan_depends_on(tmp_path: Path) -> None:
    base = Case.of(yaml.safe_load(VALID))
    changed = [
        VALID.replace("2.10 USD", "2.11 USD"),
        VALID.replace("20 k USD", "21 k USD"),
        VALID.replace("3% per", "4% per"),
    ]
    hashes = {Case.of(yaml.safe_load(text)).hash for text in changed}
    assert len({base.hash, *hashes, base.under("letter").hash, base.under(without=["floor"]).hash}) == 6
    text = VALID.replace("rate: 120 Mtok per day", "trace: { file: t.csv }")
    (tmp_path / "case.yaml").write_text(text)
    seen = set()
    for tokens in (1000, 2000):
        (tmp_path / "t.csv").write_text(
            f"timestamp,input,output\n2026-01-01 00:00:00,{tokens},10\n2026-01-01 03:00:00,10,10\n"
        )
        seen.add(Case.load(tmp_path).hash)
    assert len(seen) == 2


def test_plain_values_may_be_numbers_and_dates() -> None:
    data: dict[str, Any] = yaml.safe_load(VALID)
    data["horizon"]["start"] = date(2026, 1, 1)
    data["offers"][0]["unit"] = 8
    data["offers"][0]["price"] = {date(2026, 1, 1): "2.30 USD per GPU-hour"}
    data["workloads"][1]["interruptible"] = False
    data["workloads"][1]["runs-on"]["accelerators"]["H100"] = Decimal("0.1")
    found = Case.of(data)
    assert found.workloads[1].runs_on.accelerators["H100"] == (Decimal("0.1"), "GPU-hour")
    data["workloads"][1]["runs-on"]["accelerators"]["H100"] = float("nan")
    with pytest.raises(CaseError, match="`NaN` is not a number"):
        Case.of(data)


def test_entries_of_a_section_may_be_spread_over_files_and_given_once(tmp_path: Path) -> None:
    in_folders(tmp_path)
    (tmp_path / "agreements" / "more.yaml").write_text("name: again\noffers: []\nscenarios:\n")
    with pytest.raises(CaseError, match=r"`name` is given twice, first at .*more.yaml:1:1|`name` is given twice"):
        Case.load(tmp_path)


def test_egress_is_billed_by_the_place_that_data_leaves() -> None:
    found = Case.of(yaml.safe_load(VALID))
    chat, job = found.workloads
    azure, aws = found.offers
    assert found.egress(chat, aws) == (Dated(((None, Fraction("0.002")),)), "azure/eastus")
    assert found.egress(chat, azure) == (None, "azure/eastus")
    assert found.egress(job, azure) == (None, "")


def test_a_mix_comes_from_the_trace_where_it_is_not_stated(tmp_path: Path) -> None:
    text = VALID.replace("rate: 120 Mtok per day, growth: 3% per month", "trace: { file: t.csv }")
    (tmp_path / "case.yaml").write_text(text.replace("    mix: { output: 20% }\n", ""))
    (tmp_path / "t.csv").write_text("timestamp,input,output\n2026-01-01 00:00:00,300,100\n2026-01-01 02:00:00,0,0\n")
    mix = Case.load(tmp_path).workloads[0].mix
    assert mix is not None
    assert mix.output == Decimal("0.25")


def test_a_trace_that_does_not_cover_the_horizon_is_a_mistake(tmp_path: Path) -> None:
    text = VALID.replace("rate: 120 Mtok per day, growth: 3% per month", "trace: { file: t.csv, as: dated }")
    (tmp_path / "case.yaml").write_text(text)
    (tmp_path / "t.csv").write_text("timestamp,input,output\n2026-01-01 00:00:00,300,100\n2026-01-01 02:00:00,0,0\n")
    with pytest.raises(CaseError, match=r"case.yaml:31:13: t.csv: has no data for the hour of 2026-01-01 02:00"):
        Case.load(tmp_path)


def large(n: int, clauses: str = "") -> str:
    offers = "\n".join(
        f"  - {{ id: o{i}, kind: gpu, provider: p{i % 8}, region: r{i % 2}, accelerator: A{i % 10}, "
        "price: 2.30 USD per GPU-hour, capacity: 10 GPU }"
        for i in range(n)
    )
    kinds = ", ".join(f"A{k}: 1" for k in range(10))
    workloads = "\n".join(
        f"  - {{ id: w{i}, kind: inference, labels: {{ api: stateless }}, "
        f"demand: {{ rate: 5 GPU, growth: 3% per month }}, runs-on: {{ accelerators: {{ {kinds} }} }} }}"
        for i in range(n)
    )
    providers = "\n".join(
        f"  - {{ id: p{i}, name: P, regions: {{ r0: {{ country: US }}, r1: {{ country: DE }} }} }}" for i in range(8)
    )
    return (
        "name: large\nhorizon: { start: 2026-01-01, end: 2027-01-01, every: month }\n"
        f"providers:\n{providers}\noffers:\n{offers}\nworkloads:\n{workloads}\n{clauses}"
    )


def calls(path: Path) -> int:
    """Calls of functions that reading a case and its demand takes: the same on a busy machine."""
    profile = cProfile.Profile()
    with profile:
        case = Case.load(path)
        assert all(len(case.demand(w, case.periods).quanta) for w in case.workloads if not isinstance(w, Training))
    return sum(each.callcount for each in profile.getstats())


def test_twice_the_offers_and_workloads_are_four_times_the_pairs_and_no_more_is_looked_at(tmp_path: Path) -> None:
    agreements = "agreements:\n" + "".join(
        f"  - id: a{i}\n    with: p{i}\n    effective: 2026-01-01\n    ends: 2027-01-01\n    combine: sum\n    terms:\n"
        + "".join(
            f"      - {{ id: t{i}-{k}, kind: discount, off: 5%, of: {{ accelerator: A{(i + 2 * k) % 10} }} }}\n"
            for k in range(10)
        )
        for i in range(8)
    )
    for clauses in ("", agreements):
        took = []
        for n in (40, 80):
            (tmp_path / "case.yaml").write_text(large(n, clauses))
            took.append(calls(tmp_path / "case.yaml"))
        assert took[1] < 4 * took[0]


STARTER = (Path(__file__).parents[2] / "detente" / "starter" / "case.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "models: [gpt-oss-120b]",
            "models: [gpt-oss-120c]",
            "no offer has `gpt-oss-120c`.*did you mean `gpt-oss-120b`",
        ),
        ("h100: 30 Mtok", "h101: 30 Mtok", "no offer has `h101`.*did you mean `h100`, as `aws-h100` has it"),
        ("h100: 30 Mtok", "H100: 30 Mtok", "no offer has `H100`.*did you mean `h100`"),
        ("[gpt-4.1-mini, gpt", "[gpt-4.1-mni, gpt", "no offer has `gpt-4.1-mni`.*did you mean `gpt-4.1-mini`"),
        ("model: gpt-oss-120b", "model: gpt-oss-120", "no workload can use .*did you mean `gpt-oss-120b`"),
    ],
)
def test_a_slip_in_what_a_workload_runs_on_is_one_mistake(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Though something else can serve it; neither its offer nor a clause is blamed besides."""
    assert STARTER.count(old) == 1
    (tmp_path / "case.yaml").write_text(STARTER.replace(old, new), encoding="utf-8")
    with pytest.raises(CaseError, match=f"(?s){said}.*\\n1 mistake$"):
        Case.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("models: [gpt-oss-120b]", "models: [gpt-oss-120b, claude]"),
        ("[gpt-4.1-mini, gpt-oss-120b]", "[gpt-4.1-mini, gpt-oss-120b, gpt-oss-20b]"),
        ("{ h100: 30 Mtok per GPU-hour }", "{ h100: 30 Mtok per GPU-hour, h200: 45 Mtok per GPU-hour }"),
    ],
)
def test_a_workload_may_run_on_what_is_not_on_offer(tmp_path: Path, old: str, new: str) -> None:
    assert STARTER.count(old) == 1
    (tmp_path / "case.yaml").write_text(STARTER.replace(old, new), encoding="utf-8")
    assert Case.load(tmp_path).workloads


CREDIT = "      - { id: back, kind: credit, rate: 10% }\n      - id: assistant-on-azure"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("4 Gtok per day", "1e20 Gtok per day", "61:13: `assistant` needs 4.32e+25 Mtok in all, more than a plan can"),
        ("200 k USD", "1e20 USD", "83:17: comes to 1e[+]20 USD, more than a plan can add up .1e[+]15."),
        ("30 Mtok per GPU-hour", "1e-18 Mtok per GPU-hour", "69:29: `documents` would take 7.3e[+]24 GPU-hours of"),
        ("0.44 USD per Mtok", "1e13 USD per Mtok", "33:12: `assistant` would cost 1.73e[+]19 USD on `azure-gpt-4.1"),
        ("      - id: assistant-on-azure", CREDIT.replace("rate: 10%", "amount: 2e15 USD"), "comes to 2e[+]15 USD"),
    ],
)
def test_what_no_plan_can_add_up_is_said_at_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert STARTER.count(old) == 1
    (tmp_path / "case.yaml").write_text(STARTER.replace(old, new), encoding="utf-8")
    with pytest.raises(CaseError, match=said.replace("e+", "e[+]")):
        Case.load(tmp_path)


def test_work_through_provisioned_units_and_of_jobs_is_bounded_as_well() -> None:
    data: dict[str, Any] = yaml.safe_load(VALID)
    data["workloads"][1]["work"] = "1e16 GPU-hours"
    data["offers"][1] = {
        "id": "aws-tokens",
        "kind": "provisioned",
        "provider": "aws",
        "region": "us-east-1",
        "model": "sonnet",
        "throughput": "1e-18 Mtok per minute",
        "price": "260 USD per unit-month",
    }
    with pytest.raises(CaseError) as caught:
        Case.of(data)
    job, units = caught.value.mistakes[1], caught.value.mistakes[0]
    assert job.what.startswith("`job` needs 1e+16 GPU-hour in all, more than a plan can count (9e+12)")
    assert units.what.startswith("`chat` would take 3.")
    assert "unit-hours of `aws-tokens`" in units.what


def test_work_that_is_less_than_a_token_is_refused() -> None:
    data: dict[str, Any] = yaml.safe_load(VALID)
    data["workloads"][0]["demand"] = "0.0001 tok per day"
    data["workloads"][1]["work"] = "0.0000001 GPU-hours"
    with pytest.raises(CaseError) as caught:
        Case.of(data)
    assert [m.what.partition(" in all, ")[2] for m in caught.value.mistakes] == [
        "less than a plan can count (1e-06)"
    ] * 2


def test_what_is_large_and_real_is_read() -> None:
    """Exatokens, and hundreds of billions: at most a hundredth of the limit."""
    data: dict[str, Any] = yaml.safe_load(VALID)
    data["workloads"][0]["demand"] = "50 Ttok per day"
    data["agreements"][0]["terms"][1]["amount"] = "10 tn USD"
    case = Case.of(data)
    chat = next(w for w in case.workloads if w.id == "chat")
    assert not isinstance(chat, Training)
    assert case.demand(chat, case.periods).quanta.all()
