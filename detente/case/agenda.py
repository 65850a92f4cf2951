"""The agenda of a case: every day that its paper names, in order.

Owns: ``AgendaLine``, and from a case to its lines: first and last days of agreements and clauses, ends of the windows
in which clauses count, what clauses remind of, events, what scenarios owe, and days of news. Not here: what a clause
reminds of (``Term.reminds``), and how it is shown (``report.agenda``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from detente.case.agreement import endings
from detente.case.case import Case
from detente.case.counted_unit import counted_unit
from detente.contract.answer import each_of
from detente.contract.reminder import Reminder, Role, last_day
from detente.contract.settled.standing import Standing
from detente.contract.settling import stands_by_use
from detente.contract.term import Term
from detente.errors import SettleError
from detente.values.money import shown
from detente.values.period import End, endless, moment, named

LONG = ("month", "quarter", "half-year", "year", "term")
"""Windows whose ends are worth a line: of hours and days there are too many."""


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """A reminder, and whose: a clause, an agreement, or neither."""

    on: date
    role: Role
    what: str
    agreement: str | None = None
    clause: str | None = None
    by: str | None = None
    done: date | None = None


def agenda(case: Case, since: date, until: date) -> tuple[AgendaLine, ...]:
    """What falls on the days from ``since`` to before ``until``, in order. Raises CaseError without a reading."""
    every = (*_agreements(case), *_clauses(case, since, until), *_of_the_case(case))
    # What two texts of a clause say in the same words is said once, in the later one.
    found = {replace(line, agreement=None) if line.clause else line: line for line in every}
    inside = (line for line in found.values() if since <= line.on < until)
    return tuple(
        sorted(inside, key=lambda line: (line.on, line.agreement or "", line.clause or "", line.role, line.what))
    )


def _agreements(case: Case) -> Iterator[AgendaLine]:
    """Their first and last days, as amended."""
    ends = endings(case.declared.agreements)
    for each in case.declared.agreements:
        title = f": {each.title}" if each.title else ""
        does = f"amends `{each.amends}`" if each.amends else "takes effect"
        yield AgendaLine(each.effective, "start", f"`{each.id}` {does}{title}", each.id)
        end = moment(ends[each.id].final)
        if each.ends is not None and not endless(end):
            yield AgendaLine(last_day(end), "end", f"the last day of `{each.id}`{title}", each.id)


def _clauses(case: Case, since: date, until: date) -> Iterator[AgendaLine]:
    """What each clause in force names: its own days, the ends of its windows, what it reminds of."""
    agreements, ends = {each.id: each for each in case.declared.agreements}, endings(case.declared.agreements)
    spans: dict[tuple[str, str], list[Term]] = {}
    for term in case.signed:
        spans.setdefault((term.validity.agreement, term.id), []).append(term)
    for (name, _), versions in spans.items():
        signed = agreements.get(name)
        told = () if signed is None else (signed.effective, signed.ends and last_day(moment(ends[name].final)))
        yield from (line for line in _span(versions) if line.on not in told)
    for term in case.signed:
        yield from _windows(case, term, since, until)
        yield from (_of(term, each) for each in reminders(term, moment(since), moment(until)))


def reminders(term: Term, since: datetime, until: datetime) -> list[Reminder]:
    """The days that a clause names. Raises TypeError where it names something else."""
    return each_of(term, "reminds", term.reminds(since, until), Reminder, "each `Reminder`")


def _of(term: Term, each: Reminder) -> AgendaLine:
    return AgendaLine(each.on, each.role, each.what, term.validity.agreement, term.id, each.by, each.done)


def _span(versions: Sequence[Term]) -> Iterator[AgendaLine]:
    """The first and last day in force of one text, which may come in several versions, one after the other."""
    term, end = versions[0], versions[-1].validity.end
    yield _of(term, Reminder(term.validity.start.date(), "start", f"`{term.id}` comes into force"))
    if not endless(end):
        yield _of(term, Reminder(last_day(end), "end", f"the last day of `{term.id}`"))


def _windows(case: Case, term: Term, since: date, until: date) -> Iterator[AgendaLine]:
    """The last day of each window in which it asks, owes or loses something, and of an amount how much it is."""
    stated = term.found_windows if term.keeps_windows and term.meters() else ()
    long = [each for each in stated if each.every.every in LONG]
    owns = [each for each in stated if each.divides == "amount"] or stated
    amounts = _amounts(case, term, until) if long else {}
    asked: dict[tuple[datetime, End], str] = {}
    for each in long:
        for window in term.calendar(each.every).over(moment(since), moment(until)):
            time = window.start, window.end
            if not endless(window.end):
                told = each.amount or (amounts.get(time, "") if each in owns else "")
                asked[time] = told or asked.get(time, "")
    for (start, end), amount in asked.items():
        what = f"a window of `{term.id}` ends: {named(start, end)}"
        yield _of(term, Reminder(last_day(end), "window", what + (f", of {amount}" if amount else "")))


def _amounts(case: Case, term: Term, until: date) -> dict[tuple[datetime, End], str]:
    """What is asked or allowed in each window that has begun by a day; what turns on use, at most or at least."""
    found: dict[tuple[datetime, End], str] = {}
    try:
        standings, *used = stands_by_use(term, moment(until))
    except SettleError:  # it turns on what nobody has decided
        return {}
    units = {meter.name: counted_unit(case, meter) for meter in term.meters()}
    for each in standings:
        unit = units[each.meter]
        if each.amount and unit is not None:
            found.setdefault((each.start, each.end), _bound(each, used).format(shown(each.amount, unit)))
    return found


def _bound(fresh: Standing, used: Sequence[Sequence[Standing]]) -> str:
    """Of an amount that is another one where more was used: on which side of it the others are."""
    key = fresh.meter, fresh.role, fresh.window
    amounts = {each.amount for all_of in used for each in all_of if (each.meter, each.role, each.window) == key}
    others = [each for each in amounts - {fresh.amount} if each is not None and fresh.amount is not None]
    if not others or fresh.amount is None:
        return "{}"
    if max(others) < fresh.amount:
        return "at most {}"
    return "at least {}" if min(others) > fresh.amount else "{} where nothing is used"


def _of_the_case(case: Case) -> Iterator[AgendaLine]:
    """Events, what scenarios owe, and when news is expected."""
    for name, on in case.declared.events.items():
        if on is not None:
            yield AgendaLine(on, "event", f"the event `{name}`")
    for owed in case.obligations:
        proof = f" (evidence: {owed.evidence})" if owed.evidence else ""
        yield AgendaLine(owed.due, "duty", f"{owed.what}{proof}", by=owed.by)
    for uncertain in case.declared.uncertain:
        yield AgendaLine(uncertain.known, "event", f"it is known how `{uncertain.id}` ends")
