"""Errors in Anthropic's shape.

Owns: which of Anthropic's types an error has, by its status, or within a stream by what OpenAI's shape says of it.
Not here: what went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detente.providers.too_long import TOO_LONG

_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_CODE = {
    "throttled": "rate_limit_error",
    "unavailable": "overloaded_error",
    "timeout": "timeout_error",
    "refused": "invalid_request_error",
    "filtered": "invalid_request_error",
}
_TOO_LONG = "prompt is too long"
_TYPES = frozenset({*_STATUS.values(), "invalid_request_error", "api_error"})


def type_of_status(status: int) -> str:
    """Anthropic's type of an error with a status."""
    return _STATUS.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")


def type_of(error: Mapping[str, Any]) -> str:
    """Anthropic's type of an error that has no status any more, since a stream has begun."""
    for name in (error.get("code"), error.get("type")):
        if isinstance(name, str) and (found := _CODE.get(name) or (name if name in _TYPES else None)):
            return found
    return "api_error"


def error_of(error: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Anthropic's error from OpenAI's error object. It has no place for the member that is wrong, so that is said."""
    text, param = str(error.get("message") or kind), error.get("param")
    if error.get("code") == TOO_LONG and _TOO_LONG not in text.lower():
        text = f"{_TOO_LONG}: {text}"  # Anthropic's words, by which its clients know that they have to shorten
    if isinstance(param, str) and param not in text:
        text = f"{param}: {text}"
    body: dict[str, Any] = {"type": kind, "message": text}
    if "detente" in error:
        body["detente"] = error["detente"]
    return {"type": "error", "error": body}
