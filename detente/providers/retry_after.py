"""When a provider says that it may be asked again.

Owns: reading it, in seconds, in milliseconds or as a date. Not here: who is left alone until then
(``gateway/deciding/health``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil

from detente.providers.wire import Headers


def retry_after(headers: Headers) -> float | None:
    """Seconds, from ``retry-after-ms`` or ``retry-after``; nonsense is not read. Of dates see ``dated``.

    At most an hour is believed.
    """
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            return min(float(text) * scale, 3600.0)
    return None


def dated(headers: Headers, now: datetime) -> Headers:
    """A reply's headers, with a ``retry-after`` that is a date (RFC 9110, 10.2.3) as the seconds until then."""
    text = headers.get("retry-after", "")
    if not text[:1].isalpha():
        return headers
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return headers
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return {**headers, "retry-after": str(max(0, ceil((at - now).total_seconds())))}
