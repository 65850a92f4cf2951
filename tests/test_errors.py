"""Mistakes: each caught, at its place, with what was found and the remedy; all of a folder at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.errors import CaseError, Mistake, Where, printable
from detente.values.likeness import did_you_mean

GOLDEN = Path(__file__).parent / "cases" / "mistakes"
VALID = (GOLDEN / "case.yaml").read_text(encoding="utf-8")


def said(path: Path) -> str:
    """Everything that a case's error says, with its files relative to the case."""
    with pytest.raises(CaseError) as caught:
        Case.load(path)
    return str(caught.value).replace(f"{path if path.is_dir() else path.parent}/", "")


def golden() -> list[tuple[str, str, str, str]]:
    """(name, what is replaced, by what, what is said) of each mistake in ``mistakes.txt``."""
    found = []
    for block in (GOLDEN / "mistakes.txt").read_text(encoding="utf-8").split("\n## ")[1:]:
        name, *lines = block.rstrip("\n").split("\n")
        old = [line[1:] for line in lines if line.startswith("-")]
        new = [line[1:] for line in lines if line.startswith("+")]
        text = [line for line in lines if not line.startswith(("-", "+"))]
        found.append((name, "\n".join(old), "\n".join(new), "\n".join(text)))
    return found


MISTAKES = golden()


def test_the_case_that_the_mistakes_are_made_in_is_valid() -> None:
    assert Case.load(GOLDEN / "case.yaml").declared.name == "small"


def test_no_two_mistakes_share_a_name() -> None:
    assert len({name for name, *_ in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize(("old", "new", "text"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_said_in_full(tmp_path: Path, old: str, new: str, text: str) -> None:
    assert VALID.count(old) == 1
    (tmp_path / "case.yaml").write_text(VALID.replace(old, new), encoding="utf-8")
    assert said(tmp_path / "case.yaml") == text


@pytest.mark.parametrize("text", [m[3] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_every_mistake_has_a_line_a_column_and_a_remedy(text: str) -> None:
    lines = text.splitlines()[:-1]
    for what, remedy in zip(lines[::2], lines[1::2], strict=True):
        assert re.match(r"case\.yaml:[1-9]\d*:[1-9]\d*: .", what)
        assert re.match(r"    \S", remedy)


FOLDER = {
    "case.yaml": """\
name: folder
horizon: { start: 2026-01-01, end: 2025-07-01, every: month }
events: { agi: someday }
colour: red
""",
    "providers/clouds.yaml": """\
providers:
  - { id: azure, name: Azure, regions: { eastus: { country: US } } }
  - { id: aws, name: AWS, regions: { us-east-1: { country: usa } } }
""",
    "offers/gpus.yaml": """\
offers:
  - { id: a, kind: gpu, provider: azure, region: eastus, accelerator: H100, price: -1 USD per GPU-hour }
  - { id: b, kind: gpu, provider: azure, region: westus, accelerator: H100, price: 1 USD per GPU-hour }
""",
    "workloads/chat.yaml": """\
workloads:
  - id: chat
    kind: inference
    demand: 5 GPUS
    runs-on: { accelerators: { H100: 1 } }
  - id: batch
    kind: batch
    labels: { api: none }
    demand: 5 GPU
    within: 1 fortnight
    runs-on: { accelerators: { H100: 1 } }
""",
    "agreements/azure.yaml": """\
agreements:
  - id: az
    with: azure
    effective: 2026-01-01
    terms:
      - { id: cap, kind: spending-cap, amount: 10 }
      - { id: floor, kind: minimum-commitment, amount: 10 M EUR }
      - { id: only, kind: exclusivity, provider: gcp }
""",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_all_mistakes_of_a_folder_are_said_at_once(tmp_path: Path) -> None:
    assert (
        said(write(tmp_path, FOLDER))
        == """\
agreements/azure.yaml:6:48: `10` is not an amount of money
    write the currency after it, in three capital letters, such as `250 bn USD`
agreements/azure.yaml:7:56: the amount is in EUR, and the case is in USD
    state what one EUR costs (`exchange: [ { rate: 1.08 USD per EUR } ]`), or convert it
agreements/azure.yaml:8:50: there is no provider `gcp`
    allowed: `aws`, `azure`
case.yaml:2:36: the horizon ends on 2025-07-01, not after its start on 2026-01-01
    move one of them
case.yaml:3:16: `someday` is not a date
    write for example `2026-01-31`, or `not expected`
case.yaml:4:1: unknown key `colour`
    allowed: `name`, `title`, `currency`, `exchange`, `horizon`, `discount-rate`, `idle`, `reading`, `events`, \
`serving`, `providers`, `networks` and 12 more
offers/gpus.yaml:2:84: the price is negative: `-1 USD per GPU-hour`
    write 0 or more
offers/gpus.yaml:3:50: `azure` has no region `westus`
    did you mean `eastus`? If not, declare it under the provider
providers/clouds.yaml:3:60: `usa` is not a country
    did you mean `US`?
workloads/chat.yaml:4:13: `GPUS` is not a known unit
    did you mean `GPUs`?
workloads/chat.yaml:10:13: `1 fortnight` is not a length of time
    write for example `24 hours`, `3 months`, `1 year`
11 mistakes"""
    )


def test_a_file_that_is_no_yaml_brings_no_mistakes_about_what_it_may_hold(tmp_path: Path) -> None:
    """What stands in it cannot be seen, so what others name is not said to be missing."""
    files = {**FOLDER, "providers/clouds.yaml": "providers: [", "workloads/chat.yaml": "workloads: {}"}
    text = said(write(tmp_path, files))
    assert "is not YAML" in text
    assert "workloads/chat.yaml:1:12: `workloads` is a list of entries" in text
    assert "there is no" not in text
    assert "no workload can use" not in text


def test_files_that_would_not_be_read_are_mistakes(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "case.yaml": VALID,
            "extra.yaml": "a: 1",
            "offer/gpus.yaml": "a: 1",
            "offers/eu/gpus.yaml": "a: 1",
            "offers/gpus.json": "{}",
            "offers/.gitkeep": "",
            "offers/README.md": "",
            "workloads": "",
            "traces/chat.csv": "a,b",
            ".github/x.yaml": "",
        },
    )
    assert (
        said(tmp_path)
        == """\
extra.yaml: is not read
    move it into one of `providers/`, `networks/`, `offers/`, `catalogs/`, `workloads/`, `agreements/`, `scenarios/`, \
`choices/`, `uncertain/`, `risks/`, `deployments/`, `keys/`, `budgets/`, `faults/`
offer: is not read, and holds YAML files
    did you mean `offers`?
offers/eu: is a folder inside one of the case's folders, and is not read
    move its files into `offers/`
offers/gpus.json: is not read: a case's files end in `.yaml`
    rename it or move it
workloads: is not a folder
    make it one, of files that end in `.yaml`
5 mistakes"""
    )


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere") == "nowhere: does not exist\n    start one with `detente init`\n1 mistake"
    with pytest.raises(CaseError, match=r"holds no `case\.yaml`"):
        Case.load(tmp_path)
    (tmp_path / "case.yaml").mkdir()
    with pytest.raises(CaseError, match=r"holds no `case\.yaml`"):
        Case.load(tmp_path)
    (tmp_path / "offers").mkdir()
    with pytest.raises(CaseError, match="cannot be read: File name too long"):
        Case.load("x" * 5000)


def test_mistakes_of_files_that_a_case_names_say_both_places(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        "InstanceType,AcceleratorName,AcceleratorCount,Region,Price,SpotPrice\np5,H100,8,us-east-1,much,\n"
    )
    (tmp_path / "chat.csv").write_text("timestamp,input,output\n2026-01-01,12,some\n")
    text = VALID.replace("rate: 120 Mtok per day", "trace: { file: chat.csv }").replace(
        "networks:\n",
        "catalogs:\n  - { format: skypilot, provider: aws, file: prices.csv, accelerators: [ H100 ] }\nnetworks:\n",
    )
    (tmp_path / "case.yaml").write_text(text)
    found = said(tmp_path)
    assert "case.yaml:26:5: prices.csv:2:5: " in found
    assert "case.yaml:33:13: chat.csv:2:" in found
    assert found.endswith("2 mistakes")


def test_what_a_file_holds_cannot_move_the_cursor() -> None:
    mistake = Mistake(Where("a\x1b[2J.yaml", 1, 2), "found `\x07\udc80`", "no\nremedy")
    assert str(mistake) == "a\\x1b[2J.yaml:1:2: found `\\x07\\udc80`\n    no\\nremedy"
    assert printable("Détente – 3 × 4 €") == "Détente – 3 × 4 €"


def test_mistakes_are_in_file_order_and_each_is_said_once() -> None:
    places = [Where("b", 1, 1), Where("a", 10, 1), Where("a", 9, 5), Where("a", 9, 1), Where("a")]
    error = CaseError([Mistake(place, "x", "y") for place in [*places, *places]])
    assert [str(m.where) for m in error.mistakes] == ["a", "a:9:1", "a:9:5", "a:10:1", "b:1:1"]
    assert str(error).endswith("\n5 mistakes")


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("excluded", ["exclusive", "share"], "did you mean `exclusive`?"),
        ("GPUS", ["GPU", "GPUs"], "did you mean `GPUs`?"),
        ("AZ", ["az"], "did you mean `az`?"),
        ("h100", ["A100", "H100", "h200"], "did you mean `H100`?"),
        ("x", ["b", "a"], "allowed: `a`, `b`"),
        ("x", [str(n) for n in range(20)], "and 8 more"),
        ("x", [], ""),
    ],
)
def test_did_you_mean(word: str, known: list[str], said: str) -> None:
    assert did_you_mean(word, known).endswith(said)
