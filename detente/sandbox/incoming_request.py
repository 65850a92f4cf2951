"""A request as it comes in: its body within bounds, its path, the deployment that it names.

Owns: reading a request off ASGI. Not here: what it asks for (faces).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.sandbox.face import HttpRequest

MAX_BODY = 32_000_000
AT = "/at/"


async def bounded_body(receive: Any, most: int = MAX_BODY) -> bytes | None:
    """The body of a request; None where it is too large, or the client left."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        size += len(message["body"])
        if size > most:
            return None
        if not message["more_body"]:
            return b"".join(parts)


def request_of(scope: Any, body: bytes) -> HttpRequest:
    """The request of an ASGI scope; of a header that occurs twice, both values."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = scope["raw_path"].decode("latin-1")
    return HttpRequest(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body, path)


def addressed(request: HttpRequest) -> tuple[HttpRequest, str | None]:
    """The request without the prefix that names a deployment, and that deployment."""
    if not request.path.startswith(AT):
        return request, None
    wanted, slash, rest = request.path[len(AT) :].partition("/")
    return replace(request, path=slash + rest), wanted


def model_named(body: bytes) -> str | None:
    """The model that a body names, read only where two faces share a path."""
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    name = found.get("model") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
