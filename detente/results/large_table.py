"""A large table of a saved plan as JSON: ten thousand rows, in which most values stand many times.

Owns: its text from columns, each value written out once, in the two forms that are needed: as it is saved, and as it is
hashed. Not here: the rest of a plan, which pydantic writes, and what is hashed (``integrity``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from detente.values.quantity import plain

_PLAIN = re.compile("[ -~]*")

Columns = Mapping[str, Sequence[str]]
"""Values as JSON, by the name of their column, all as long."""


def columns_of(rows: Sequence[Any]) -> Columns:
    """Those of rows of one dataclass: texts, whole numbers, decimals (written as text) and None."""
    names = [field.name for field in fields(rows[0])] if rows else []
    return {name: each_in_json([getattr(row, name) for row in rows]) for name in names}


def each_in_json(values: Iterable[Any]) -> list[str]:
    """Values as JSON: what stands many times (a limit that stays is one value of many rows) is written out once."""
    given = list(values)
    if given and isinstance(given[0], int):
        return list(map(str, given))
    known = {at: _in_json(value) for at, value in {id(value): value for value in given}.items()}
    return [known[id(value)] for value in given]


def as_saved(columns: Columns) -> str:
    """The rows as a JSON list, members in the order of the columns."""
    return _listed(columns, tuple(columns))


def canonical(columns: Columns) -> str:
    """The same as ``integrity.canonical`` has it: members by name, other characters than ASCII's escaped."""
    text = _listed(columns, sorted(columns))
    return text if _PLAIN.fullmatch(text) else re.sub("[^ -~]", lambda found: json.dumps(found[0])[1:-1], text)


def _listed(columns: Columns, names: Sequence[str]) -> str:
    row = "{" + ",".join(f'"{name}":%s' for name in names) + "}"
    return f"[{','.join([row % each for each in zip(*(columns[name] for name in names), strict=True)])}]"


def _in_json(value: Any) -> str:
    return f'"{plain(value)}"' if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
