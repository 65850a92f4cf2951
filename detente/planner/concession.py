"""What a clause gives in a way out of a conflict: how much, of which part, when, and in its words.

Not here: how much it has to give (``conflict``), and how a clause is worded (``Term.concede``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.contract.roles import AsksPart, ConcedesPart
from detente.contract.term import Term
from detente.planner.conflict_words import plural
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.formulation.shaping import Shaping
from detente.planner.formulation.softening import DENIED, Yielding
from detente.planner.least_given import LeastGiven
from detente.planner.study import Study
from detente.planner.told_amount import LITTLE, asked_of, step_of, told
from detente.results.conflict import Concession, Given, Version
from detente.values.money import sufficient
from detente.values.period import End, named

When = tuple[datetime, End] | None
"""When something is given; None of what is counted over no window."""

NOISE = 1e-8
"""Of all that a clause gives: a part of less than this is room that was left so that the least can be reached again."""


def version_of(study: Study, term: Term) -> Version:
    """A version of a clause, as it is named beside others of the case."""
    amended = sum(other.id == term.id for other in study.case.terms) > 1
    return Version(term.id, term.validity.start, term.validity.end, amended)


def versions(study: Study, name: str) -> list[Term]:
    """A clause in all its versions."""
    return [term for term in study.case.terms if term.id == name]


def as_a_whole(every: Sequence[Term]) -> Version:
    """All versions of a clause as one."""
    return Version(every[0].id, every[0].validity.start, every[-1].validity.end, amended=False)


def concession(found: LeastGiven, owner: Owner) -> Concession:
    """What an owner gives, part by part, each amount rounded up."""
    soft, values = found.soft, found.values
    term, giving = by_owner(soft.draft.case.terms)[owner], soft.giving
    assert giving is not None
    parts_of = giving.gives[owner]
    slight = NOISE * sum(float(values[each.columns].sum()) for each in parts_of)
    given = [part for each in parts_of for part in _parts(soft.draft, each, values, slight)]
    given = given or [part for each in parts_of for part in _parts(soft.draft, each, values, slight, little=0.0)]
    asked = asked_of(soft, owner)
    parts = [_given(each, amounts, unit, asked) for each, amounts, unit in given]
    words = [
        _worded(soft.draft, term, part, _portion(soft.draft, term, each, part, values))
        for (each, _, _), part in zip(given, parts, strict=True)
    ]
    said = " and ".join(words)
    return Concession(version_of(soft, term), tuple(parts), said, found.cost, (), found.at_most, found.owed(owner))


def _parts(
    draft: Draft, each: Yielding, values: Floats, slight: float, little: float = LITTLE
) -> Iterable[tuple[Yielding, dict[When, float], str]]:
    """The amounts of a part that gives, by time, in each unit by itself; not what is ``little``, or ``slight``."""
    amounts = values[each.columns]
    if each.part != DENIED:
        windows: Sequence[When] = [(w.start, w.end) for w in each.windows] or [None] * len(amounts)
        units = [each.unit] * len(amounts)
    else:
        through = [_let_through(draft, column) for column in each.columns.tolist()]
        windows, units = [time for time, _ in through], [unit for _, unit in through]
    found: dict[str, dict[When, float]] = {}
    for unit, time, amount in zip(units, windows, amounts.tolist(), strict=True):
        if amount > max(little * (each.most or 1.0), slight):
            by_time = found.setdefault(unit, {})
            by_time[time] = by_time.get(time, 0.0) + amount
    yield from ((each, by_time, unit) for unit, by_time in found.items())


def _let_through(draft: Draft, column: int) -> tuple[When, str]:
    """The time of a column of use or standby, and the unit of its work."""
    at = column - int(draft.x[0, 0])
    if 0 <= at < draft.x.size:
        index, t = divmod(at, draft.n)
    else:
        index = int(
            np.flatnonzero(
                (draft.standby_from >= 0) & (draft.standby_from <= column) & (column < draft.standby_from + draft.n)
            )[0]
        )
        t = column - int(draft.standby_from[index])
    period = draft.periods[t]
    return (period.span_start, period.span_end), draft.arcs[index].workload.unit


def _given(each: Yielding, amounts: Mapping[When, float], unit: str, asked: float) -> Given:
    """In whole cents and quanta; a share, exact to what the solver can tell."""
    if each.share:
        return Given(each.part, told(sum(amounts.values()) / each.most, None), unit)
    by_time = {time: told(amount, step_of(each), asked) for time, amount in sorted(amounts.items(), key=_first)}
    windows = tuple((*time, amount) for time, amount in by_time.items() if time is not None)
    return Given(each.part, sum(by_time.values(), Decimal(0)), unit, windows)


def _first(item: tuple[When, float]) -> datetime:
    return item[0][0] if item[0] is not None else datetime.min.replace(tzinfo=UTC)


def _portion(draft: Draft, term: Term, each: Yielding, part: Given, values: Floats) -> Fraction | None:
    """The largest part of a whole that a clause gives in any window; None of one that gives an amount."""
    if each.share:
        return Fraction(part.amount)
    if not isinstance(term, AsksPart) or each.part == DENIED:
        return None
    shaping = Shaping(draft)
    shaping.state(term)
    whole, given = shaping.total(term.portion_of).at(values), values[each.columns]
    some = whole > 0
    return Fraction(float(f"{(given[some] / whole[some]).max(initial=0.0):.9g}"))


def _worded(draft: Draft, term: Term, part: Given, portion: Fraction | None) -> str:
    """In the contract's words, with the windows in which it gives."""
    currency = draft.case.currency if term.own_money is None else term.own_money.currency
    if portion is not None and isinstance(term, ConcedesPart):
        words = term.concede_part(part.part, portion)
    else:
        words = term.concede(part.part, Fraction(part.amount), plural(part.unit), currency)
    texts = [f"{named(start, end)}: {sufficient(v, plural(part.unit))}" for start, end, v in part.windows[:6]]
    more = f"; and {len(part.windows) - 6} more windows" if len(part.windows) > 6 else ""
    return words + (f" ({'; '.join(texts)}{more})" if texts else "")
