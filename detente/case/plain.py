"""Plain values as a YAML file would hold them: a case that a program builds is read as one that a person wrote.

Not here: nodes with places (``written``), and reading YAML (``document``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PAIR = re.compile(r"\\u(d[89ab]..)\\u(d[c-f]..)|\\.")


def as_text(data: Mapping[str, Any]) -> bytes:
    """JSON that YAML reads as the same values."""
    return _PAIR.sub(_one, json.dumps(as_written(data), indent=1)).encode()


def as_written(value: Any) -> Any:
    """Plain values as JSON can hold them: dates (as keys too) and exact numbers as text."""
    if isinstance(value, Mapping):
        return {str(key): as_written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _one(found: re.Match[str]) -> str:
    """A character that JSON writes as a pair of surrogates, as YAML does: by one number."""
    return f"\\U{ord(bytes.fromhex(found[1] + found[2]).decode('utf-16-be')):08x}" if found[1] else found[0]
