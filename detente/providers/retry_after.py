"""When a provider says that it may be asked again.

Owns: reading it, in seconds, in milliseconds or as a date. Not here: who is left alone until then
(``gateway/deciding/health``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil

from detente.providers.wire import Headers

LONGEST = 300.0
"""Seconds that are believed at most: a mistake of a server's is found out within minutes, and to ask costs nothing."""


def retry_after(headers: Headers) -> float | None:
    """Seconds, from ``retry-after-ms`` or ``retry-after``; nonsense is not read. Of dates see ``dated``.

    At most ``LONGEST``.
    """
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            return min(float(text) * scale, LONGEST)
    return None


def dated(headers: Headers, now: datetime) -> Headers:
    """A reply's headers, with a ``retry-after`` that is a date (RFC 9110, 10.2.3) as the seconds until then.

    They are counted from the reply's own ``date``, by whatever clock that is; from ``now`` where it has none.
    """
    text = headers.get("retry-after", "")
    if not text[:1].isalpha() or (at := _moment(text)) is None:
        return headers
    since = _moment(headers.get("date", "")) or now
    return {**headers, "retry-after": str(max(0, ceil((at - since).total_seconds())))}


def _moment(text: str) -> datetime | None:
    """A date as HTTP writes it; None of what is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
