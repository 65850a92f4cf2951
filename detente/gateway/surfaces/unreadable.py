"""Why a body cannot be read, with the place of what is wrong. Only asked once it is known that it cannot be.

Owns: the sentence. Not here: reading bodies (each surface does).
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any

MAX_SEARCHED = 4 * 1024 * 1024
"""Bytes of a body that are read once more, to say where it is wrong."""
_LONE = re.compile(r"[\ud800-\udfff]")

_STRANGE = re.compile(r'"(?:[^"\\]|\\.)*+"|(?P<strange>NaN|-?Infinity)', re.DOTALL)
"""A text, which may hold anything, or one of the names that Python reads as numbers and JSON does not have."""


def why(body: bytes) -> tuple[str, str | None]:
    """(a sentence, the member that is wrong if there is one) of a body that is no JSON object that can be read."""
    plain = "the body is not a JSON object"
    if len(body) > MAX_SEARCHED:
        return plain, None
    if body.startswith(BOM_UTF8):
        return f"{plain}: it begins with a byte order mark (bytes 0 to 2); leave that out", None
    try:
        text = body.decode()
        read = json.loads(text, parse_int=str)  # however long: Python's own reading has a bound
    except UnicodeDecodeError as error:
        return f"{plain}: byte {error.start} is no UTF-8", None
    except json.JSONDecodeError as error:
        return f"{plain}: {error.msg[:1].lower()}{error.msg[1:]} at byte {len(error.doc[: error.pos].encode())}", None
    except RecursionError:
        return f"{plain}: it is nested too deeply", None
    for token in _STRANGE.finditer(text):
        if token["strange"]:
            at = len(text[: token.start()].encode())
            return f"{plain}: `{token[0]}` at byte {at} is no JSON; write a number, `null` or a text", None
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
