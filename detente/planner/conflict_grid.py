"""A conflict that only the plan's periods make: a plan takes each as a whole, and a clause begins or ends within one.

Owns: which days lie within a period, and whether other periods resolve it (that begin on a clause's clock, or finer
ones), which is said only once it was solved. Not here: what else plays a part (``conflict_facts``).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np

from detente.contract.bases.tranche import InTranches
from detente.contract.term import Term
from detente.demand.workload import Batch, Training
from detente.errors import UnsettledError
from detente.planner.kept_whole import kept_within_nodes
from detente.planner.study import Study
from detente.values.dated import Dated
from detente.values.period import Horizon, Period, hours_between, moment, on_the_clock_of

MAX_FINER = 100_000
"""Columns of use above which finer periods are not tried: an answer that is no would take minutes."""

MAX_ZONES = 3
"""Clocks that are tried."""

MAX_USED, MIN_SECONDS = 0.5, 10.0
"""Finer periods are tried for at most such a part of the time that all before it took, or for so many seconds."""

MAX_LEFT = 0.25
"""Of the time that is left, at most so much goes to them: the ways out are still to be found."""

MAX_TOLD = 3
"""Days that are told."""

Finer = Literal["day", "hour"]


class Turn(NamedTuple):
    """What a clause, an offer or a demand does from a moment on: another thing than before."""

    at: datetime
    name: str


def only_of_periods(study: Study, clauses: Sequence[Term]) -> Iterator[str]:
    """That other periods resolve a conflict, where they do, with the days that lie within a period: at most one fact.

    Parameters
    ----------
    study
        Of a case that has no plan.
    clauses
        Those that collide; where there are none, or none changes within a period, offers and demands are looked at.
    """
    if study.past is not None:  # what was decided before some news is kept by period
        return
    horizon, periods = study.case.declared.horizon, study.draft.periods
    within = _within(periods, _of_clauses(clauses)) or _within(periods, _of_market(study))
    if not within:
        return
    until = last_moment(study.began, time.monotonic(), study.program.model.deadline)
    days_do = False
    for other in _others(horizon, within, _zones(study, horizon)):
        if other.every == "hour" and days_do:
            return
        kept = _resolves(study, other, until)
        if kept:
            yield _told(horizon, within, other)
            return
        days_do = days_do or (other.every == "day" and kept is False and not _by_the_hour(study, other))


# -- what changes within a period --------------------------------------------------------------------------------------
def _of_clauses(clauses: Iterable[Term], but: Collection[str] = ("hour", "day")) -> Iterator[Turn]:
    """When clauses begin, end and say something else, and when their windows do, but for some lengths of windows."""
    for term in clauses:
        yield from (Turn(at, term.id) for at in (term.validity.start, term.validity.end))
        begin = term.validity.begin
        yield from (Turn(begin(on), term.id) for facts in (term.acting_days(), term.fact_days()) for _, on in facts)
        yield from (Turn(at, term.id) for at in (term.arrivals if isinstance(term, InTranches) else ()))
        for meter in term.meters():
            if meter.windows.every not in but:
                yield from (Turn(at, term.id) for each in meter.windows for at in (each.start, each.end))


def _of_market(study: Study) -> Iterator[Turn]:
    """When offers come and go, or have another capacity, and when there is another demand."""
    opens = study.case.declared.horizon.opens
    for offer in study.case.offers:
        yield from (Turn(on_the_clock_of(opens, on), offer.id) for on in offer.turns)
        yield from _of_dated(offer.capacity, offer.id, opens)
    for workload in study.case.workloads:
        if isinstance(workload, Training):
            continue
        yield from _of_dated(workload.demand.rate, workload.id, opens)
        yield from _of_dated(workload.demand.factor, workload.id, opens)


def _of_prices(study: Study) -> Iterator[Turn]:
    """When offers have another list price: their days begin at 0:00 UTC."""
    offers = study.case.offers
    return (Turn(moment(on), offer.id) for offer in offers for on, _ in offer.price.steps if on is not None)


def _of_dated(value: Dated[Any] | None, name: str, opens: datetime) -> Iterator[Turn]:
    days = [] if value is None else [on for on, _ in value.steps if on is not None]
    return (Turn(on_the_clock_of(opens, on), name) for on in days)


def _within(periods: Sequence[Period], changes: Iterable[Turn]) -> list[Turn]:
    """Those that lie within a period, each once, in order."""
    starts = np.array([period.span_start.timestamp() for period in periods])
    ends = np.array([period.span_end.timestamp() for period in periods])
    found = dict[tuple[float, str], Turn]()
    for change in changes:
        at = change.at.timestamp()
        if ((starts < at) & (at < ends)).any():
            found.setdefault((at, change.name), change)
    return [found[key] for key in sorted(found)]


# -- other periods -----------------------------------------------------------------------------------------------------
def _zones(study: Study, horizon: Horizon) -> list[str]:
    """On whose clocks the days of clauses begin, but the plan's own."""
    found = dict.fromkeys(str(term.validity.zone) for term in study.case.terms)
    return [zone for zone in found if zone != horizon.zone][:MAX_ZONES]


def _others(horizon: Horizon, within: Sequence[Turn], zones: Sequence[str]) -> Iterator[Horizon]:
    """Horizons that may be tried, the longest periods first; on another clock where fewer days lie within one."""
    for every in (None, *_finer(horizon)):
        given = horizon if every is None else horizon.model_copy(update={"every": every, "typical": None})
        if every is not None:
            yield given
        elsewhere = [given.model_copy(update={"zone": zone}) for zone in zones] if every != "hour" else []
        inside = len(_within(given.periods(), within)) if elsewhere else 0
        yield from (other for other in elsewhere if len(_within(other.periods(), within)) < inside)


def _finer(horizon: Horizon) -> Iterator[Finer]:
    """The finer periods that may be tried, the longest first."""
    if horizon.every not in ("day", "hour") or horizon.typical:
        yield "day"
    if horizon.every != "hour":
        yield "hour"


def _by_the_hour(study: Study, days: Horizon) -> bool:
    """Whether hours may resolve what days do not: within a day anything changes, or work may wait for a part of one.

    Where nothing does, a plan by the hour is one by the day too: of each day its mean, but for whole units.
    """
    waits = (each.within for each in study.case.workloads if isinstance(each, Batch))
    if any(wait.unit == "hour" and wait.count > 24 and wait.count % 24 for wait in waits):
        return True
    changes = (*_of_market(study), *_of_prices(study), *_of_clauses(study.case.terms, but=()))
    return bool(_within(days.periods(), changes))


def last_moment(began: float, now: float, deadline: float | None) -> float:
    """Until when finer periods are tried: seconds of one clock, as are when the study began and its deadline."""
    until = now + max(MIN_SECONDS, MAX_USED * (now - began))
    return until if deadline is None else min(until, now + MAX_LEFT * max(0.0, deadline - now))


def _resolves(study: Study, horizon: Horizon, until: float) -> bool | None:
    """Whether every clause can be kept in other periods, with whole units.

    None: not settled, which is no yes, or only where units may be divided.
    """
    hours = float(hours_between(horizon.opens, horizon.closes))
    if time.monotonic() >= until:  # formulating takes its time too
        return None
    if len(study.draft.arcs) * hours / (24 if horizon.every == "day" else 1) > MAX_FINER:
        return None
    declared = study.case.declared.model_copy(update={"horizon": horizon})
    finer = study.under(replace(study.case, declared=declared))
    draft, model = finer.draft, finer.turn()
    try:
        with model.until(until):
            return kept_within_nodes(draft, model)
    except UnsettledError:
        return None


# -- words -------------------------------------------------------------------------------------------------------------
def _told(horizon: Horizon, within: Sequence[Turn], other: Horizon) -> str:
    """The days that lie within a period, with whose they are, and what to write."""
    names = dict[datetime, list[str]]()
    for change in within:
        names.setdefault(change.at, []).append(f"`{change.name}`")
    days = [f"{at:%Y-%m-%d} ({', '.join(of)})" for at, of in list(names.items())[:MAX_TOLD]]
    more = f" and {len(names) - MAX_TOLD} more days" if len(names) > MAX_TOLD else ""
    one = "month" if horizon.typical else horizon.every
    where, lie = f"{', '.join(days)}{more}", "lies" if len(names) == 1 else "lie"
    both = ((key, getattr(other, key), getattr(horizon, key)) for key in ("every", "zone"))
    changed = [f"`{key}: {now}`" for key, now, was in both if now != was]
    instead = " and ".join(changed) + (" and without `typical`" if horizon.typical != other.typical else "")
    return (
        f"the plan takes each {one} as a whole, and {where} {lie} within one; with {instead} in `horizon` nothing"
        " collides"
    )
