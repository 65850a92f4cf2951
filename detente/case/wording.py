"""What pydantic finds wrong, in a contract's words: what, where in the entry, and what to write instead.

Owns: the sentence for each of its errors, and the keys and kinds that a place allows. Not here: reading (``declared``).
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Union

from pydantic import BaseModel, ValidationError

from detente.case import kind_words
from detente.case.agreement import Agreement
from detente.case.other_names import is_value, key_meant, value_meant
from detente.contract.fixed_switch import why_fixed
from detente.contract.reach.scope import Scope
from detente.contract.reach.window import Every
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.market.network import PLACE
from detente.terms import KINDS, kinds
from detente.values.country import code_meant
from detente.values.likeness import did_you_mean, nearest
from detente.values.noun import ID

CURRENCY = r"^[A-Z]{3}$"


def flaws(error: ValidationError, raw: Any, kind: Any) -> Iterator[Flaw]:
    """Everything that is wrong with an entry of this kind, by its path in the entry."""
    details = error.errors(include_url=False)
    meant = {each for detail in details if (each := _meant(detail, kind, raw))}
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in meant:
            continue  # it is there, mistyped
        if detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {}).get("min_length", 0):
            continue  # not short: pydantic leaves out the entries that could not be read
        at = _steps(detail, raw)
        for flaw in _flaws(detail, raw, kind):
            yield replace(flaw, path=(*at, *flaw.path))


def _meant(detail: Any, kind: Any, raw: Any) -> tuple[str | int, ...] | None:
    """Where the key stands that an unknown one was meant to be; None of another mistake, or where none is like it."""
    if detail["type"] != "extra_forbidden":
        return None
    *above, key = detail["loc"]
    near = _near(str(key), _models_at(kind, above, raw), detail["input"])
    return None if near is None else (*above, near)


def _flaws(detail: Any, raw: Any, kind: Any) -> Iterator[Flaw]:
    """What one of pydantic's errors says: the flaws that our own reader raised, or its own in our words."""
    inside = detail.get("ctx", {}).get("error")
    at_key = detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)
    if isinstance(inside, FlawError):
        unlimited = _no_limit(detail, raw, kind)
        yield from (replace(flaw, key=flaw.key or at_key, remedy=unlimited or flaw.remedy) for flaw in inside.flaws)
    else:
        what, remedy = _sentence(detail, raw, kind)
        yield Flaw(what, remedy, key=at_key)


_UNLIMITED = frozenset(["unlimited", "none", "infinite", "infinity", "inf", "any", "∞", "no-limit"])


def _no_limit(detail: Any, raw: Any, kind: Any) -> str | None:
    """What to do with a word for no limit, where leaving a key out says so; None of all else."""
    given, loc = detail["input"], detail["loc"]
    if not isinstance(given, str) or "-".join(given.casefold().split()) not in _UNLIMITED:
        return None
    for at, key in enumerate(loc):
        fields = [f for m in _models_at(kind, loc[:at], raw) for f in m.model_fields.values() if f.alias == key]
        if any((field.description or "").endswith("default: no limit") for field in fields):
            return f"leave `{key}` out: then there is no limit"
    return None


def _steps(detail: Any, raw: Any) -> KeyPath:
    """The steps of an error's path that are also in the data: pydantic adds tags of unions, which are not."""
    found: list[str | int] = []
    at = raw
    wrong_kind = ("kind",) if detail["type"] == "union_tag_invalid" else ()
    for step in (*detail["loc"], *wrong_kind):
        if _has(at, step):
            at = at[step]
            found.append(step)
    return tuple(found)


def _has(at: Any, step: str | int) -> bool:
    """Whether there is such a key or entry in the data."""
    if isinstance(at, list):
        return isinstance(step, int) and step < len(at)
    return isinstance(at, dict) and step in at


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
_OF_MODELS = ("model_type", "model_attributes_type", "list_type", "tuple_type")


CLAUSE = "minimum-commitment"
"""A kind by which those of clauses are told from those of offers and workloads."""
MANY = 12
"""Keys that are shown where any of them may be meant."""
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
        if fixed := _fixed(key, detail, raw, kind):
            return fixed, "leave it out"
        return f"unknown key `{_short(key)}`", _key_instead(key, detail, raw, kind)
    if code == "missing":
        return f"`{key}` is missing", f"add `{key}: …`"
    if code == "union_tag_not_found":
        instead = "write it for `type`; " if isinstance(given, dict) and "type" in given else ""
        return "`kind` is missing", f"{instead}allowed: {_allowed(kind)}"
    if code == "union_tag_invalid":
        return f"there is no kind `{_short(context.get('tag'))}`", _kind_meant(detail)[1]
    if code == "literal_error":
        choices = [t.strip().strip("'") for t in str(context.get("expected")).replace(" or ", ", ").split(",")]
        meant = value_meant(str(given), choices)
        keys = _keys_at(kind, detail["loc"], raw)
        besides = f", or a mapping with some of the keys {_listed(keys)}" if keys else ""
        like = "" if is_value(str(given)) else str(given)
        remedy = f"write `{meant}`" if meant else did_you_mean(like, choices) + besides
        return f"{_found(given)} is not allowed here", remedy
    if code == "value_error":
        return str(context.get("error")), FORM
    if code == "string_pattern_mismatch":
        several = re.split(r"\s*[,;&+]\s*|\s+and\s+", given)
        if context.get("pattern") == ID and several[1:] and all(re.fullmatch(ID, each) for each in several):
            return f"`{_short(given)}` is more than one", _one_each(several, key)
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


def _key_instead(key: str, detail: Any, raw: Any, kind: Any) -> str:
    """What to write for a key that its place does not have: another one, or the same in another place."""
    *place, _ = detail["loc"]
    models = _models_at(kind, place, raw)
    if (near := _near(key, models, detail["input"])) is not None:
        return f"did you mean `{near}`?"
    parts = {name: part for name, part in _parts(models).items() if key in part.keys}
    if len(parts) == 1 and (entries := next((name for name, part in parts.items() if part.of_entries), None)):
        return f"leave it out; `{key}` is a key of an entry in `{entries}`"
    if len(parts) in (1, 2):
        return "write " + " or ".join(f"`{name}: {part.holding(key, detail['input'])}`" for name, part in parts.items())
    if key in _of_agreement(models):
        return f"write `{key}` in the agreement, beside its `terms`"
    if elsewhere := _kinds_with(key, models):
        shown = " and ".join(f"`{name}`" for name in elsewhere[:3]) + (" and others" if elsewhere[3:] else "")
        return f"leave it out: {shown} {'have' if elsewhere[1:] else 'has'} such a key, and this kind has none"
    of_all = _keys([Term])
    own, common = [[each for each in _keys(models) if (each in of_all) is shared] for shared in (False, True)]
    return f"allowed: {_listed([*own, *common], MANY)}" if own else "leave it out"


def _fixed(key: str, detail: Any, raw: Any, kind: Any) -> str | None:
    """Why a kind of clause has no such switch, where it is one that others have."""
    models = _models_at(kind, detail["loc"][:-1], raw)
    if len(models) != 1 or not issubclass(models[0], Term) or (why := why_fixed(models[0], key)) is None:
        return None
    (tag,) = _tags(models[0])
    return f"`{key}` is no choice of kind `{tag}`: {why}"


def _near(key: str, models: Sequence[type[BaseModel]], given: object) -> str | None:
    """The key of a place that one was meant to be: of one with a text, first those that hold no entries."""
    entries = {name for name, part in _parts(models).items() if part.of_entries} if isinstance(given, str) else set()
    inside = {each for part in _parts(models).values() for each in part.keys}
    inside |= {*_of_agreement(models)} | {key for _ in _kinds_with(key, models)}
    keys = _keys(models)
    found = key_meant(key, [each for each in keys if each not in entries], inside) if entries else None
    return found or key_meant(key, keys, inside)


def _of_agreement(models: Sequence[type[BaseModel]]) -> Sequence[str]:
    """Keys that an agreement has, where a clause of it or its windows could be thought to have them."""
    return _keys([Agreement]) if any(issubclass(model, (Term, Every)) for model in models) else ()


def _kinds_with(key: str, models: Sequence[type[BaseModel]]) -> list[str]:
    """Of a clause that has no such key: the kinds of clauses that have one."""
    if not models or not all(issubclass(model, Term) for model in models):
        return []
    return sorted(tag for kind in kinds() if key in _keys([kind]) for tag in _tags(kind))


def as_meant(error: ValidationError, raw: Any) -> Any | None:
    """An entry of a kind that there is not, as the kind that was meant; None where its kind is not what is wrong."""
    detail = error.errors(include_url=False)[0]
    if detail["type"] != "union_tag_invalid" or detail["loc"]:
        return None
    meant, _ = _kind_meant(detail)
    return None if meant is None else {**raw, "kind": meant}


def _kind_meant(detail: Any) -> tuple[str | None, str]:
    """Of an unknown kind: the one that was meant, None where it is not known, and the remedy."""
    word, context = str(detail["ctx"]["tag"]), detail["ctx"]
    kinds = [kind.strip().strip("'") for kind in str(context["expected_tags"]).split(",")]
    if CLAUSE in kinds:
        return kind_words.instead(word, kinds)
    if meant := value_meant(word, kinds):
        return meant, f"write `{meant}`"
    return nearest(word, kinds), did_you_mean(word, kinds)


def _hint(detail: Any, raw: Any, kind: Any) -> str:
    """How what stands there would be written as what is expected."""
    given, code, key = detail["input"], detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    if code == "string_type" and given is None:
        return "; put one that begins with `#` or `&` in quotes"
    if code == "string_type" and detail["loc"][-1:] == ("<<",):
        return "; `<<` merges nothing here: write its keys out"
    if code == "string_type" and isinstance(given, list) and all(isinstance(each, str) for each in given) and given:
        return f": {_one_each(given, key)}" if given[1:] else f": write `{_short(given[0])}`, without brackets"
    models = _models_at(kind, detail["loc"], raw) if code in _OF_MODELS else []
    keys = _keys(models)
    if code in ("list_type", "tuple_type"):
        if isinstance(given, str):
            place = code_meant(given) if detail["loc"][-1:] == ("within",) else None
            return f", such as `[{place or _short(given)}]`"
        if isinstance(given, dict) and given and _of_scopes(kind, detail["loc"], raw):
            return f", such as `[ {{ {_short(next(iter(given)))}: … }} ]`"
        if not isinstance(given, dict) or not keys:
            return ""
        return f", such as `[ {{ {next((each for each in given if each in keys), keys[0])}: … }} ]`"
    first = given[0] if isinstance(given, list) and given else given
    if code == "dict_type" and isinstance(first, str):
        pair = f"…: {_short(first)}" if first[:1].isdigit() else f"{_short(first)}: …"
        return f", such as `{{ {pair} }}`"
    for name, choices in _choices(models):
        if isinstance(given, str) and (meant := given if given in choices else value_meant(given, choices)):
            return f", such as `{{ {name}: {meant} }}`"
    return f" with some of the keys {_listed(keys)}" if keys else ""


def _one_each(given: Sequence[str], key: str) -> str:
    """What to write where several stand in the place of one."""
    if key == "with":
        return "write an agreement with each: " + ", ".join(f"`with: {_short(each)}`" for each in given[:4])
    return f"write one of them, such as `{_short(given[0])}`; for several, write an entry for each"


def _choices(models: Iterable[type[BaseModel]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys that have one of some values, and these."""
    for model in models:
        for name, field in model.model_fields.items():
            if typing.get_origin(field.annotation) is Literal:
                yield field.alias or name, typing.get_args(field.annotation)


def _listed(keys: Sequence[str], most: int = 100) -> str:
    shown = [f"`{key}`" for key in keys if key != "source"]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")


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
    if kind is Term:
        return list(kinds())
    return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _keys_at(kind: Any, loc: Sequence[str | int], raw: Any) -> Sequence[str]:
    """The keys allowed at a place: what its model declares."""
    return _keys(_models_at(kind, loc, raw))


def _keys(models: Iterable[type[BaseModel]]) -> Sequence[str]:
    return _keys_of(tuple(models))


@lru_cache(maxsize=1000)
def _keys_of(models: Sequence[type[BaseModel]]) -> Sequence[str]:
    return tuple(dict.fromkeys(f.alias or name for m in models for name, f in m.model_fields.items()))


class _Part(NamedTuple):
    """What may stand under a key: one mapping or a list of them, their keys, and which of these have which values."""

    keys: frozenset[str]
    is_list: bool
    choices: Mapping[str, tuple[str, ...]]

    @property
    def of_entries(self) -> bool:
        """Whether it is a list of entries with ids, which one key makes none of."""
        return self.is_list and "id" in self.keys

    def holding(self, key: str, given: Any) -> str:
        """A mapping with one of its keys: with what was given for it, or what that stands for among its values."""
        value = "…" if isinstance(given, dict | list) else _short(given)
        if (allowed := self.choices.get(key)) and value not in allowed:
            value = value_meant(value, allowed) or "…"
        written = f"{{ {key}: {value} }}"
        return f"[ {written} ]" if self.is_list else written


def _parts(models: Iterable[type[BaseModel]]) -> dict[str, _Part]:
    """By key, what may stand there, where that has keys of its own."""
    return _parts_of(tuple(models), tuple(KINDS))


@lru_cache(maxsize=100)
def _parts_of(models: Sequence[type[BaseModel]], _kinds: Sequence[str]) -> dict[str, _Part]:
    """The same for all mistakes of a file, while there are no other kinds of clauses."""
    found = {}
    for model in models:
        for name, field in model.model_fields.items():
            if inside := _models(field.annotation):
                is_list = typing.get_origin(field.annotation) is tuple
                found[field.alias or name] = _Part(frozenset(_keys(inside)), is_list, dict(_choices(inside)))
    return found


def _of_scopes(kind: Any, loc: Sequence[str | int], raw: Any) -> bool:
    """Whether a list of scopes may stand at a place: mappings whose keys are those of facts."""
    fields = (model.model_fields.items() for model in _models_at(kind, loc[:-1], raw))
    return any((f.alias or name) == loc[-1] and _lists_scopes(f.annotation) for each in fields for name, f in each)


def _lists_scopes(annotation: Any) -> bool:
    return annotation == tuple[Scope, ...] or any(map(_lists_scopes, typing.get_args(annotation)))


def _models_at(kind: Any, loc: Sequence[str | int], raw: Any) -> list[type[BaseModel]]:
    """The models that may stand at a place, as what stands there says its kind."""
    models, at = _models(kind), raw
    for step in [None, *loc]:
        if step is not None:
            if not _has(at, step):
                continue  # a tag of a union
            fields = [f for m in models for f in m.model_fields.values() if f.alias == step]
            if fields:
                models = [m for f in fields for m in _models(f.annotation)]
            at = at[step]
        tag = at.get("kind") if isinstance(at, dict) else None
        chosen = [m for m in models if "kind" in m.model_fields and tag in _tags(m)]
        models = chosen or models
    return models


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    return typing.get_args(model.model_fields["kind"].annotation)
