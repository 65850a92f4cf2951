"""What a case file declares, section by section; and pydantic's errors in a contract's words.

Owns: ``Declared`` (the shape of a case, also its JSON Schema), and reading each entry on its own, so that
one bad entry hides no other. Not here: whether the entries fit together (``consistency``).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, Union

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from detente.case.agreement import Agreement
from detente.case.choice import OpenChoice, Uncertainty
from detente.case.reading import WrittenReading
from detente.case.risk import CaseRisk
from detente.case.scenario import ADDED, EventDay, Scenario
from detente.demand.workload import Workload
from detente.errors import Flaw, FlawError, Path, did_you_mean
from detente.live.deployment import Deployment
from detente.live.fault import Fault
from detente.live.key import Key
from detente.live.serving import Serving
from detente.market.catalog import Catalog
from detente.market.network import PLACE, Network
from detente.market.offer import Offer
from detente.market.provider import Provider
from detente.terms import AnyTerm, any_kind, finding
from detente.values.noun import ID, NAME, Id, Noun, SchemaOfText, Title
from detente.values.period import Horizon
from detente.values.quantity_field import Growth

CURRENCY = r"^[A-Z]{3}$"

IdleChoice = Literal["forbidden", "reserved", "allowed"]
"""Which capacity may be bought though no work uses it: none, what is reserved, or what is rented by the hour too."""


class Declared(Noun):
    """A case: one file, or a folder of files with these keys."""

    name: Id
    title: Title | None = None
    currency: Annotated[str, Field(pattern=CURRENCY, description="of every price and amount")] = "USD"
    horizon: Horizon
    discount_rate: Growth | None = Field(
        default=None, description="what money of a later year is worth less: amounts are also told at present value"
    )
    idle: IdleChoice = Field(default="reserved", description="which capacity may be bought though no work uses it")
    reading: WrittenReading | None = Field(
        default=None, description="the reading of disputed clauses that the case is held under; or one for each clause"
    )
    events: dict[Id, EventDay] = Field(default_factory=dict, description="the day of each event, or `not expected`")
    providers: tuple[Provider, ...] = ()
    networks: tuple[Network, ...] = ()
    offers: tuple[Offer, ...] = ()
    catalogs: tuple[Catalog, ...] = ()
    workloads: tuple[Workload, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    choices: tuple[OpenChoice, ...] = ()
    uncertain: tuple[Uncertainty, ...] = ()
    risks: tuple[CaseRisk, ...] = ()
    serving: Serving = Serving()
    deployments: tuple[Deployment, ...] = ()
    keys: tuple[Key, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def planned(self) -> Declared:
        """What a plan depends on (``Case.hash``): no scenarios and choices, and of live traffic only where it runs."""
        none = dict.fromkeys(("scenarios", "choices", "uncertain", "risks", "deployments", "keys", "faults"), ())
        return self.model_copy(update={**none, "serving": Serving()})


SECTIONS: dict[str, Any] = {
    "providers": Provider,
    "networks": Network,
    "offers": Offer,
    "catalogs": Catalog,
    "workloads": Workload,
    "agreements": Agreement,
    "scenarios": Scenario,
    "choices": OpenChoice,
    "uncertain": Uncertainty,
    "risks": CaseRisk,
    "deployments": Deployment,
    "keys": Key,
    "faults": Fault,
}
_READERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in SECTIONS.items()}
_TERM: TypeAdapter[Any] = TypeAdapter(AnyTerm)
_HEAD: TypeAdapter[Declared] = TypeAdapter(Declared)
_PLACEHOLDERS = {"name": "unread", "horizon": {"start": "2000-01-01", "end": "2001-01-01"}}


AnyNoun = TypeVar("AnyNoun", bound=Noun)
Report = Callable[[Flaw], None]
"""Takes what is wrong in an entry, by its path in the document."""


@dataclass(frozen=True)
class CaseHead:
    """What stands beside the sections; ``unread`` keys are missing or wrong, and hold placeholders."""

    declared: Declared
    unread: frozenset[str] = frozenset()


def read_entry(section: str, raw: Any, path: Path, report: Report) -> Any | None:
    """One entry of a section, or None after its mistakes were reported."""
    return _read(_READERS[section], SECTIONS[section], raw, path, report)


def read_noun(kind: type[AnyNoun], raw: Any, report: Report) -> AnyNoun | None:
    """A declared thing that is a document of its own, beside a case; None after its mistakes were reported."""
    found: AnyNoun | None = _read(TypeAdapter(kind), kind, raw, (), report)
    return found


def read_agreement(raw: Any, path: Path, report: Report) -> tuple[Agreement | None, tuple[int, ...]]:
    """An agreement with the terms that could be read, and where among those written they stand."""
    if not isinstance(raw, dict) or not isinstance(raw.get("terms"), list):
        return read_entry("agreements", raw, path, report), ()
    shell = read_entry("agreements", {**raw, "terms": []}, path, report)
    kinds = any_kind()
    terms = [_read(_TERM, kinds, term, (*path, "terms", at), report) for at, term in enumerate(raw["terms"])]
    if shell is None:
        return None, ()
    places = tuple(at for at, term in enumerate(terms) if term is not None)
    return shell.model_copy(update={"terms": tuple(terms[at] for at in places)}), places


def read_head(raw: dict[str, Any], report: Report) -> CaseHead:
    """What stands beside the sections: name, horizon, currency, events."""
    found = _read(_HEAD, Declared, raw, (), report)
    if found is not None:
        return CaseHead(found)
    bad = {key for key in raw if _mistaken(key, raw[key])}
    good = {key: value for key, value in raw.items() if key not in bad}
    unread = bad | {key for key in _PLACEHOLDERS if key not in good}
    return CaseHead(Declared.model_validate({**_PLACEHOLDERS, **good}), frozenset(unread))


def _mistaken(key: str, value: Any) -> bool:
    try:
        Declared.model_validate({**_PLACEHOLDERS, key: value}, by_alias=True, by_name=False)
    except (ValidationError, RecursionError):
        return True
    return False


def _read(reader: TypeAdapter[Any], kind: Any, raw: Any, path: Path, report: Report) -> Any | None:
    try:
        return reader.validate_python(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {}).get("min_length", 0):
                continue  # not short: pydantic leaves out the entries that could not be read
            at = (*path, *_steps(detail, raw))
            for flaw in _flaws(detail, raw, kind):
                report(replace(flaw, path=(*at, *flaw.path)))
    except RecursionError:
        report(Flaw("is nested too deeply", "write it flatter", path))
    return None


def _flaws(detail: Any, raw: Any, kind: Any) -> Iterator[Flaw]:
    """What one of pydantic's errors says: the flaws that our own reader raised, or its own in our words."""
    inside = detail.get("ctx", {}).get("error")
    at_key = detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)
    if isinstance(inside, FlawError):
        yield from (replace(flaw, key=flaw.key or at_key) for flaw in inside.flaws)
    else:
        what, remedy = _sentence(detail, raw, kind)
        yield Flaw(what, remedy, key=at_key)


def _steps(detail: Any, raw: Any) -> Path:
    """The steps of an error's path that are also in the data: pydantic adds tags of unions, which are not."""
    found: list[str | int] = []
    at = raw
    wrong_kind = ("kind",) if detail["type"] == "union_tag_invalid" else ()
    for step in (*detail["loc"], *wrong_kind):
        if (isinstance(at, dict) and step in at) or (isinstance(at, list) and isinstance(step, int) and step < len(at)):
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


CLAUSE = "minimum-commitment"
"""A kind by which those of clauses are told from those of offers and workloads."""
FORM = "see its form in `detente schema`"
_FORMS = {
    ID: "lower-case letters, digits, `.`, `_` and `-`",
    CURRENCY: "a currency's three capital letters, such as `USD`",
    PLACE: "`provider/region`, `provider` or `*`",
}


def _sentence(detail: Any, raw: Any, kind: Any) -> tuple[str, str]:
    """(what is wrong, what to do) of one of pydantic's errors."""
    code, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    if code == "extra_forbidden":
        if key == "<<":
            return "merge keys (`<<`) are not read", "write the values out"
        return f"unknown key `{_short(key)}`", did_you_mean(key, _keys_at(kind, detail["loc"][:-1], raw))
    if code == "missing":
        return f"`{key}` is missing", f"add `{key}: …`"
    if code == "union_tag_not_found":
        return "`kind` is missing", f"allowed: {_allowed(kind)}"
    if code == "union_tag_invalid":
        tag = context.get("tag")
        tags = [t.strip().strip("'") for t in str(context.get("expected_tags")).split(",")]
        remedy = finding.instead(str(tag), tags) if CLAUSE in tags else did_you_mean(str(tag), tags)
        return f"there is no kind `{_short(tag)}`", remedy
    if code == "literal_error":
        choices = [t.strip().strip("'") for t in str(context.get("expected")).replace(" or ", ", ").split(",")]
        return f"{_found(given)} is not allowed here", did_you_mean(str(given), choices)
    if code == "value_error":
        return str(context.get("error")), FORM
    if code == "string_pattern_mismatch":
        form = _FORMS.get(str(context.get("pattern")), f"text that matches {context.get('pattern')}")
        return f"`{_short(given)}` does not have the right form", f"write {form}"
    if code in _EXPECTED:
        return f"found {_found(given)}", f"expected {_EXPECTED[code]}{_hint(detail, raw, kind)}"
    if code in ("string_too_short", "too_short"):
        what = f"has {len(given)} {'entry' if len(given) == 1 else 'entries'}" if given else "is empty"
        return what, f"write {context.get('min_length')} or more"
    if code in ("string_too_long", "too_long"):
        what = f"has {len(given):,} {'characters' if isinstance(given, str) else 'entries'}"
        return what, f"write {context.get('max_length')} or fewer"
    return f"{_found(given)} cannot be read: {detail['msg']}", FORM


def _hint(detail: Any, raw: Any, kind: Any) -> str:
    """How what stands there would be written as what is expected."""
    given, code = detail["input"], detail["type"]
    if code == "string_type" and given is None:
        return "; put one that begins with `#` or `&` in quotes"
    if code in ("list_type", "tuple_type") and isinstance(given, str):
        return f", such as `[{_short(given)}]`"
    keys = _keys_at(kind, detail["loc"], raw) if code.startswith("model") else []
    return f" with some of the keys {_listed(keys)}" if keys else ""


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys if key != "source")


def _found(given: Any) -> str:
    """What stands there, in the words of a file."""
    if isinstance(given, dict | list):
        return "a mapping" if isinstance(given, dict) else "a list"
    return "nothing" if given is None or given == "" else f"`{_short(given)}`"


def _short(given: Any) -> str:
    text = " ".join(str(given)[:200].split())
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


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a case file or of any file of a case's folder."""
    found = Declared.model_json_schema(by_alias=True, schema_generator=SchemaOfText)
    definitions = found.pop("$defs")
    found = _tidied(found, definitions)
    found["required"] = []  # a file of a folder holds only some of the sections
    for name in list(definitions):
        definitions[name] = _tidied(definitions[name], definitions)
    as_in_a_case = {section: {"$ref": f"#/properties/{section}"} for section in ADDED}
    definitions["Scenario"]["properties"]["add"] |= {"properties": as_in_a_case, "additionalProperties": False}
    named = {name: definitions[name] for name in sorted(definitions)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "$defs": named}


def _tidied(part: Any, definitions: dict[str, Any]) -> Any:
    """A part of the schema: quantities under ``$defs`` by name, no titles or defaults that say nothing."""
    if isinstance(part, list):
        return [_tidied(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {key: value for key, value in part.items() if not (key == "title" and isinstance(value, str))}
    if plain.get("default", "") is None:
        del plain["default"]
    name = plain.pop(NAME, None)
    if name is not None:
        form = [key for key in ("type", "enum", "anyOf") if key in plain]
        quantity = {**{key: plain.pop(key) for key in form}, "description": plain["description"]}
        known = definitions.setdefault(name, quantity)
        if plain["description"] == known["description"]:
            del plain["description"]
        return {"$ref": f"#/$defs/{name}", **plain}
    if "discriminator" in plain:
        rest = {key: value for key, value in plain.items() if key not in ("discriminator", "oneOf")}
        return {**rest, **_by_kind(plain["discriminator"]["mapping"])}
    return {key: _tidied(value, definitions) for key, value in plain.items()}


def _by_kind(kinds: dict[str, str]) -> dict[str, Any]:
    """An entry of one of several kinds: once it says which, its mistakes are said of its own keys."""
    return {
        "type": "object",
        "properties": {"kind": {"enum": list(kinds)}},
        "required": ["kind"],
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"$ref": ref}}
            for kind, ref in kinds.items()
        ],
    }
