"""What a declared thing holds: every value of a kind inside of it, with its path of keys; or others in their places.

Not here: what the values mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel

from detente.errors import KeyPath
from detente.values.dated import Dated


def held_in(value: Any, kind: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    """Every value of a kind in what was read of an entry, with its path."""
    found: list[tuple[KeyPath, Any]] = []
    _look_in(value, kind, path, found)
    return found


def _look_in(value: Any, kind: Any, path: KeyPath, found: list[tuple[KeyPath, Any]]) -> None:
    if isinstance(value, kind):
        found.append((path, value))
    elif isinstance(value, BaseModel):
        for name, key in _keys(type(value)):
            held = getattr(value, name)
            if held is not None and held.__class__ not in _PLAIN:
                _look_in(held, kind, (*path, key), found)
    elif isinstance(value, Dated):
        for start, step in value.steps:
            _look_in(step, kind, path if start is None else (*path, str(start)), found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _look_in(item, kind, (*path, key), found)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _look_in(item, kind, (*path, index), found)


_PLAIN = frozenset({str, bool, int})
"""What many fields are: it holds nothing, and no kind is looked for that it could be."""


@cache
def _keys(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields of a declared thing, each with the key by which a file says it."""
    return tuple((name, info.alias or name) for name, info in model.model_fields.items())


def with_held(value: Any, kind: Any, new: Callable[[KeyPath, Any], Any], path: KeyPath = ()) -> Any:
    """The same thing, with another value in the place of each of a kind: ``new`` is told its path and what it is.

    What holds none is given back as it is.
    """
    if isinstance(value, kind):
        return new(path, value)
    if isinstance(value, BaseModel):
        each = {name: (getattr(value, name), (*path, key)) for name, key in _keys(type(value))}
        made = {name: with_held(held, kind, new, at) for name, (held, at) in each.items()}
        changed = {name: held for name, held in made.items() if held is not each[name][0]}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, Dated):
        steps = [(on, with_held(held, kind, new, path if on is None else (*path, str(on)))) for on, held in value.steps]
        return value if _same(value.steps, steps) else Dated(tuple(steps))
    if isinstance(value, dict):
        items = [(key, with_held(held, kind, new, (*path, key))) for key, held in value.items()]
        return value if _same(value.items(), items) else dict(items)
    if isinstance(value, list | tuple):
        every = [with_held(held, kind, new, (*path, index)) for index, held in enumerate(value)]
        same = all(one is other for one, other in zip(value, every, strict=True))
        return value if same else type(value)(every)
    return value


def _same(before: Iterable[tuple[Any, Any]], after: Iterable[tuple[Any, Any]]) -> bool:
    return all(one is other for (_, one), (_, other) in zip(before, after, strict=True))
