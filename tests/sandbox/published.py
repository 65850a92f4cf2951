"""The published specs of OpenAI and of Azure, as JSON Schema.

Owns: reading them, and holding a value against one of their schemas. Not here: what is held against them.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.sandbox.playing import PROTOCOL

OPENAI = "openai_openapi_2026-08-21.yaml.gz"
AZURE_LEGACY, AZURE_V1 = "azure_AIFoundryOpenAI.json.gz", "azure_AIFoundryOpenAIV1.json.gz"


@cache
def spec(name: str) -> Any:
    data = gzip.decompress((PROTOCOL / name).read_bytes())
    if name.endswith(".json.gz"):
        return _closed(json.loads(data))
    return _closed(yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _closed(document: Any) -> Any:
    """The document with OpenAPI 3.0's ``nullable`` in JSON Schema's words."""
    if isinstance(document, list):
        return [_closed(part) for part in document]
    if not isinstance(document, dict):
        return document
    found = {key: _closed(part) for key, part in document.items()}
    if found.pop("nullable", None) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


def mistakes(document: str, schema: dict[str, Any], value: Any) -> list[str]:
    """What of a value a schema does not allow."""
    components = spec(document)["components"]
    errors = sorted(Draft202012Validator({**schema, "components": components}).iter_errors(value), key=str)
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors]


def validate(document: str, schema: dict[str, Any], value: Any) -> None:
    assert not (found := mistakes(document, schema, value)), "\n".join(found[:5])


def request(document: str, path: str, method: str = "post") -> dict[str, Any]:
    schema: dict[str, Any] = spec(document)["paths"][path][method]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    return schema


def response(document: str, path: str, method: str = "post", status: str = "200") -> dict[str, Any]:
    held = spec(document)["paths"][path][method]["responses"][status]["content"]
    schema: dict[str, Any] = held["application/json"]["schema"]
    return schema
