"""Why a body cannot be read, with the place of what is wrong. Only asked once it is known that it cannot be.

Owns: the sentence. Not here: reading bodies (each surface does).
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_SEARCHED = 4 * 1024 * 1024
"""Bytes of a body that are read once more, to say where it is wrong."""
_LONE = re.compile(r"[\ud800-\udfff]")


def why(body: bytes) -> tuple[str, str | None]:
    """(a sentence, the member that is wrong if there is one) of a body that is no JSON object that can be read."""
    plain = "the body is not a JSON object"
    if len(body) > MAX_SEARCHED:
        return plain, None
    try:
        read = json.loads(body)
    except UnicodeDecodeError as error:
        return f"{plain}: byte {error.start} is no UTF-8", None
    except json.JSONDecodeError as error:
        return f"{plain}: {error.msg[:1].lower()}{error.msg[1:]} at byte {len(error.doc[: error.pos].encode())}", None
    except RecursionError:
        return f"{plain}: it is nested too deeply", None
    except ValueError:
        return plain, None
    found = _surrogate(read, "") if isinstance(read, dict) else None
    if found is None:
        return plain, None
    where, sign, at = found
    said = f"`{where}` holds half of a character, the lone surrogate `\\u{ord(sign):04x}`, at character {at}"
    return f"{said}: send both halves, or leave it out", where


def _surrogate(value: Any, where: str) -> tuple[str, str, int] | None:
    """The place of the first lone surrogate, itself, and which character of its text it is."""
    if isinstance(value, str):
        found = _LONE.search(value)
        return (where, found[0], found.start()) if found else None
    inside: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        inside = [(f"{where}.{name}" if where else name, held) for name, held in value.items()]
    elif isinstance(value, list):
        inside = [(f"{where}[{at}]", held) for at, held in enumerate(value)]
    for place, held in inside:
        if (found_in := _surrogate(held, place)) is not None:
            return found_in
    return None
