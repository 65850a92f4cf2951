"""JSON Schema of what a case file may say, for an editor."""

from __future__ import annotations

from typing import Any

from detente.case.declared import Declared
from detente.case.scenario import ADDED
from detente.values.noun import NAME, SchemaOfText


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a case file or of any file of a case's folder."""
    found = Declared.model_json_schema(by_alias=True, schema_generator=SchemaOfText)
    definitions = found.pop("$defs")
    found = _tidied(found, definitions)
    found["required"] = []  # a file of a folder holds only some of the sections
    for name in list(definitions):
        definitions[name] = _tidied(definitions[name], definitions)
    as_in_a_case = {section: {"$ref": f"#/properties/{section}"} for section in ADDED}
    definitions["Scenario"]["properties"]["add"] |= {"properties": as_in_a_case, "additionalProperties": False}
    named = {name: definitions[name] for name in sorted(definitions)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "$defs": named}


def _tidied(part: Any, definitions: dict[str, Any]) -> Any:
    """A part of the schema: quantities under ``$defs`` by name, no titles or defaults that say nothing."""
    if isinstance(part, list):
        return [_tidied(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {key: value for key, value in part.items() if not (key == "title" and isinstance(value, str))}
    if plain.get("default", "") is None:
        del plain["default"]
    name = plain.pop(NAME, None)
    if name is not None:
        form = [key for key in ("type", "enum", "anyOf") if key in plain]
        quantity = {**{key: plain.pop(key) for key in form}, "description": plain["description"]}
        known = definitions.setdefault(name, quantity)
        if plain["description"] == known["description"]:
            del plain["description"]
        return {"$ref": f"#/$defs/{name}", **plain}
    if "discriminator" in plain:
        rest = {key: value for key, value in plain.items() if key not in ("discriminator", "oneOf")}
        return {**rest, **_by_kind(plain["discriminator"]["mapping"])}
    return {key: _tidied(value, definitions) for key, value in plain.items()}


def _by_kind(kinds: dict[str, str]) -> dict[str, Any]:
    """An entry of one of several kinds: once it says which, its mistakes are said of its own keys."""
    return {
        "type": "object",
        "properties": {"kind": {"enum": list(kinds)}},
        "required": ["kind"],
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"$ref": ref}}
            for kind, ref in kinds.items()
        ],
    }
