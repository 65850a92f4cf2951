"""Errors in OpenAI's words, where the gateway itself answers.

Owns: the error object. Not here: its shape on other surfaces (``surface``), and refusals of deployments (``refusal``).
"""

from __future__ import annotations

from typing import Any

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


def error(status: int, message: str, *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = _TYPES.get(status, "invalid_request_error")
    return {"message": message, "type": kind, "param": param, "code": code}
