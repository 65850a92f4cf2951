"""What the status of a reply means where its body does not say better: one rule for all providers.

Owns: from a status to a kind of failure. Not here: what each provider's own codes and types mean, which come first
(``openai_compatible``, ``messages_stream``, ``bedrock/failures``).
"""

from __future__ import annotations

from detente.providers.wire import FailureKind

_OF_THE_REQUEST = frozenset({400, 413, 422})
"""All other statuses from 400 to 499 speak of what is ours: the path, the name, the credential, the transport."""
_KINDS: dict[int, tuple[FailureKind, int]] = {
    401: ("credential", 502),  # ours: a 401 would tell callers that theirs is wrong
    402: ("exhausted", 502),  # our account: a 402 would tell callers to pay
    403: ("credential", 502),
    408: ("timeout", 504),
    429: ("throttled", 429),
}


def by_status(status: int) -> tuple[FailureKind, int]:
    """(what kind of failure, which status a caller is told if nobody else serves the call)."""
    if status < 400:
        return "broken", 502
    if status in _OF_THE_REQUEST:
        return "refused", status
    return _KINDS.get(status, ("unavailable", 503))
