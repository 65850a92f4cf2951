"""What a declared thing holds: every value of a kind inside of it, with its path of keys; or others in their places.

Not here: what the values mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from detente.errors import KeyPath
from detente.values.dated import Dated


def held_in(value: Any, kind: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of a kind in what was read of an entry, with its path."""
    if isinstance(value, kind):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from held_in(getattr(value, name), kind, (*path, info.alias or name))
    elif isinstance(value, Dated):
        for start, step in value.steps:
            yield from held_in(step, kind, path if start is None else (*path, str(start)))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from held_in(item, kind, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from held_in(item, kind, (*path, index))


def with_held(value: Any, kind: Any, new: Callable[[KeyPath, Any], Any], path: KeyPath = ()) -> Any:
    """The same thing, with another value in the place of each of a kind: ``new`` is told its path and what it is.

    What holds none is given back as it is.
    """
    if isinstance(value, kind):
        return new(path, value)
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        each = {name: (getattr(value, name), (*path, info.alias or name)) for name, info in fields.items()}
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
