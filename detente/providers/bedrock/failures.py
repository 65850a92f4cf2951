"""What Bedrock's errors mean: as a reply of another status, or inside a stream.

Owns: AWS's names of errors, and what each means for the call. Not here: HTTP, and frames (``frames``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from detente.providers.foreign_thought import foreign_thought, says_foreign
from detente.providers.retry_after import retry_after
from detente.providers.status import by_status
from detente.providers.too_long import says_too_long, too_long
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Failure, FailureKind, Headers, failure

_MEANING: dict[FailureKind, tuple[int, tuple[str, ...]]] = {
    "throttled": (429, ("throttling", "servicequotaexceeded", "toomanyrequests")),
    "timeout": (504, ("modeltimeout",)),
    "unavailable": (
        503,
        (
            "conflict",
            "internalfailure",
            "internalserver",
            "internalservererror",
            "modelerror",
            "modelnotready",
            "modelstreamerror",
            "resourcenotfound",  # the deployment's model is not there; the request does not name it
            "serviceunavailable",
            "unknownoperation",
        ),
    ),
    "credential": (
        502,
        (
            "accessdenied",
            "expiredtoken",
            "ftuformnotfilled",
            "incompletesignature",
            "invalidclienttokenid",
            "invalidsignature",
            "missingauthenticationtoken",
            "mpagreementbeingcreated",
            "notauthorized",
            "optinrequired",
            "requestexpired",
            "signaturedoesnotmatch",
            "unrecognizedclient",
        ),
    ),
    "refused": (400, ("serialization", "validation")),
}
_BY_NAME = {name: (kind, told) for kind, (told, names) in _MEANING.items() for name in names}

_PASSING = frozenset({"internalfailure", "internalserver", "internalservererror", "serviceunavailable"})
"""Those that come with a 5xx where they come with a status."""

_OF_THE_DEPLOYMENT = (
    "model identifier is invalid",
    "with on-demand throughput isn",
    "model is not supported in this region",
)
"""What ``ValidationException`` says where it is the deployment that is wrong: another one may well serve the call."""

MAX_TEXT, MAX_DETAIL = 2000, 500


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """What a reply of another status than 200 means."""
    said = _object(body)
    name = headers.get("x-amzn-errortype") or said.get("__type") or said.get("code") or ""
    return named(str(name), _text(said), status, retry_after(headers))


def named(name: str, text: str, status: int | None = None, after: float | None = None) -> Failure:
    """What an error means, by AWS's name for it (``ThrottlingException``), else by a status.

    A caller is told Bedrock's own words only of the request and of limits; the operator all but those of a rejected
    signature, which repeat what was signed, session token included (§14).
    """
    plain = name.rpartition("#")[2].partition(":")[0].strip()[:100]
    short = plain.lower().removesuffix("exception")
    kind, told = _BY_NAME.get(short, (None, 0))
    if kind is None:
        kind, told = ("broken", 502) if status is None else by_status(status)
    if kind == "refused" and any(words in text.lower() for words in _OF_THE_DEPLOYMENT):
        kind, told = "unavailable", 503
    if kind == "refused" and says_too_long(text):
        return too_long(f"Bedrock: {text[:MAX_TEXT]}")
    if kind == "refused" and says_foreign(text):
        return foreign_thought(f"Bedrock: {text[:MAX_TEXT]}")
    if kind in ("refused", "throttled") and text:
        return failure(kind, told, f"Bedrock: {text[:MAX_TEXT]}", code=plain or None, retry_after=after)
    what = plain or ("an error without a name" if status is None else str(status))
    doing = "did not accept the gateway's credential" if kind == "credential" else "did not serve the call"
    found = failure(kind, told, f"Bedrock {doing} ({what})", code=plain or None, retry_after=after)
    if status is None:
        found = replace(found, passing=short in _PASSING)
    signed = kind == "credential" and (not plain or "signature" in plain.lower())
    return found if signed else replace(found, detail=text[:MAX_DETAIL])


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def _text(said: dict[str, Any]) -> str:
    found = said.get("message") or said.get("Message")
    return found if isinstance(found, str) else ""


def text_of(payload: bytes) -> str:
    """The message of an exception inside a stream."""
    return _text(_object(payload))
