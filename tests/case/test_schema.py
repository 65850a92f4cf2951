"""The JSON Schema: accepts what the reader accepts, rejects common mistakes, and tells an editor what to offer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from detente.case.case_files import FOLDERS
from detente.case.declared import SECTIONS
from detente.case.document import Document
from detente.case.schema import schema
from detente.terms import KINDS
from detente.values.money import CapacityPrice, Cash, TokenPrice, WorkPrice
from detente.values.period import Day
from detente.values.quantity_field import Accelerators, Capacity, Demand, Duration, Growth, Length, Throughput, Work

HERE = Path(__file__).parents[1]
VALID = (HERE / "cases" / "mistakes" / "case.yaml").read_text(encoding="utf-8")
CASES = [
    HERE / "cases" / "mistakes" / "case.yaml",
    *sorted(
        path
        for path in (HERE.parent / "examples").rglob("*.yaml")
        if path.parent.name in FOLDERS or path.name == "case.yaml"
    ),
    *sorted((HERE.parent / "detente").rglob("*.yaml")),
]


@cache
def whole() -> dict[str, Any]:
    """The schema, made once."""
    return schema()


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(whole())


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, which editors read: numbers are numbers, dates and `no` are text."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)


def typed(text: str) -> Any:
    return yaml.load(text, Loader=Core)


def wrong(text: str) -> bool:
    return not validator().is_valid(typed(text))


def parts(at: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in the schema."""
    if isinstance(at, dict):
        yield at
        for value in at.values():
            yield from parts(value)
    elif isinstance(at, list):
        for value in at:
            yield from parts(value)


def models() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "case", whole()
    for name, model in whole()["$defs"].items():
        if "properties" in model:
            yield name, model


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(whole())
    assert whole()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {*SECTIONS, "name", "horizon", "events", "reading"} <= set(whole()["properties"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(HERE.parent)))
def test_it_accepts_the_cases(path: Path) -> None:
    assert [error.message[:200] for error in validator().iter_errors(typed(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("capacity: 100 GPU", "capasity: 100 GPU"),
        ("capacity: 100 GPU", "capacity: 100"),
        ("capacity: 100 GPU", "capacity: [ 100 GPU ]"),
        ("capacity: 100 GPU", "capacity: { value: 100 GPU, sauce: x }"),
        ("capacity: 100 GPU", "capacity: { source: x }"),
        ("kind: gpu", "kind: gpus"),
        ("    kind: gpu\n", ""),
        ("kind: exclusivity", "kind: exclusive"),
        ("    accelerator: H100\n", ""),
        ("offers:\n", "ofers:\n"),
        ("every: month }\nevents", "every: months }\nevents"),
        ("agi: not expected", "agi: never"),
        ("agi: not expected", "agi:"),
        ("3 USD per Mtok", "3 USD"),
        ("3 USD per Mtok", "$3 per Mtok"),
        ("20 k USD", "20,000 USD"),
        ("20 k USD", "20000"),
        ("carry-over: 20%", "carry-over: 0.2"),
        ("carry-over: 20%", "carryover: 20%"),
        ("carry-over: 20%", "carry_over: 20%"),
        ("country: US", "country: usa"),
        ("id: chat", "id: Chat Bot"),
        ("deadline: 2026-06-01", "deadline: 06/01/2026"),
        ("2026-04-01: 2.10", "April: 2.10"),
        ("api: [ stateless ]", "api: []"),
        ("rate: 120 Mtok per day", "rat: 120 Mtok per day"),
        ("mix: { output: 20% }", "mix: 20%"),
        ("models: [ sonnet ]", "models: { sonnet: 1 }"),
    ],
)
def test_it_rejects_common_mistakes(old: str, new: str) -> None:
    assert old in VALID
    assert not wrong(VALID)
    assert wrong(VALID.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("capacity: 100 GPU", "capacity: { value: 100 GPU, source: a page }"),
        ("capacity: 100 GPU", "capacity: { 2026-01-01: 100 GPU, 2026-02: { value: 1e3 GPU, source: x } }"),
        ("capacity: 100 GPU", "capacity: { value: { 2026-01-01: 100 GPU }, source: x }"),
        ("demand: { rate: 120 Mtok per day, growth: 3% per month }", "demand: 120 Mtok/day"),
        ("demand: { rate: 120 Mtok per day, growth: 3% per month }", "demand: { value: 120 Mtok per day, source: x }"),
        ("demand: { rate: 120 Mtok per day, growth: 3% per month }", "demand: { 2026-01-01: 120 Mtok per day }"),
        ("agi: not expected", "agi: 2030-01-01"),
        ("agi: not expected", "agi: { value: not expected, source: x }"),
        ("deadline: 2026-06-01", "deadline: { value: 2026-06, source: x }"),
        ("H100: 1 }", "H100: 0.55 }"),
        ("H100: 1 }", "H100: { value: 0.55, source: a benchmark } }"),
        ("accelerator: H100", "accelerator: H100\n    unit: { value: 8, source: a page }"),
        ("accelerator: H100", "accelerator: H100\n    unit: 8"),
        ("mix: { output: 20% }", "mix: { output: 20.5 %, source: x }\n    interruptible: true"),
        ("2.30 USD per GPU-hour", "23e-1 USD/GPU-hour"),
        ("20 k USD", "+20kUSD"),
        ("carry-over: 20%", "shortfall: forbidden"),
        ("carry-over: 20%", "shortfall: { fee: 50% }"),
    ],
)
def test_whatever_it_accepts_the_reader_reads_as_well(old: str, new: str) -> None:
    from detente.case.case import Case

    assert old in VALID
    text = VALID.replace(old, new, 1)
    assert [error.message[:200] for error in validator().iter_errors(typed(text))] == []
    Case.of(Document.parse(text.encode(), "x").data())


def test_every_key_says_what_it_is_or_has_a_name_that_does() -> None:
    columns = {"timestamp", "requests", "rate", "buy"}
    plain = columns | {
        "id",
        "name",
        "title",
        "kind",
        "every",
        "file",
        "source",
        "from",
        "to",
        "price",
        "input",
        "output",
    }
    for name, model in models():
        assert model.get("description"), name
        for key, value in model["properties"].items():
            if key not in plain and key not in SECTIONS:
                described = value.get("description") or any(p.get("description") or "$ref" in p for p in parts(value))
                assert described or "enum" in value or "const" in value, f"{name}.{key}"


def test_every_definition_is_used() -> None:
    refs = {part["$ref"] for part in parts(whole()) if "$ref" in part}
    used = {ref.removeprefix("#/$defs/") for ref in refs if not ref.startswith("#/properties/")}
    assert used == set(whole()["$defs"])


def test_no_model_takes_a_key_that_it_does_not_know() -> None:
    for name, model in models():
        assert model["additionalProperties"] is (name == "Change"), name  # which names fields of what it changes


def test_an_editor_is_told_the_kinds() -> None:
    """An entry names one of the kinds, and then the keys are those of the chosen one."""
    for section, count in (("offers", 3), ("workloads", 3)):
        _names_its_kinds(whole()["properties"][section]["items"], count)
    _names_its_kinds(whole()["$defs"]["Agreement"]["properties"]["terms"]["items"], len(KINDS))


def _names_its_kinds(items: dict[str, Any], count: int) -> None:
    assert len(items["properties"]["kind"]["enum"]) == len(items["allOf"]) == count
    for one in items["allOf"]:
        kind = whole()["$defs"][one["then"]["$ref"].removeprefix("#/$defs/")]
        assert kind["properties"]["kind"]["const"] == one["if"]["properties"]["kind"]["const"]
        assert "kind" in kind["required"]


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("4 Gtok per day", "4 Gtik per day", "workloads/0/demand", "Gtik"),
        ("55.04 USD", "-55.04 USD", "offers/2/price", "-55.04 USD"),
        ("end: 2027-01-01", "end: 2026-13-01", "horizon/end", "2026-13-01"),
        ("accelerator: h100", "acelerator: h100", "offers/2", "'acelerator' was unexpected"),
        ("carry-over: 10%", "carryover: 10%", "agreements/0/terms/0", "'carryover' was unexpected"),
        ("kind: batch", "kind: batches", "workloads/1/kind", "'batches' is not one of"),
        ("within: [EU]", "within: [EW]", "agreements/1/terms/0/within/0", "'EW'"),
        ("country: SE", "country: UK", "providers/0/regions/swedencentral/country", "'UK' is not one of"),
        ("within: 24 hours", "within: 24 ours", "workloads/1/within", "24 ours"),
        ("30 Mtok per GPU-hour", "30 Mtok per GPU", "workloads/1/runs-on/accelerators/h100", "30 Mtok per GPU"),
    ],
)
def test_a_slip_is_reported_where_it_is(old: str, new: str, path: str, said: str) -> None:
    starter = (HERE.parent / "detente" / "starter" / "case.yaml").read_text(encoding="utf-8")
    assert starter.count(old) == 1
    found = list(validator().iter_errors(typed(starter.replace(old, new))))
    assert {"/".join(map(str, error.absolute_path)) for error in found} == {path}
    assert any(said in error.message for error in found)


def test_defaults_are_written_as_a_file_would_write_them() -> None:
    for _, model in models():
        for value in model["properties"].values():
            if "default" in value:
                known = {"$defs": whole()["$defs"], **value}
                assert Draft202012Validator(known).is_valid(value["default"]), value


def test_numbers_written_as_text_match_their_own_examples() -> None:
    for part in parts(whole()):
        for example in part.get("examples", ()) if isinstance(part.get("examples"), list) else ():
            assert re.search(part["pattern"], example), part


WORDS = ("", "k", "kk", "M", "bn", "trillion", "GPU", "GPUs", "GPU-hour", "Gtok", "Gtik", "units", "USD", "usd", "GB")
LINKS = (
    "",
    " per day",
    "/day",
    " / hours",
    " per dya",
    " per ",
    "per day",
    " per Mtok",
    "/GPU-hour",
    " per unit-month",
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("accelerators", Accelerators), ("work", Work), ("capacity", Capacity), ("demand", Demand)),
        *(("throughput", Throughput), ("money", Cash), ("capacity-price", CapacityPrice), ("token-price", TokenPrice)),
        *(("work-price", WorkPrice), ("length", Length), ("duration", Duration), ("growth", Growth)),
    ],
)
def test_a_pattern_is_the_grammar_of_the_reader(name: str, kind: Any) -> None:
    reader = TypeAdapter(kind)
    (pattern,) = [one["pattern"] for one in whole()["$defs"][name]["anyOf"] if "pattern" in one]
    spans = ("day", "days", "hours", "minute", "ms", "% per month", "% per hour", "% per year")
    for number, space, first, second, link in product(("2", "-2", "1_0.5e3", "2."), ("", " "), WORDS, WORDS, LINKS):
        text = f"{number}{space}{first}{' ' * bool(first and second)}{second}{link}"
        assert bool(re.search(pattern, text)) == _reads(reader, text), text
    for number, space, span in product(("", "2", "-2", "1.5"), ("", " "), spans):
        text = f"{number}{space}{span}".strip()
        assert bool(re.search(pattern, text)) == _reads(reader, text), text


def _reads(reader: TypeAdapter[Any], text: str) -> bool:
    try:
        reader.validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "text", ["2026-01", "2026-1", "2026-13-01", "2026-12-32", "1969-12-31", "2199-12-31", "2026-00"]
)
def test_the_pattern_of_a_date_knows_the_calendar(text: str) -> None:
    (date,) = [one["pattern"] for one in whole()["$defs"]["date"]["anyOf"] if "pattern" in one]
    assert bool(re.search(date, text)) == _reads(TypeAdapter(Day), text)
