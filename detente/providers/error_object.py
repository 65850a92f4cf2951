"""What an error object of OpenAI's means, wherever it stands: in a reply of any status, in a stream, in a response.

Owns: OpenAI's, Azure's, vLLM's and Google's codes and types, and finding the object in a body. Not here: what a status
means by itself (``status``), Anthropic's errors (``messages_stream``) and Bedrock's (``bedrock/failures``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from detente.providers.error_detail import detail_of, said_plainly
from detente.providers.status import by_status
from detente.providers.too_long import TOO_LONG, says_too_long, too_long
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import FOREIGN, Failure, FailureKind, failure, foreign

_OUR_KEY = re.compile(r"(?:incorrect|invalid)[ %20]+api[ %20]+key|api key (?:not valid|expired|is invalid)", re.I)
"""How xAI and Google begin to say, with status 400, that they do not accept a key: it is ours, not the caller's."""
MAX_TEXT = 2000
"""Letters of a provider's words that are told."""
_Meaning = tuple[FailureKind, int]


def _meant(kind: FailureKind, told: int, *names: str) -> dict[str, _Meaning]:
    return dict.fromkeys(names, (kind, told))


_ALWAYS: dict[str, _Meaning] = {
    **_meant("filtered", 400, "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"),
    **_meant("filtered", 400, "bio_policy", "misalignment_policy_violation", "image_content_policy_violation"),
    **_meant("exhausted", 502, "insufficient_quota", "insufficient_balance", "billing_error"),
    **_meant("exhausted", 502, "billing_hard_limit_reached", "billing_not_active"),
    **_meant("unavailable", 503, "DeploymentNotFound", "model_not_found", "ModelNotFound"),
    **_meant("unavailable", 503, "OperationNotSupported"),
    **_meant("credential", 502, "invalid_api_key", "API_KEY_INVALID", "account_deactivated"),
    **_meant("credential", 502, "unsupported_country_region_territory"),
    **_meant("refused", 404, "previous_response_not_found", "response_not_found"),
}
"""Codes and types that say more than the status beside them: (what kind of failure, which status a caller is told)."""
_BY_ITSELF: dict[str, _Meaning] = {
    **_meant("throttled", 429, "rate_limit_exceeded", "rate_limit_error", "too_many_requests", "tokens", "requests"),
    **_meant("timeout", 504, "timeout", "timeout_error", "vector_store_timeout"),
    **_meant("credential", 502, "authentication_error", "permission_error"),
    **_meant("refused", 400, TOO_LONG, "invalid_prompt", "invalid_request_error", "data_residency_mismatch"),
    **_meant("refused", 400, "invalid_image", "invalid_image_format", "invalid_image_mode", "invalid_image_url"),
    **_meant("refused", 400, "invalid_base64_image", "image_too_large", "image_too_small", "image_parse_error"),
    **_meant("refused", 400, "image_file_too_large", "image_file_not_found", "empty_image_file"),
    **_meant("refused", 400, "failed_to_download_image", "unsupported_image_media_type", "BadRequestError"),
}
"""Those that say it where no status stands beside them. What is named nowhere may go better elsewhere."""


def error_of(body: bytes) -> dict[str, Any]:
    """The error object in a body, whichever way it is wrapped (Google's in a list); empty where there is none.

    What is said elsewhere than in `message` becomes its message: FastAPI's `detail`, Mistral's within `message`, and a
    body that is plain text.
    """
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return said_plainly(body)
    if isinstance(found, list) and len(found) == 1:
        (found,) = found
    if not isinstance(found, dict):
        return {}
    error = _object(found.get("error", found))
    return error if isinstance(error.get("message"), str) else _detailed(error) or _detailed(found)


def failure_of(stated: Any, status: int | None = None, after: float | None = None) -> Failure:
    """What an error means.

    Parameters
    ----------
    stated
        The error object, or whatever stands in its place.
    status
        Of the reply; None within one of status 200, whose error says by itself what it is.
    after
        Seconds, as the reply's ``retry-after`` says.
    """
    error = _object(stated)
    names = [str(error[name]) for name in ("code", "type") if error.get(name)]
    if FOREIGN in names:
        return foreign()
    message = str(error.get("message") or "")
    kind, told = _meaning(names, status, message)
    if kind == "refused" and _OUR_KEY.match(message):
        kind, told = _ALWAYS["invalid_api_key"]
    if kind == "refused" and says_too_long(*names, message):
        return too_long(message[:MAX_TEXT], _text(error.get("param")))
    if kind in ("refused", "filtered") and error:
        return Failure(kind, told, plain(error))
    what = "the provider ended its reply with an error" if status is None else f"the provider answered {status}"
    found = failure(kind, told, what + (f" ({names[0][:100]})" if names else ""), retry_after=after)
    return replace(found, passing=True) if status is None and kind == "unavailable" and _is_5xx(names) else found


def _meaning(names: list[str], status: int | None, message: str) -> _Meaning:
    found = next((_ALWAYS[name] for name in names if name in _ALWAYS), None)
    if found is not None:
        return (found[0], status) if found[0] == "refused" and status is not None else found
    said = status if status is not None else next(filter(None, map(_status, names)), None)
    if said is not None:
        return by_status(said)
    found = next((_BY_ITSELF[name] for name in names if name in _BY_ITSELF), None)
    return found or (("refused", 400) if says_too_long(message) else ("unavailable", 503))


def _is_5xx(names: list[str]) -> bool:
    """Whether an error within a reply of status 200, of a deployment that is unavailable, may pass: not one of ours."""
    return not any(name in _ALWAYS or (_status(name) or 500) < 500 for name in names)


def _status(name: str) -> int | None:
    """A code that is the status of an error, as vLLM and Google have it."""
    return int(name) if name.isascii() and name.isdigit() and len(name) == len("400") and name[0] in "45" else None


def plain(error: Mapping[str, Any]) -> dict[str, Any]:
    """The error's members that OpenAI documents, as text (vLLM's code is a number), and Azure's inner error."""
    kept: dict[str, Any] = {name: _text(error.get(name)) for name in ("message", "type", "param", "code")}
    kept["message"] = (kept["message"] or "the request is refused")[:MAX_TEXT]
    kept["type"] = kept["type"] or "invalid_request_error"
    for name in ("innererror", "inner_error"):
        if isinstance(error.get(name), dict):
            kept["innererror"] = error[name]
    return kept


def _object(stated: Any) -> dict[str, Any]:
    if isinstance(stated, dict):
        return stated
    return {"message": stated} if isinstance(stated, str) and stated else {}


def _detailed(stated: dict[str, Any]) -> dict[str, Any]:
    """An error with what its details say; empty where they say nothing."""
    message, place = detail_of(stated)
    return {**stated, "message": message, "param": stated.get("param") or place} if message else {}


def _text(stated: Any) -> str | None:
    return None if stated is None else str(stated)
