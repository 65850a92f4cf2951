"""A value that a JSON Schema accepts.

Owns: making one, the same for the same randomness. Every property that a schema names is filled in. What cannot be met
(``not``, a pattern that no sample matches) is refused by name, never answered wrongly. Not here: checking values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from detente.sandbox.ask import WrongError

MAX_DEPTH = 24
MAX_VALUES = 2_000
"""Values in one document, so that a schema cannot ask for more than a reply may hold."""
WORDS = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "harbour", "indigo", "juniper", "kelp")
MAX_NUMBER = 2**53 - 1
"""JSON's largest safe whole number, which schemas of real clients state as a bound."""
FORMATS = {
    "date-time": "2026-01-05T09:30:00Z",
    "date": "2026-01-05",
    "time": "09:30:00Z",
    "duration": "P3D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "6f1c2b9e-7d3a-4c58-9b1e-2a4f6c8d0e12",
    "uri": "https://example.com/a",
}
SAMPLES = (*FORMATS.values(), "a", "A", "7", "42", "2026", "A1", "AB", "ABC", "abc", "word", "two words", "a-b", "a_b")
SAMPLES += ("12345", "+46701234567", "AB-1234", "1.5", "Name Name", "SE", "USD", "00:00", "v1.0.0", "#a1b2c3", "")


def value(schema: Any, random: Random) -> Any:
    """A value for a schema.

    Raises
    ------
    WrongError
        Where the schema is malformed, asks for too much, or holds what is not played.
    """
    return _Maker(schema, random).make(schema, 0)


class _Maker:
    """Makes one document; holds its root, for references."""

    def __init__(self, root: Any, random: Random) -> None:
        self._root, self._random, self._made = root, random, 0

    def make(self, schema: Any, depth: int) -> Any:
        self._made += 1
        if schema is True:
            return "anything"
        if not isinstance(schema, Mapping):
            raise WrongError("a schema is neither an object nor `true`", "schema")
        if depth > MAX_DEPTH or self._made > MAX_VALUES:
            raise WrongError("the schema asks for a value too deep or too large for the sandbox", "schema")
        schema = self._whole(schema, 0)
        for key in ("not", "if", "patternProperties", "dependentRequired", "contains", "propertyNames"):
            if key in schema:
                raise WrongError(f"the sandbox does not play `{key}` of a schema", "schema")
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._random.choice(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                rest = {name: part for name, part in schema.items() if name != key}
                return self.make(_merged(rest, self._branch(schema[key], depth)), depth + 1)
        return self._typed(schema, depth)

    def _branch(self, branches: Sequence[Any], depth: int) -> Any:
        """One alternative: any while shallow, then the plainest, so that a schema that holds itself comes to an end."""
        if depth < 4:
            return self._random.choice(branches)
        return min(branches, key=lambda branch: len(repr(self._whole(branch, 0))))

    def _whole(self, schema: Any, hops: int) -> Mapping[str, Any]:
        """A schema with its reference and ``allOf`` taken in."""
        if not isinstance(schema, Mapping):
            return {}
        if hops > MAX_DEPTH:
            raise WrongError("references of the schema lead in a circle", "schema")
        if isinstance(schema.get("$ref"), str):
            rest = {key: part for key, part in schema.items() if key != "$ref"}
            return self._whole(_merged(self._referred(schema["$ref"]), rest), hops + 1)
        if isinstance(schema.get("allOf"), list):
            merged: Mapping[str, Any] = {key: part for key, part in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, self._whole(part, hops + 1))
            return merged
        return schema

    def _referred(self, ref: str) -> Mapping[str, Any]:
        at: Any = self._root
        if not ref.startswith("#"):
            raise WrongError(f"`{ref[:80]}` refers outside of the schema", "schema")
        for step in ref[1:].strip("/").split("/"):
            if step:
                at = at.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
        if not isinstance(at, Mapping):
            raise WrongError(f"`{ref[:80]}` refers to nothing", "schema")
        return at

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list) and kind:
            kind = kind[0] if depth < 6 or "null" not in kind else "null"
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        if kind == "string":
            return self._string(schema)
        if kind in ("boolean", "null"):
            return None if kind == "null" else self._random.random() < 0.5
        raise WrongError(f"`{str(kind)[:40]}` is not a type of JSON Schema", "schema")

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        if not isinstance(properties, Mapping) or not _texts(required):
            raise WrongError("`properties` is no mapping, or `required` no list of names", "schema")
        names = [name for name in properties if depth < 6 or name in required]
        found = {name: self.make(properties[name], depth + 1) for name in names}
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in found:
                found[name] = self.make(extra, depth + 1) if extra else self._impossible(name)
        for at in range(len(found), _whole_number(schema, "minProperties", 0)):
            found[f"key{at}"] = self.make(extra, depth + 1) if extra else self._impossible(f"key{at}")
        return found

    def _impossible(self, name: str) -> Any:
        raise WrongError(f"`{str(name)[:80]}` is required, and the schema allows no such property", "schema")

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        least = _whole_number(schema, "minItems", 0)
        most = _whole_number(schema, "maxItems", least + 2)
        fixed = schema.get("prefixItems") or []
        if not isinstance(fixed, list):
            raise WrongError("`prefixItems` is no list", "schema")
        length = max(least, min(most, 1 if depth >= 4 else self._random.randint(1, 2)))
        length = least if depth >= 6 else length
        if length > MAX_VALUES:
            raise WrongError("the schema asks for a value too deep or too large for the sandbox", "schema")
        found: list[Any] = []
        for at in range(max(length, len(fixed))):
            made = self.make(fixed[at] if at < len(fixed) else schema.get("items", True), depth + 1)
            tries = 0
            while schema.get("uniqueItems") and made in found:
                made, tries = self.make(schema.get("items", True), depth + 1), tries + 1
                if tries == 100:
                    if len(found) >= least:
                        return found
                    raise WrongError("the sandbox finds too few different items for `uniqueItems`", "schema")
            found.append(made)
        return found

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> Any:
        step = schema.get("multipleOf", 1 if whole else None)
        low, high = schema.get("minimum"), schema.get("maximum")
        over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if not all(part is None or _numeric(part) for part in (step, low, high, over, under)):
            raise WrongError("a bound of the schema is not a number", "schema")
        bottom = max((x for x in (low, over) if x is not None), default=None)
        top = min((x for x in (high, under) if x is not None), default=None)
        if bottom is None:
            bottom = 0 if top is None or top > 0 else top - 100
        top = bottom + 100 if top is None else top
        if step is not None and step > 0:
            first = -(-bottom // step) * step
            candidates = [first + k * step for k in range(min(100, int((top - first) // step) + 1))]
            candidates = [int(x) if whole else x for x in candidates]
        else:
            candidates = [bottom + (top - bottom) * k / 8 for k in range(9)]
        fitting = [x for x in candidates if (over is None or x > over) and (under is None or x < under)]
        fitting = [x for x in fitting if (low is None or x >= low) and (high is None or x <= high)]
        if not fitting:
            raise WrongError("no number lies within the schema's bounds", "schema")
        return self._random.choice(fitting)

    def _string(self, schema: Mapping[str, Any]) -> str:
        least = _whole_number(schema, "minLength", 0)
        most = _whole_number(schema, "maxLength", max(64, least))
        if least > 10_000 or most < least:
            raise WrongError("no text has the length that the schema asks for", "schema")
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            return self._matching(pattern, least, most)
        form = schema.get("format")
        if isinstance(form, str) and form in FORMATS:
            return FORMATS[form]
        text = self._random.choice(WORDS)
        while len(text) < least:
            text += " " + self._random.choice(WORDS)
        return text[: max(most, 0)] if len(text) > most else text

    def _matching(self, pattern: str, least: int, most: int) -> str:
        try:
            wanted = re.compile(pattern) if len(pattern) <= 200 else None
        except (re.error, OverflowError, RecursionError):
            wanted = None
        for sample in (*SAMPLES, *WORDS) if wanted is not None else ():
            if wanted is not None and least <= len(sample) <= most and wanted.search(sample):
                return sample
        raise WrongError(f"the sandbox knows no text that matches the schema's pattern `{pattern[:80]}`", "schema")


def _texts(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(part, str) for part in given)


def _numeric(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and abs(given) <= MAX_NUMBER


def _whole_number(schema: Mapping[str, Any], key: str, default: int) -> int:
    given = schema.get(key, default)
    if not _numeric(given) or given < 0 or given != int(given):
        raise WrongError(f"`{key}` of the schema is not a whole number of 0 or more", "schema")
    return int(given)


def _merged(one: Any, other: Any) -> Mapping[str, Any]:
    """Two schemas that both hold; of a keyword that both state, the second's, except that properties add up."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one if isinstance(one, Mapping) else other if isinstance(other, Mapping) else {}
    found = {**one, **other}
    if isinstance(one.get("properties"), Mapping) and isinstance(other.get("properties"), Mapping):
        found["properties"] = {**one["properties"], **other["properties"]}
    if isinstance(one.get("required"), list) and isinstance(other.get("required"), list):
        found["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return found
