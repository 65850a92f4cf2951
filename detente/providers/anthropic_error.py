"""What Anthropic says of a request that it does not serve, and what that means.

Owns: its types of errors, by status, in a reply of status 200 and as an event. Not here: errors in OpenAI's shape
(``error_object``), and what callers are told (``gateway/surfaces/messages_error``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from detente.providers.error_object import error_of
from detente.providers.foreign_thought import foreign_thought, says_foreign
from detente.providers.status import by_status
from detente.providers.too_long import says_too_long, too_long
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Failure, FailureKind, as_text, failure


class AnthropicError(msgspec.Struct):
    """What Anthropic says of a request that it does not serve."""

    type: Any = ""
    message: Any = ""

    def __post_init__(self) -> None:
        self.type, self.message = as_text(self.type), as_text(self.message)


class _Refused(msgspec.Struct):
    error: AnthropicError | str


_MEANING: dict[str, tuple[FailureKind, int]] = {
    "invalid_request_error": ("refused", 400),
    "request_too_large": ("refused", 413),
    "not_found_error": ("unavailable", 503),  # the path and the model are ours: the caller's request is not wrong
    "authentication_error": ("credential", 502),
    "permission_error": ("credential", 502),
    "billing_error": ("exhausted", 502),
    "rate_limit_error": ("throttled", 429),
    "overloaded_error": ("unavailable", 503),
    "api_error": ("unavailable", 503),
    "timeout_error": ("timeout", 504),
}
MAX_TEXT = 2000
_POOR = "credit balance is too low"
"""As Anthropic says, with status 400, that an account has no money left."""


def failure_of(said: AnthropicError | str | None, status: int | None = None, after: float | None = None) -> Failure:
    """What an error means, by Anthropic's type of it, else by a status."""
    error = said if isinstance(said, AnthropicError) else AnthropicError(message=said or "")
    kind, told = _MEANING.get(error.type) or (by_status(status) if status is not None else ("unavailable", 503))
    if kind == "refused" and _POOR in error.message:
        kind, told = "exhausted", 502  # our account: the caller's request is not wrong
    if kind == "refused" and says_too_long(error.message):
        return too_long(error.message[:MAX_TEXT])
    if kind == "refused" and says_foreign(error.message):
        return foreign_thought(error.message[:MAX_TEXT])
    if kind == "refused":
        return failure(kind, told, error.message[:MAX_TEXT] or "the request is refused", code=error.type or None)
    what = f"the provider answered {status or 'with an error'}" + (f" ({error.type[:100]})" if error.type else "")
    passing = status is None and kind == "unavailable" and error.type != "not_found_error"
    return replace(failure(kind, told, what, retry_after=after), passing=passing)


def error_inside(body: bytes) -> Failure | None:
    """What a reply of status 200 means that is an error; None of one that is none."""
    try:
        return failure_of(msgspec.json.decode(body, type=_Refused).error)
    except UNREADABLE:
        return None


def read_failure(status: int, body: bytes, after: float | None) -> Failure:
    """What a reply of another status than 200 means."""
    error: AnthropicError | str | None
    try:
        error = msgspec.json.decode(body, type=_Refused).error
    except UNREADABLE:
        error = error_of(body).get("message")
    return failure_of(error, status, after)
