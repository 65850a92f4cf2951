"""What rates, spans of time and scales are called elsewhere: at clouds, in contracts, in other tools.

Owns: those words, and what to write in their place. Not here: what is read (``quantity``).
"""

from __future__ import annotations

import re

OTHER_SCALES = {"B": "bn", "b": "bn", "MM": "M", "mm": "M", "mil": "M", "mio": "M", "mrd": "bn", "T": "tn", "t": "tn"}
"""What may mean something else here: told, and not read."""
OTHER_SPANS = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "d": "day", "yr": "year"}

_REQUESTS = "requests?|reqs?|calls?|quer(?:y|ies)|prompts?|messages?|invocations?"
_LIMIT = re.compile(rf"(?P<number>[0-9][0-9._]*(?:\s?[kKM])?)\s?(?i:(?:{_REQUESTS})|(?P<of>[rqt])p(?P<per>[smd]))")
_UNTOLD = "does not say how much work a request is"
_SPANS = {"s": "second", "m": "minute", "d": "day"}


def no_work(amount: str, span: str) -> tuple[str, str] | None:
    """What is wrong with a rate of requests, or one as clouds limit it (``240 k TPM``), and the form that works.

    ``span`` is the time of the rate, empty where that says none that is read. None of any other amount.
    """
    if (found := _LIMIT.fullmatch(amount)) is None:
        return None
    number, per = found["number"].replace("K", "k"), _SPANS[found["per"].lower()] if found["per"] else span
    if (found["of"] or "").lower() == "t":
        return "is not how a rate is written", f"write `{number} tok per {per}`"
    if not per:
        each = f"`{number} ktok per day` where a request has 1,000 and so many come each day"
        return _UNTOLD, f"count tokens, and say in which time: {each}; a file of requests is a `trace`"
    remedy = f"count tokens: `{number} ktok per {per}` where a request has 1,000; a file of requests is a `trace`"
    return _UNTOLD, remedy


_HOURS = {"day": "24", "week": "168"}
_IN_AN_HOUR = {"second": "3,600", "minute": "60"}
_GPU_TIME = re.compile(r"(?i)(?:GPU|accelerator)(?:s?(?:\s?[/-]\s?|\s+per\s+|\s+)(?P<span>[a-z]+)|hr?s?|hours?)")
_THROUGHPUT = re.compile(
    r"(?i)(?:PTU|GSU|MU|unit|(?:model|throughput|scale|provisioned throughput) unit)s?"
    r"(?P<span>(?:\s?[/-]\s?|\s+per\s+|\s+)(?:h|hr|hour|month|mo)s?)?"
)
_MANY_TOKENS = re.compile(
    r"(?:1\s?)?(?P<size>k|K|M|m|B|thousand|million|mn|billion|bn|1[_,]?000(?:[_,]?000)?)?[\s-]?(?i:tok(?:en)?s?)"
)
_TOKENS = {"k": "ktok", "K": "ktok", "thousand": "ktok", "1000": "ktok", "M": "Mtok", "m": "Mtok", "million": "Mtok"}
_TOKENS |= {"mn": "Mtok", "1000000": "Mtok", "B": "Gtok", "billion": "Gtok", "bn": "Gtok"}


def unit_meant(name: str) -> str | None:
    """What to write for a unit that is called otherwise elsewhere (``GPU/h``, ``1K tokens``); None of any other."""
    if found := _GPU_TIME.fullmatch(name):
        said = (found["span"] or "hour").lower()
        span = OTHER_SPANS.get(said, said.removesuffix("s"))
        if span == "month":
            amount = "write an amount in `GPU-hour` (a GPU for a month of 30 days is 720)"
            flat = "as one flat price a month of a whole `unit`, all its GPUs: `unit-month`"
            return f"{amount}, and a price per `GPU-hour`, or {flat}"
        if span == "hour":
            return "write `GPU-hour`"
        if span == "year":
            return "write it in `GPU-hour`: of a year of 365 days, an amount times 8,760, and a price divided by 8,760"
        if span in _HOURS:
            return f"write it in `GPU-hour`: an amount times {_HOURS[span]}, and a price divided by {_HOURS[span]}"
        if span in _IN_AN_HOUR:
            number = _IN_AN_HOUR[span]
            return f"write it in `GPU-hour`: an amount divided by {number}, and a price times {number}"
    if found := _THROUGHPUT.fullmatch(name):
        if found["span"] is None:
            return "write `unit`, and of a price `unit-hour` or `unit-month`"
        return f"write `unit-{'month' if 'm' in found['span'].lower() else 'hour'}`"
    if found := _MANY_TOKENS.fullmatch(name):
        return f"write `{_TOKENS[re.sub('[_,]', '', found['size'])] if found['size'] else 'tok'}`"
    return None
