"""The sweep of one number of a clause: what the case costs at each value of it, and where that turns.

Owns: the values tried, the kinks between them and the values at which the clause begins to cost something or costs more
than it brings. Not here: which number it is (``number``), and how a cost is found (``baseline``).

The least cost is a convex function of what a floor or a cap asks for, made of straight pieces where units can be
divided: between two values the cost lies on or below the straight line. A kink is sought where two pieces would meet,
and is ``exact`` where the cost at that value lies on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case, must_be_text, whole
from detente.errors import CaseError, Mistake, Where
from detente.outcomes.answered import answered
from detente.outcomes.baseline import Baseline, Near, stops_noted
from detente.outcomes.estimate import NOTHING, LeastCost
from detente.outcomes.saved import SavedAnswer, Status
from detente.outcomes.worth.kinks import ON_THE_LINE, Kink, Point, Segment, differ, meeting, on, rounded, slope, turns
from detente.outcomes.worth.number import ClauseNumber, Value, between, of_size, size, written
from detente.outcomes.worth.pricing import GAP
from detente.outcomes.worth.whole_agreement import first_of, whole_agreements
from detente.planner.solving.search import Progress, silent
from detente.planner.solving.solution import Stopped
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.values.money import Money

STEPS = 10
MAX_STEPS = 200

HALVINGS = 6
"""Times that the first and the last step are halved where the cost turns inside of it."""


@dataclass(frozen=True, slots=True, repr=False)
class NumberSweep(SavedAnswer):
    """What a case costs over the values of one number of a clause.

    ``without`` is its cost without the clause, ``unsigned`` without the whole agreement (None: no plan).
    ``begins`` is the value from which the clause costs more than none would, ``even`` the one at which the agreement
    costs what none would: on its other side it costs more than it saves. None where it is not within the values.
    """

    FORMAT = "detente-sweep/1"
    FILE = "sweep"
    TEXT = ("value", "unit", "currency")

    agreement: str
    term: str
    field: str
    unit: str
    stated: str | None
    points: tuple[Point, ...]
    kinks: tuple[Kink, ...]
    without: LeastCost | None
    unsigned: LeastCost | None
    begins: str | None
    even: str | None

    def rows(self) -> list[dict[str, object]]:
        """The points as plain dicts, for a data frame."""
        return [
            {
                "value": p.value,
                "number": p.number,
                "cost": p.cost and p.cost.amount,
                "bound": p.cost and p.cost.bound,
                "unit": self.unit,
                "currency": self.currency,
            }
            for p in self.points
        ]


def sweep(
    case: Case,
    of: str,
    start: str,
    end: str,
    *,
    steps: int | str = STEPS,
    gap: GivenPart = GAP,
    time_limit: GivenSeconds = None,
    progress: Progress = silent,
) -> NumberSweep | Conflict:
    """What a case costs as one number of a clause goes from ``start`` to ``end``, in so many steps.

    Parameters
    ----------
    of
        ``CLAUSE``, ``CLAUSE.FIELD`` or ``AGREEMENT/CLAUSE.FIELD``.
    start, end
        As a case writes them: ``0 USD``, ``40%``, ``2027-01-01``.

    Raises
    ------
    CaseError
        For a number that is not there, or a value that it cannot have.
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    many = whole(steps, "steps", 1, MAX_STEPS)
    must_be_text(of, "of", "a number of a clause")
    number = ClauseNumber.of(case, of)
    first, last = _ends_of(number, case, start, end)
    if type(first) is not type(last) or size(first) == size(last):
        what = f"`{written(first)}` and `{written(last)}` are not two ends of a range"
        raise CaseError.of_parameter("end", what, "write two values of one unit, as in the case")
    values = list(dict.fromkeys(between(first, last, many)))
    cases = {value: number.set(case, value, Where.of_parameter("start", "end")) for value in values}
    study = Study.of(case, time_limit=limit, progress=progress)
    return answered(case, study, least, lambda baseline: _Sweeping(baseline, number, progress).over(cases))


def _ends_of(number: ClauseNumber, case: Case, start: str, end: str) -> tuple[Value, Value]:
    """Both ends of a range, from their texts. Raises CaseError with what is wrong with either."""
    found: list[Value] = []
    mistakes: list[Mistake] = []
    for text, name in ((start, "start"), (end, "end")):
        where = Where.of_parameter(name)
        try:
            value = number.read(text, where)
            number.must_fit(case, value, where)
            found.append(value)
        except CaseError as error:
            mistakes += error.mistakes
    if mistakes:
        raise CaseError(mistakes)
    return found[0], found[1]


class _Sweeping:
    """Points as they are found, so that what is known when it is stopped is kept."""

    def __init__(self, baseline: Baseline, number: ClauseNumber, progress: Progress) -> None:
        self.baseline, self.number, self._progress = baseline, number, progress
        self.points: list[Point] = []
        self.agreement = first_of(baseline.study.case, number.agreement)
        self.between: list[Point] = []  # asked so that a turn is found, and not told
        self.kinks: list[Kink] = []
        self.without: LeastCost | None = None
        self.unsigned: LeastCost | None = None
        self.status: Status = "complete"

    def _stopped(self, how: Stopped) -> None:
        self.status = how

    def over(self, cases: Mapping[Value, Case]) -> NumberSweep:
        """All of them, or as many as there was time for."""
        like = next(iter(cases))
        with stops_noted(self.baseline.study, self._stopped):
            self._compared()
            for at, (value, case) in enumerate(cases.items(), 1):
                self._progress(f"`{self.number.term}.{self.number.field}` at {written(value)}: {at} of {len(cases)}")
                self.points.append(self._point(value, case))
            self._ends(like)
            self._kinks(like)
        case, number = self.baseline.study.case, self.number
        return NumberSweep(
            NumberSweep.FORMAT,
            *case.head,
            self.status,
            self.agreement,
            number.term,
            number.field,
            _unit(like),
            None if number.value is None else written(number.value),
            tuple(sorted(self.points, key=lambda point: point.number)),
            tuple(self.kinks),
            self.without,
            self.unsigned,
            self._crossing(self.without, like),
            self._crossing(self.unsigned, like),
        )

    def _compared(self) -> None:
        """Without the clause, and without all that was agreed with it."""
        whole = whole_agreements(self.baseline.study.case)[self.agreement]
        self.without = _cost(self.baseline.without([self.number.term]))
        self.unsigned = _cost(whole.left_out(self.baseline))

    def _point(self, value: Value, case: Case | None = None) -> Point:
        case = case or self.number.set(self.baseline.study.case, value)
        return Point(written(value), size(value), _cost(self.baseline.under(case)))

    def _ends(self, like: Value) -> None:
        """Halve the first and the last step while they turn: where in it the cost does so, one line cannot say."""
        for at_end in (False, True):
            for _ in range(HALVINGS):
                known = self._known[::-1] if at_end else self._known
                if len(known) < 3 or not differ(known[0], known[1], known[2]):
                    break
                middle = of_size(like, rounded((known[0].number + known[1].number) / 2, self._span))
                if any(point.number == size(middle) for point in known):
                    break
                self._progress(f"looking for the value at which `{self.number.term}` turns")
                point = self._point(middle)
                if point.cost is None:
                    break
                self.between.append(point)

    @property
    def _known(self) -> list[Point]:
        """The points that have a plan, in their order."""
        return [p for p in sorted([*self.points, *self.between], key=lambda p: p.number) if p.cost is not None]

    @property
    def _span(self) -> Decimal:
        numbers = [point.number for point in self.points]
        return max(numbers) - min(numbers)

    def _kinks(self, like: Value) -> None:
        """Kinks: inside a step the two straight lines beside it say where; at a point they meet there."""
        known = self._known
        for left, right in list(turns(known)):
            self._progress(f"looking for the value at which `{self.number.term}` turns")
            at = meeting(left, right)
            if at is None:
                continue
            point = self._point(of_size(like, at))
            if point.cost is None:
                continue
            exact = on(left, point) and on(right, point) and not (left[1] == right[0] and self._alone(left, right))
            if all(point.number != other.number for other in self.points):
                self.points.append(point)
            self.kinks.append(Kink(point.value, point.number, slope(*left), slope(*right), exact))

    def _alone(self, left: Segment, right: Segment) -> bool:
        """Whether two lines that share a point end there by chance: one is all that is known on its side."""
        known = self._known
        return left[0] is known[0] or right[1] is known[-1]

    def _crossing(self, other: LeastCost | None, like: Value) -> str | None:
        """The value at which the cost leaves that of another case: within a step, on its straight line."""
        if other is None:
            return None
        for one, two in pairwise((point, _over(point, other)) for point in self._known):
            (left, before), (right, after) = one, two
            if (before <= 0) != (after <= 0):
                part = max(NOTHING, min(Decimal(1), before / (before - after)))
                span = right.number - left.number
                return written(of_size(like, rounded(left.number + span * part, span)))
        return None


def _over(point: Point, other: LeastCost) -> Decimal:
    """How much more a point costs than another case, beyond what is not known of both; below 0 if less."""
    assert point.cost is not None
    over = point.cost.amount - other.amount
    unknown = point.cost.gap + other.gap + abs(other.amount) * ON_THE_LINE
    return NOTHING if abs(over) <= unknown else over


def _cost(near: Near | None) -> LeastCost | None:
    return None if near is None else near.cost


def _unit(value: Value) -> str:
    """Of its plain number."""
    if isinstance(value, Decimal | int):
        return "" if isinstance(value, int) else "of 1"
    if isinstance(value, Money):
        return value.currency
    return "day" if isinstance(value, date) else value.unit
