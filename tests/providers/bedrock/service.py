"""AWS's own model of Bedrock's runtime, as botocore carries it: what may be sent and what comes back.

botocore checks names and types of what it sends; here lengths, patterns, enumerations and unions are checked as well.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

RANGED = ("integer", "long", "float", "double")


@cache
def service() -> Any:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")


def check_request(operation: str, name: str, body: dict[str, Any]) -> None:
    """Assert that a body of an operation is what the service takes."""
    shape = service().operation_model(operation).input_shape
    params = {"modelId": name, **native(body, shape)}
    problems = ParamValidator().validate(params, shape)
    assert not problems.has_errors(), problems.generate_report()
    assert not list(faults(params, shape)), list(faults(params, shape))


def check_reply(operation: str, body: dict[str, Any]) -> None:
    """Assert that a body is what the service answers."""
    shape = service().operation_model(operation).output_shape
    found = list(faults(native(body, shape), shape))
    assert not found, found


def check_event(kind: str, payload: dict[str, Any]) -> None:
    """Assert that an event is one of ConverseStream's."""
    shape = service().shape_for("ConverseStreamOutput").members[kind]
    payload = {name: value for name, value in payload.items() if name != "p"}  # padding, which the model leaves out
    found = list(faults(native(payload, shape), shape))
    assert not found, found


def native(value: Any, shape: Any) -> Any:
    """A value of JSON as Python's clients hold it: blobs are bytes."""
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {k: native(v, shape.members[k]) if k in shape.members else v for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [native(item, shape.member) for item in value]
    if shape.type_name == "blob":
        return b64decode(value, validate=True)
    return value


def faults(value: Any, shape: Any, at: str = "") -> Any:
    """What of a value contradicts a shape."""
    kind, meta = shape.type_name, shape.metadata
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        yield from _structure(value, shape, at)
    elif kind == "list":
        yield from _bounds(len(value), meta, f"{at}: length")
        for index, item in enumerate(value):
            yield from faults(item, shape.member, f"{at}[{index}]")
    elif kind == "map":
        yield from _bounds(len(value), meta, f"{at}: length")
        for key, item in value.items():
            yield from faults(key, shape.key, f"{at}.{key} (key)")
            yield from faults(item, shape.value, f"{at}.{key}")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{at}: not a string"
            return
        yield from _bounds(len(value), meta, f"{at}: length")
        if "enum" in meta and value not in meta["enum"]:
            yield f"{at}: {value} is not among {meta['enum']}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{at}: {value} is not {pattern}"
    elif kind in RANGED:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{at}: not a number"
            return
        yield from _bounds(value, meta, at)
    elif kind == "boolean" and not isinstance(value, bool):
        yield f"{at}: not a boolean"
    elif kind == "blob":
        yield from _bounds(len(value), meta, f"{at}: length")


def _structure(value: Any, shape: Any, at: str) -> Any:
    if not isinstance(value, dict):
        yield f"{at}: not a structure"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{at}.{name}: missing"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{at}: a union of {sorted(value)}"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{at}.{name}: unknown"
        else:
            yield from faults(item, shape.members[name], f"{at}.{name}")


def _bounds(size: float, meta: dict[str, Any], at: str) -> Any:
    if size < meta.get("min", size) or size > meta.get("max", size):
        yield f"{at}: {size} is not within {meta.get('min')} and {meta.get('max')}"
