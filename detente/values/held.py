"""What a declared thing holds: every value of a kind inside of it, with the path of keys that leads there.

Not here: what the values mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from detente.errors import Path
from detente.values.dated import Dated


def held_in(value: Any, kind: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
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
