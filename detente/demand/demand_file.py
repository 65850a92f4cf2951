"""Demand in a file: what a trace and a table share.

Owns: the keys of both, and the demand of a period once a file is read. Not here: reading (``trace``,
``table``), and what serves the demand (``workload``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr

from detente.demand.pattern import Folded, Pattern, fold, hour_of, length_of, moment_of
from detente.errors import Flaw, FlawError
from detente.values.micros import HOUR
from detente.values.noun import Noun, read_by, written_as
from detente.values.period import Day, Period, moment
from detente.values.quantity import number
from detente.values.row_times import TimestampReader
from detente.values.sheet import File, Sheet

MAX_HOURS = 20 * 8766  # longer than 20 years: a time was misread

_MONDAY = date(1970, 1, 5)  # where time zero lies when no date is given


def _scale(given: Any) -> Decimal:
    found = number(str(given))
    if found <= 0:
        raise FlawError(f"`{given}` is not a factor above zero", "write for example `2.5`")
    return found


Scale = Annotated[Decimal, read_by(_scale, written_as(r"^[0-9][0-9_.eE]*$", "2.5", "a factor above zero", number=True))]


class DemandFile(Noun):
    """Demand in a file: what a trace and a table share. A kind of it has a ``read`` of its own."""

    file: File
    as_: Folded = Field(
        default="mean",
        description="one mean rate; folded onto the hours of a day or a week; or each hour at its own date",
    )
    scale: Scale = Decimal(1)
    unit: Literal["s", "ms", "us", "ns"] | None = Field(default=None, description="of times that are numbers")
    starts: Day | None = Field(
        default=None, description="the day of time zero, where times count from zero; default: a Monday"
    )
    _pattern: Pattern | None = PrivateAttr(default=None)

    @property
    def pattern(self) -> Pattern:
        """What was read, before ``scale``. Raises ValueError before ``read``."""
        if self._pattern is None:
            raise ValueError(f"{self.file}: was not read")
        return self._pattern

    @property
    def digest(self) -> str:
        """SHA-256 of what was read from the file."""
        return self.pattern.digest

    @property
    def mix(self) -> tuple[Fraction, None]:
        """The share of output in all tokens, and of cached input, which no file says.

        Raises FlawError where the file gives one rate for both.
        """
        if self.pattern.output is None:
            raise FlawError(f"{self.file}: does not tell output from input", "state `mix:` beside `demand:`")
        return self.pattern.output, None

    def hourly(self, period: Period) -> Fraction:
        """Mean Mtok an hour in a period, input and output. Raises FlawError where dated data lack it."""
        mean = self.pattern.mean(period)
        if mean is None:
            missing = self.uncovered(period.span_start, period.span_end)
            assert missing is not None, "a period without a mean has an hour without data"
            raise FlawError.of(missing)
        return mean * Fraction(self.scale)

    def uncovered(self, start: datetime, end: datetime) -> Flaw | None:
        """What is missing between two moments; None where nothing is."""
        gap = self.pattern.gap(start, end)
        if gap is None:
            return None
        first = moment_of(self.pattern.first)
        last = first + timedelta(hours=len(self.pattern.rates))
        return Flaw(
            f"{self.file}: has no data for the hour of {gap:%Y-%m-%d %H:%M}, only from {first:%Y-%m-%d %H:%M}"
            f" to {last:%Y-%m-%d %H:%M}",
            "give a longer file, or write `as: week`, `day` or `mean`",
        )

    def zero_hour(self, sheet: Sheet, clock: TimestampReader, first: int, last: int) -> int:
        """The hour since 1970 from which a file's times count. Raises FlawError where its times do not fit."""
        if last - first > MAX_HOURS * HOUR:
            sheet.stop(f"covers {length_of(Fraction(last - first, HOUR))}", "check the times and their unit")
        if not clock.from_zero(last):
            if self.starts is not None:
                sheet.stop("its times are dates of their own", "leave out `starts`")
            return 0
        if self.as_ == "dated" and self.starts is None:
            sheet.stop("its times count from zero, and `as: dated` needs dates", "add `starts: 2026-01-05`")
        return hour_of(moment(self.starts or _MONDAY))

    def holding(
        self,
        sheet: Sheet,
        zero: int,
        tokens: Mapping[int, int],
        covered: Mapping[int, int],
        per: int = 1,
        *,
        output: Fraction | None,
        left_out: tuple[str, ...] = (),
        left_out_share: Fraction = Fraction(0),
    ) -> Self:
        """A copy that holds what was read: tokens (in 1/``per``) and microseconds covered, hour by hour."""
        try:
            first, rates = fold(self.as_, zero, tokens, covered, per)
        except FlawError as error:
            (flaw,) = error.flaws
            sheet.stop(flaw.what, flaw.remedy)
        whole = self.model_copy()
        whole._pattern = Pattern(self.as_, first, rates, output, left_out, left_out_share)
        return whole
