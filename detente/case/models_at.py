"""Which models may stand at a place of an entry, and which keys and values these have.

Owns: what the annotations of a case's models allow, as what stands there says its kind. Not here: what is said of what
they do not allow (``wording``).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Union

from pydantic import BaseModel

from detente.case.other_names import value_meant
from detente.contract.reach.scope import Scope
from detente.contract.term import Term
from detente.terms import KINDS, kinds


def models_of(kind: Any) -> list[type[BaseModel]]:
    """The models that an annotation may hold."""
    origin = typing.get_origin(kind)
    if origin in (Annotated, Union, types.UnionType, tuple, dict) or typing.get_args(kind):
        return [m for part in typing.get_args(kind) for m in models_of(part)]
    if kind is Term:
        return list(kinds())
    return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def keys_at(kind: Any, loc: Sequence[str | int], raw: Any) -> Sequence[str]:
    """The keys allowed at a place: what its model declares."""
    return keys_of(models_at(kind, loc, raw))


def keys_of(models: Iterable[type[BaseModel]]) -> Sequence[str]:
    """The keys of any of some models, each once."""
    return _keys_of(tuple(models))


@lru_cache(maxsize=1000)
def _keys_of(models: Sequence[type[BaseModel]]) -> Sequence[str]:
    return tuple(dict.fromkeys(f.alias or name for m in models for name, f in m.model_fields.items()))


class KeyPart(NamedTuple):
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
        value = "…" if isinstance(given, dict | list) else short_text(given)
        if (allowed := self.choices.get(key)) and value not in allowed:
            value = value_meant(value, allowed) or "…"
        written = f"{{ {key}: {value} }}"
        return f"[ {written} ]" if self.is_list else written


def parts_of(models: Iterable[type[BaseModel]]) -> dict[str, KeyPart]:
    """By key, what may stand there, where that has keys of its own."""
    return _parts_of(tuple(models), tuple(KINDS))


@lru_cache(maxsize=100)
def _parts_of(models: Sequence[type[BaseModel]], _kinds: Sequence[str]) -> dict[str, KeyPart]:
    """The same for all mistakes of a file, while there are no other kinds of clauses."""
    found = {}
    for model in models:
        for name, field in model.model_fields.items():
            if inside := models_of(field.annotation):
                is_list = typing.get_origin(field.annotation) is tuple
                found[field.alias or name] = KeyPart(frozenset(keys_of(inside)), is_list, dict(choices_of(inside)))
    return found


def lists_scopes_at(kind: Any, loc: Sequence[str | int], raw: Any) -> bool:
    """Whether a list of scopes may stand at a place: mappings whose keys are those of facts."""
    fields = (model.model_fields.items() for model in models_at(kind, loc[:-1], raw))
    return any((f.alias or name) == loc[-1] and _lists_scopes(f.annotation) for each in fields for name, f in each)


def _lists_scopes(annotation: Any) -> bool:
    return annotation == tuple[Scope, ...] or any(map(_lists_scopes, typing.get_args(annotation)))


def models_at(kind: Any, loc: Sequence[str | int], raw: Any) -> list[type[BaseModel]]:
    """The models that may stand at a place, as what stands there says its kind."""
    models, at = models_of(kind), raw
    for step in [None, *loc]:
        if step is not None:
            if not holds_step(at, step):
                continue  # a tag of a union
            fields = [f for m in models for f in m.model_fields.values() if f.alias == step]
            if fields:
                models = [m for f in fields for m in models_of(f.annotation)]
            at = at[step]
        tag = at.get("kind") if isinstance(at, dict) else None
        chosen = [m for m in models if "kind" in m.model_fields and tag in tags_of(m)]
        models = chosen or models
    return models


def tags_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The words of its `kind`."""
    return typing.get_args(model.model_fields["kind"].annotation)


def choices_of(models: Iterable[type[BaseModel]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys that have one of some values, and these."""
    for model in models:
        for name, field in model.model_fields.items():
            if typing.get_origin(field.annotation) is Literal:
                yield field.alias or name, typing.get_args(field.annotation)


def holds_step(at: Any, step: str | int) -> bool:
    """Whether there is such a key or entry in the data."""
    if isinstance(at, list):
        return isinstance(step, int) and step < len(at)
    return isinstance(at, dict) and step in at


def short_text(given: Any) -> str:
    """What stands there, on one line and not for ever."""
    text = " ".join(str(given)[:200].split())
    return text if len(text) <= 60 else f"{text[:57]}..."
