"""One thing of a case with another value in one of its fields, for all of the time or between two days.

Pure: nodes in, nodes out. Not here: which changes there are, and in which order (``changes``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from detente.case.document import YamlNode
from detente.case.numbers import TEXTS, must_replace, times
from detente.case.scenario import Change
from detente.case.written import at, between, put, steps_of, text_at
from detente.errors import FlawError
from detente.values.likeness import did_you_mean, nearest

VALUE = "write a value, for all of the time"


def with_value(change: Change, thing: YamlNode, key: str, factor: Decimal | None, value: YamlNode) -> YamlNode:
    """A thing with one field changed. Raises FlawError."""
    steps = tuple(int(step) if step.isascii() and step.isdigit() else step for step in key.split("."))
    old = at(thing, steps)
    if factor is None and steps[0] not in TEXTS:
        must_replace(value, old)
    start, end = (None, None) if change.term is not None else (change.from_, change.until)
    last = end if isinstance(end, date) else None
    windowed = start is not None or last is not None
    if change.workload is not None and key == "demand" and (factor is not None or windowed):
        return _demand(thing, factor, value, start, last)
    if old is None and (factor is not None or windowed):
        hint = did_you_mean(key, thing.keys or {}) if nearest(key, thing.keys or {}) else VALUE
        raise FlawError(f"`{text_at(thing, 'id')}` states no `{key}` to change", hint)

    def made(node: YamlNode) -> YamlNode:
        return value if factor is None else times(node, factor, value)

    if windowed:
        assert old is not None
        new = between(old, start, last, made, value)
    else:
        new = made(old or thing)
    try:
        return put(thing, steps, new, value)
    except KeyError as error:
        what = f"`{text_at(thing, 'id')}` states no `{error.args[0]}`, of which `{key}` would be a part"
        raise FlawError(what, "write the whole of it") from None


def _demand(thing: YamlNode, factor: Decimal | None, value: YamlNode, start: date | None, end: date | None) -> YamlNode:
    """A workload with more or less demand, or for some time with another rate. Raises FlawError."""
    old = at(thing, ("demand",))
    if old is None:
        raise FlawError(f"`{text_at(thing, 'id')}` states no `demand` to change", "change its `work`")
    forms = {"rate", "trace", "table"}
    whole = old if forms & (old.keys or {}).keys() else replace(value, text=None, keys={"rate": (value, old)})
    assert whole.keys is not None
    if factor is None:
        if "rate" not in whole.keys or "between" in whole.keys:
            raise FlawError("only a rate in steps has other values for some time", "write a percentage, such as `+30%`")
        rate = between(whole.keys["rate"][1], start, end, lambda _: value, value)
        return put(thing, ("demand", "rate") if whole is old else ("demand",), rate, value)
    known = at(whole, ("factor",)) or replace(value, text="100%")
    more = between(known, start, end, lambda node: times(node, factor, value), value)
    if start is None and end is None and len(steps_of(known)) == 1:
        more = times(steps_of(known)[0][1], factor, value)
    return put(thing, ("demand",), put(whole, ("factor",), more, value), value)
