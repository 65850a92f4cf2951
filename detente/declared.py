"""What a case file declares, section by section; and pydantic's errors in a contract's words.

Owns: ``Declared`` (the shape of a case, also its JSON Schema), and reading each entry on its own, so that one bad
entry hides no other. Not here: whether the entries fit together (``consistency``).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from detente.agreement import Agreement
from detente.catalog import Catalog
from detente.errors import did_you_mean
from detente.network import Network
from detente.noun import Id, Label, Noun, SchemaOfText
from detente.offer import Offer
from detente.period import Horizon
from detente.provider import Provider
from detente.scenario import EventDay, Scenario
from detente.terms import AnyTerm
from detente.workload import Workload


class Declared(Noun):
    """A case: one file, or a folder of files with these keys."""

    name: Id
    title: Label | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    horizon: Horizon
    reading: Id | None = Field(default=None, description="the reading of disputed clauses that the case is held under")
    events: dict[Id, EventDay] = Field(
        default_factory=dict, description="the day of each event, or `not expected`"
    )
    providers: tuple[Provider, ...] = ()
    networks: tuple[Network, ...] = ()
    offers: tuple[Offer, ...] = ()
    catalogs: tuple[Catalog, ...] = ()
    workloads: tuple[Workload, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    scenarios: tuple[Scenario, ...] = ()


SECTIONS: dict[str, Any] = {
    "providers": Provider,
    "networks": Network,
    "offers": Offer,
    "catalogs": Catalog,
    "workloads": Workload,
    "agreements": Agreement,
    "scenarios": Scenario,
}
_READERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in SECTIONS.items()}
_TERM: TypeAdapter[Any] = TypeAdapter(AnyTerm)
Path = tuple[str | int, ...]
Report = Callable[[Path, str, str], None]


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a case file or of any file of a case's folder."""
    found = Declared.model_json_schema(by_alias=True, schema_generator=SchemaOfText)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["required"] = []  # a file of a folder holds only some of the sections
    return found


def read_entry(section: str, raw: Any, path: Path, report: Report) -> Any | None:
    """One entry of a section, or None after its mistakes were reported."""
    if section == "agreements" and isinstance(raw, dict) and isinstance(raw.get("terms"), list):
        return _read_agreement(raw, path, report)
    return _read(_READERS[section], SECTIONS[section], raw, path, report)


def read_head(raw: dict[str, Any], report: Report) -> Declared | None:
    """What stands beside the sections: name, horizon, currency, events."""
    return _read(TypeAdapter(Declared), Declared, raw, (), report)


def _read_agreement(raw: dict[str, Any], path: Path, report: Report) -> Agreement | None:
    """An agreement whose terms are read one by one; a bad one leaves the others."""
    shell = _read(_READERS["agreements"], Agreement, {**raw, "terms": []}, path, report)
    terms = [
        _read(_TERM, AnyTerm, term, (*path, "terms", index), report) for index, term in enumerate(raw["terms"])
    ]
    if shell is None or None in terms:
        return None
    whole: Agreement = shell.model_copy(update={"terms": tuple(terms)})
    return whole


def _read(reader: TypeAdapter[Any], kind: Any, raw: Any, path: Path, report: Report) -> Any | None:
    try:
        return reader.validate_python(raw)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            loc = _steps(detail["loc"], raw)
            what, remedy = _sentence(detail, raw, kind)
            report((*path, *loc), what, remedy)
    except RecursionError:
        report(path, "is nested too deeply", "")
    return None


def _steps(loc: Sequence[str | int], raw: Any) -> Path:
    """The steps of pydantic's path that are also in the data: it adds tags of unions, which are not."""
    found: list[str | int] = []
    at = raw
    for step in loc:
        if isinstance(at, dict) and step in at:
            at = at[step]
        elif isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
        else:
            continue
        found.append(step)
    return tuple(found)


_EXPECTED = {
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
    "model_attributes_type": "a mapping (`key: value`)",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "bool_parsing": "`true` or `false`",
    "bool_type": "`true` or `false`",
}


def _sentence(detail: Any, raw: Any, kind: Any) -> tuple[str, str]:
    """(what is wrong, what to do) of one of pydantic's errors."""
    code, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    if code == "extra_forbidden":
        return f"unknown key `{key}`", did_you_mean(key, _keys_at(kind, detail["loc"][:-1], raw))
    if code == "missing":
        return f"`{key}` is missing", ""
    if code == "union_tag_not_found":
        return "`kind` is missing", f"allowed: {_allowed(kind)}"
    if code == "union_tag_invalid":
        tag = str(context.get("tag"))
        tags = [t.strip().strip("'") for t in str(context.get("expected_tags")).split(",")]
        return f"there is no kind `{tag}`", did_you_mean(tag, tags)
    if code == "literal_error":
        choices = [t.strip().strip("'") for t in str(context.get("expected")).replace(" or ", ", ").split(",")]
        return f"`{_short(given)}` is not allowed here", did_you_mean(str(given), choices)
    if code == "value_error":
        what, _, remedy = str(detail["msg"]).removeprefix("Value error, ").partition("; ")
        return what, remedy
    if code == "string_pattern_mismatch":
        return f"`{_short(given)}` does not have the right form", f"it must match {context.get('pattern')}"
    if code in _EXPECTED:
        return f"found {_short(given) or 'nothing'}", f"expected {_EXPECTED[code]}"
    if code in ("string_too_short", "too_short"):
        return "is empty or too short", f"expected at least {context.get('min_length')}"
    if code in ("string_too_long", "too_long"):
        return "is too long", f"expected at most {context.get('max_length')}"
    return str(detail["msg"]), ""


def _short(given: Any) -> str:
    if given is None:
        return "nothing"
    text = "a mapping" if isinstance(given, dict) else "a list" if isinstance(given, list) else str(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _allowed(kind: Any) -> str:
    tags = sorted({t for m in _models(kind) for t in typing.get_args(m.model_fields["kind"].annotation)})
    return ", ".join(f"`{tag}`" for tag in tags)


def _models(kind: Any) -> list[type[BaseModel]]:
    """The models that an annotation may hold."""
    origin = typing.get_origin(kind)
    if origin in (Annotated, Union, types.UnionType, tuple, dict) or typing.get_args(kind):
        return [m for part in typing.get_args(kind) for m in _models(part)]
    return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _keys_at(kind: Any, loc: Sequence[str | int], raw: Any) -> list[str]:
    """The keys allowed at a place: what its model declares."""
    models, at = _models(kind), raw
    for step in [None, *loc]:
        if step is not None:
            fields = [f for m in models for f in m.model_fields.values() if f.alias == step]
            if fields:
                models = [m for f in fields for m in _models(f.annotation)]
            at = at[step] if isinstance(at, dict) and step in at else at
            at = at[step] if isinstance(at, list) and isinstance(step, int) and step < len(at) else at
        tag = at.get("kind") if isinstance(at, dict) else None
        chosen = [m for m in models if "kind" in m.model_fields and tag in _tags(m)]
        models = chosen or models
    return [f.alias or name for m in models for name, f in m.model_fields.items()]


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    return typing.get_args(model.model_fields["kind"].annotation)
