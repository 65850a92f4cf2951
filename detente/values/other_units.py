"""What rates, spans of time and scales are called elsewhere: at clouds, in contracts, in other tools.

Owns: those words, and what to write in their place. Not here: what is read (``quantity``).
"""

from __future__ import annotations

import re

OTHER_SCALES = {"B": "bn", "b": "bn", "MM": "M", "mm": "M", "mil": "M", "mio": "M", "mrd": "bn", "T": "tn", "t": "tn"}
"""What may mean something else here: told, and not read."""
OTHER_SPANS = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "d": "day", "yr": "year"}

_REQUESTS = "requests?|reqs?|calls?|quer(?:y|ies)|prompts?|messages?|invocations?"
_LIMIT = re.compile(rf"(?P<number>[0-9][0-9._]*(?:\s?[kM])?)\s?(?i:(?:{_REQUESTS})|(?P<of>[rqt])p(?P<per>[smd]))")
_SPANS = {"s": "second", "m": "minute", "d": "day"}


def no_work(amount: str, span: str) -> tuple[str, str] | None:
    """What is wrong with a rate of requests, or one as clouds limit it (``240 k TPM``), and the form that works.

    None of any other.
    """
    if (found := _LIMIT.fullmatch(amount)) is None:
        return None
    number, per = found["number"], _SPANS[found["per"].lower()] if found["per"] else OTHER_SPANS.get(span, span)
    per = per or "second"
    if (found["of"] or "").lower() == "t":
        return "is not how a rate is written", f"write `{number} tok per {per}`"
    remedy = f"count tokens: `{number} ktok per {per}` where a request has 1,000; a file of requests is a `trace`"
    return "does not say how much work a request is", remedy
