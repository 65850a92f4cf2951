"""What pydantic finds wrong, in a contract's words: what, where in the entry, and what to write instead.

Owns: the sentence for each of its errors. Not here: reading (``declared``), and the keys and kinds that a place allows
(``models_at``).
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from detente.case import kind_words
from detente.case.agreement import Agreement
from detente.case.models_at import (
    choices_of,
    holds_step,
    keys_at,
    keys_of,
    lists_scopes_at,
    models_at,
    models_of,
    parts_of,
    short_text,
    tags_of,
)
from detente.case.other_names import is_value, key_meant, value_meant
from detente.contract.fixed_switch import why_fixed
from detente.contract.reach.window import Every
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.market.network import PLACE
from detente.terms import kinds
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
    near = _near(str(key), models_at(kind, above, raw), detail["input"])
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
        fields = [f for m in models_at(kind, loc[:at], raw) for f in m.model_fields.values() if f.alias == key]
        if any((field.description or "").endswith("default: no limit") for field in fields):
            return f"leave `{key}` out: then there is no limit"
    return None


def _steps(detail: Any, raw: Any) -> KeyPath:
    """The steps of an error's path that are also in the data: pydantic adds tags of unions, which are not."""
    found: list[str | int] = []
    at = raw
    wrong_kind = ("kind",) if detail["type"] == "union_tag_invalid" else ()
    for step in (*detail["loc"], *wrong_kind):
        if holds_step(at, step):
            at = at[step]
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
        return f"unknown key `{short_text(key)}`", _key_instead(key, detail, raw, kind)
    if code == "missing":
        return f"`{key}` is missing", f"add `{key}: …`"
    if code == "union_tag_not_found":
        instead = "write it for `type`; " if isinstance(given, dict) and "type" in given else ""
        return "`kind` is missing", f"{instead}allowed: {_allowed(kind)}"
    if code == "union_tag_invalid":
        return f"there is no kind `{short_text(context.get('tag'))}`", _kind_meant(detail)[1]
    if code == "literal_error":
        choices = [t.strip().strip("'") for t in str(context.get("expected")).replace(" or ", ", ").split(",")]
        meant = value_meant(str(given), choices)
        keys = keys_at(kind, detail["loc"], raw)
        besides = f", or a mapping with some of the keys {_listed(keys)}" if keys else ""
        like = "" if is_value(str(given)) else str(given)
        remedy = f"write `{meant}`" if meant else did_you_mean(like, choices) + besides
        return f"{_found(given)} is not allowed here", remedy
    if code == "value_error":
        return str(context.get("error")), FORM
    if code == "string_pattern_mismatch":
        several = re.split(r"\s*[,;&+]\s*|\s+and\s+", given)
        if context.get("pattern") == ID and several[1:] and all(re.fullmatch(ID, each) for each in several):
            return f"`{short_text(given)}` is more than one", _one_each(several, key)
        form = _FORMS.get(str(context.get("pattern")), f"text that matches {context.get('pattern')}")
        return f"`{short_text(given)}` does not have the right form", f"write {form}"
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
    models = models_at(kind, place, raw)
    if (near := _near(key, models, detail["input"])) is not None:
        return f"did you mean `{near}`?"
    parts = {name: part for name, part in parts_of(models).items() if key in part.keys}
    if len(parts) == 1 and (entries := next((name for name, part in parts.items() if part.of_entries), None)):
        return f"leave it out; `{key}` is a key of an entry in `{entries}`"
    if len(parts) in (1, 2):
        return "write " + " or ".join(f"`{name}: {part.holding(key, detail['input'])}`" for name, part in parts.items())
    if key in _of_agreement(models):
        return f"write `{key}` in the agreement, beside its `terms`"
    if elsewhere := _kinds_with(key, models):
        shown = " and ".join(f"`{name}`" for name in elsewhere[:3]) + (" and others" if elsewhere[3:] else "")
        return f"leave it out: {shown} {'have' if elsewhere[1:] else 'has'} such a key, and this kind has none"
    of_all = keys_of([Term])
    own, common = [[each for each in keys_of(models) if (each in of_all) is shared] for shared in (False, True)]
    return f"allowed: {_listed([*own, *common], MANY)}" if own else "leave it out"


def _fixed(key: str, detail: Any, raw: Any, kind: Any) -> str | None:
    """Why a kind of clause has no such switch, where it is one that others have."""
    models = models_at(kind, detail["loc"][:-1], raw)
    if len(models) != 1 or not issubclass(models[0], Term) or (why := why_fixed(models[0], key)) is None:
        return None
    (tag,) = tags_of(models[0])
    return f"`{key}` is no choice of kind `{tag}`: {why}"


def _near(key: str, models: Sequence[type[BaseModel]], given: object) -> str | None:
    """The key of a place that one was meant to be: of one with a text, first those that hold no entries."""
    entries = {name for name, part in parts_of(models).items() if part.of_entries} if isinstance(given, str) else set()
    inside = {each for part in parts_of(models).values() for each in part.keys}
    inside |= {*_of_agreement(models)} | {key for _ in _kinds_with(key, models)}
    keys = keys_of(models)
    found = key_meant(key, [each for each in keys if each not in entries], inside) if entries else None
    return found or key_meant(key, keys, inside)


def _of_agreement(models: Sequence[type[BaseModel]]) -> Sequence[str]:
    """Keys that an agreement has, where a clause of it or its windows could be thought to have them."""
    return keys_of([Agreement]) if any(issubclass(model, (Term, Every)) for model in models) else ()


def _kinds_with(key: str, models: Sequence[type[BaseModel]]) -> list[str]:
    """Of a clause that has no such key: the kinds of clauses that have one."""
    if not models or not all(issubclass(model, Term) for model in models):
        return []
    return sorted(tag for kind in kinds() if key in keys_of([kind]) for tag in tags_of(kind))


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
        return f": {_one_each(given, key)}" if given[1:] else f": write `{short_text(given[0])}`, without brackets"
    models = models_at(kind, detail["loc"], raw) if code in _OF_MODELS else []
    keys = keys_of(models)
    if code in ("list_type", "tuple_type"):
        if isinstance(given, str):
            place = code_meant(given) if detail["loc"][-1:] == ("within",) else None
            return f", such as `[{place or short_text(given)}]`"
        if isinstance(given, dict) and given and lists_scopes_at(kind, detail["loc"], raw):
            return f", such as `[ {{ {short_text(next(iter(given)))}: … }} ]`"
        if not isinstance(given, dict) or not keys:
            return ""
        return f", such as `[ {{ {next((each for each in given if each in keys), keys[0])}: … }} ]`"
    first = given[0] if isinstance(given, list) and given else given
    if code == "dict_type" and isinstance(first, str):
        pair = f"…: {short_text(first)}" if first[:1].isdigit() else f"{short_text(first)}: …"
        return f", such as `{{ {pair} }}`"
    for name, choices in choices_of(models):
        if isinstance(given, str) and (meant := given if given in choices else value_meant(given, choices)):
            return f", such as `{{ {name}: {meant} }}`"
    return f" with some of the keys {_listed(keys)}" if keys else ""


def _one_each(given: Sequence[str], key: str) -> str:
    """What to write where several stand in the place of one."""
    if key == "with":
        return "write an agreement with each: " + ", ".join(f"`with: {short_text(each)}`" for each in given[:4])
    return f"write one of them, such as `{short_text(given[0])}`; for several, write an entry for each"


def _listed(keys: Sequence[str], most: int = 100) -> str:
    shown = [f"`{key}`" for key in keys if key != "source"]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")


def _found(given: Any) -> str:
    """What stands there, in the words of a file."""
    if isinstance(given, dict | list):
        return "a mapping" if isinstance(given, dict) else "a list"
    return "nothing" if given is None or given == "" else f"`{short_text(given)}`"


def _allowed(kind: Any) -> str:
    tags = sorted({t for m in models_of(kind) for t in typing.get_args(m.model_fields["kind"].annotation)})
    return ", ".join(f"`{tag}`" for tag in tags)
