"""What is said of offers and of times in a conflict.

Not here: which facts are told (``conflict_facts``, ``conflict_floors``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from detente.market.offer import AnyOffer, AnyUnits, GpuOffer
from detente.planner.conflict_lifted import closed_in
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools
from detente.values.dated import Dated
from detente.values.money import shown
from detente.values.period import named

MAX_TOLD = 3
"""Workloads, and offers, that are told of a clause that nothing else keeps from being met, or of which one is true."""


def told(said: Iterable[tuple[str, str]]) -> list[str]:
    """A sentence for each id and what is so of it; one for all of which the same is so, where these are many."""
    alike: dict[str, list[str]] = {}
    for name, what in said:
        alike.setdefault(what, []).append(f"`{name}`")
    found = list[str]()
    for what, names in alike.items():
        some, more = names[:MAX_TOLD], len(names) - MAX_TOLD
        found += [f"each of {', '.join(some)} and {more} more {what}"] if more > 0 else [f"{n} {what}" for n in names]
    return found


def there_is(draft: Draft, offer: AnyOffer, *, sized: bool) -> str:
    """Of an offer, that its capacity ends, and when it cannot be bought at all."""
    parts = []
    if offer.capacity is not None:
        most = draft.most(offer)
        in_all = float((most * draft.hours)[np.isfinite(most)].sum()) * float(offer.unit_flow)
        total = shown(in_all, "GPU-hours" if isinstance(offer, GpuOffer) else "Mtok")
        parts.append(f"has no more capacity ({sizes(offer.capacity)}" + (f": {total} in all)" if sized else ")"))
    parts += _not_there(draft, offer)
    return " and ".join(parts) or "serves no more than it does"


def _not_there(draft: Draft, offer: AnyOffer) -> Iterator[str]:
    """When an offer cannot be bought: by the days from which it is there and no longer, where it states them."""
    closed = closed_in(draft, offer)
    from_, until = (offer.model_copy(update={other: None}) for other in ("until", "from_"))
    early, late = (np.array([not o.sold(p.span_start, p.span_end) for p in draft.periods]) for o in (from_, until))
    if (early & closed).any():
        yield f"is not on offer before {offer.from_}"
    if (late & closed).any():
        yield f"is not on offer from {offer.until} on"
    if other := listed(times(draft, closed & ~early & ~late)):
        yield f"is not on offer, or has no price, in {other}"


def sizes(capacity: Dated[Any]) -> str:
    """How much there is, at any time."""
    each = list(dict.fromkeys(str(size) for size in capacity.values()))
    return " or ".join(each[:4]) + (f" or {len(each) - 4} other amounts" if len(each) > 4 else "")


def times(draft: Draft, periods: Bools) -> Iterator[str]:
    """Runs of periods, each by its name."""
    at = np.flatnonzero(periods)
    for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
        if len(run):
            yield named(draft.periods[int(run[0])].span_start, draft.periods[int(run[-1])].span_end)


def begins(offer: AnyUnits) -> str:
    """When reservations begin."""
    days = (
        f"on the days of its `starts` ({listed(map(str, offer.starts))})"
        if offer.starts
        else "in the first period of a month (unless `starts` says other days)"
    )
    return f"is reserved for {offer.term}, and begins {days}"


def listed(names: Iterable[str]) -> str:
    """A few of them, and how many more there are."""
    every = list(names)
    return ", ".join(every[:3]) + (f" and {len(every) - 3} more" if len(every) > 3 else "")


def plural(unit: str) -> str:
    """Of a unit that has one: `GPU-hours`, but `Mtok` and `USD`."""
    return f"{unit}s" if unit.endswith("hour") else unit
