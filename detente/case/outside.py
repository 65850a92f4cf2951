"""What a case says of times that neither its horizon nor the clause's own time sees: mostly a year that is mistyped.

Owns: clauses, amendments, days inside of clauses, and work, each with the question whether its year is right.
Not here: what else may be a mistake (``notes``), and what is one (``checks``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from detente.case.acting import acting_after
from detente.case.agreement import InForce, clock_of
from detente.case.case import Case
from detente.case.whole_clauses import where_stands
from detente.case.written import at, place, text_at
from detente.contract.answer import each_placed
from detente.demand.workload import Training
from detente.errors import KeyPath, Mistake, Where
from detente.values.held import held_in
from detente.values.period import endless, later, moment, named

YEAR = "is the year right?"
OWN_TIME = ("from", "until")
"""Keys of a clause that say when it is in force, and so when the other days that it names matter."""


class Unseen(NamedTuple):
    """What no time of the horizon sees of an agreement's clause."""

    term: str
    agreement: str
    note: Mistake


def outside(case: Case) -> Iterator[Unseen]:
    """Clauses in force at no time of the horizon; amendments after it; days after it and after their clause."""
    versions, closes = case.versions, case.declared.horizon.closes
    for clause in case.outside:
        yield _told(case, clause, f"is in force {named(clause.validity.start, clause.validity.end)}")
    absent = {clause.term.id for clause in case.outside}
    changed = [each for each in versions if each.term.id not in absent and each.validity.first >= closes]
    for clause in {(each.validity.agreement, each.term.id): each for each in reversed(changed)}.values():
        yield _told(case, clause, f"replaces an earlier text from {clause.validity.first:%Y-%m-%d} on")
    yield from _removed(case, closes)
    yield from _days(case, versions, closes)
    yield from _before(case, versions)
    yield from _ended(case, versions, closes)


def unasked(case: Case) -> Iterator[Mistake]:
    """Work that is asked for after the horizon alone."""
    entries = case.source.written.sections["workloads"] if case.source is not None else ()
    written = {text_at(node, "id"): node for node in entries}
    for workload in case.workloads:
        rate = None if isinstance(workload, Training) else workload.demand.rate
        first = rate.steps[0][0] if rate is not None else None
        if first is not None and moment(first) >= case.declared.horizon.closes:
            demand = at(written[workload.id], ("demand",)) if workload.id in written else None
            where = Where(workload.id) if demand is None else place(demand)
            what = f"`{workload.id}` asks for work from {first} on, and at no time of the horizon ({seen(case)})"
            yield Mistake(where, what, YEAR)


def seen(case: Case) -> str:
    """The horizon, in words."""
    return named(case.declared.horizon.opens, case.declared.horizon.closes)


def _told(case: Case, clause: InForce, does: str) -> Unseen:
    return _of(case, clause, f"{does}, and at no time of the horizon ({seen(case)})")


def _of(case: Case, clause: InForce, does: str, remedy: str = YEAR) -> Unseen:
    term, agreement = clause.term.id, clause.validity.agreement
    return Unseen(
        term, agreement, Mistake(where_stands(case, agreement, term), f"`{term}` of `{agreement}` {does}", remedy)
    )


def _names(path: KeyPath, on: date) -> str:
    """That a clause names a day, by the key under which it stands."""
    key = next(str(step) for step in reversed(path) if isinstance(step, str))
    return f"names {on} (`{key}`)"


def _removed(case: Case, closes: datetime) -> Iterator[Unseen]:
    """What an amendment removes that takes effect after the horizon."""
    known = {agreement.id: agreement for agreement in case.declared.agreements}
    for agreement in known.values():
        if agreement.removes and moment(agreement.effective, clock_of(agreement, known)) >= closes:
            for term in agreement.removes:
                what = f"`{agreement.id}` removes `{term}` on {agreement.effective}"
                told = f"{what}, and at no time of the horizon ({seen(case)})"
                yield Unseen(term, agreement.id, Mistake(Where(agreement.id), told, YEAR))


def _days(case: Case, versions: Sequence[InForce], closes: datetime) -> Iterator[Unseen]:
    """Days that a clause names, after the end of its last text and after the horizon.

    The day of that end itself is none: what is written as `until` the end ends with it.
    """
    opens, ends = case.declared.horizon.opens, _ends(versions)
    told: set[tuple[str, str]] = set()
    for each in versions:
        term, agreement, end = each.term.id, each.validity.agreement, max(closes, ends[each.term.id])
        after = each.term.open_after
        end = later(end, after) if after is not None and not endless(end) else end
        if endless(end) or (agreement, term) in told or not each.validity.over(opens, closes):
            continue
        days = [(path, on) for path, on in held_in(each.term, date) if path[0] not in OWN_TIME]
        late = next(((path, on) for path, on in days if each.validity.begin(on) > end), None)
        if late is not None:
            told.add((agreement, term))
            yield _of(case, each, f"{_names(*late)}, after it has ended, and after the horizon ({seen(case)})")


def _before(case: Case, versions: Sequence[InForce]) -> Iterator[Unseen]:
    """Days of what happened by a clause, as it states, before its first text is in force."""
    first: dict[str, datetime] = {}
    for each in versions:
        first[each.term.id] = min(each.validity.first, first.get(each.term.id, each.validity.first))
    told: set[tuple[str, str, KeyPath]] = set()
    for each in versions:
        term, agreement = each.term.in_force(each.validity), each.validity.agreement
        for path, on in each_placed(term, "fact_days", term.fact_days(), date, "each place with its `date`"):
            at, begins = (agreement, term.id, path), first[term.id]
            if at not in told and each.validity.begin(on) < begins:
                told.add(at)
                yield _of(case, each, f"{_names(path, on)}, before it is in force ({begins:%Y-%m-%d})")


def _ended(case: Case, versions: Sequence[InForce], closes: datetime) -> Iterator[Unseen]:
    """Days of the horizon on which something of a clause would happen, that has ended by then and was not removed."""
    ends = _ends(versions)
    removed = {name for agreement in case.declared.agreements for name in agreement.removes}
    told: set[tuple[str, str]] = set()
    for each in versions:
        term, at = each.term.in_force(each.validity), (each.validity.agreement, each.term.id)
        end = ends[term.id]
        late = None if at in told or term.id in removed else next(acting_after(term, end, closes), None)
        if late is not None:
            told.add(at)
            does = f"{_names(*late)}, and has ended by then ({end:%Y-%m-%d}): it does nothing then"
            yield _of(case, each, does, "if it is still to happen, write it in a text that holds then")


def _ends(versions: Sequence[InForce]) -> dict[str, datetime]:
    """When the last text of each clause ends."""
    found: dict[str, datetime] = {}
    for each in versions:
        found[each.term.id] = max(each.validity.end, found.get(each.term.id, each.validity.end))
    return found
