"""Service credit: part of what a month cost is given back where the service was available too little.

See ``docs/terms/service-credit.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts import cap_in_all, left_over
from detente.contract.amounts.counting import APART, OF_CHARGES, repriced
from detente.contract.amounts.in_full import in_full
from detente.contract.amounts.left_over import GivenBeside, LeftOver
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse, UsePart
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.rated.stacking import more_than_all
from detente.contract.reach import handover
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.reminder import Reminder, last_day
from detente.contract.returning import Returning
from detente.contract.roles import AvailabilityGuarantee, DataReader
from detente.contract.service_level import ServiceLevel
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.stated import Divided
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.incidents import IncidentFile, ObservedOutages
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.money import Cash
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, later, named
from detente.values.quantity import Span, in_percent
from detente.values.quantity_field import Length, Portion


class AvailabilityBand(Noun):
    """Below which availability, which part is given back."""

    below: Portion = Field(description="the availability below which it holds")
    credit: Portion = Field(description="the part of the window's spend that is given back")


class MeasuredWindow(Noun):
    """How available it was in one window, and when that was claimed."""

    on: Day = Field(description="any day of the window")
    availability: Portion | None = Field(default=None, description="default: what the file of `incidents` says")
    claimed: Day | None = Field(default=None, description="the day on which the credit was claimed")


class ServiceCredit(Term, AvailabilityGuarantee, DataReader, Returning):
    """By bands of availability. A window of which nobody has stated it gives nothing: it is not known, and not zero."""

    kind: Literal["service-credit"]
    bands: tuple[AvailabilityBand, ...] = Field(min_length=1, description="from the mildest to the worst")
    measured: tuple[MeasuredWindow, ...] = Field(default=(), description="what was measured, or agreed on")
    incidents: IncidentFile | None = Field(
        default=None, description="outages that were observed: what they leave of a window, where it is not stated"
    )
    claim_within: Length | None = Field(
        default=None, description="how long after a window's end it must be claimed; default: it need not be"
    )
    cap: Cash | None = Field(default=None, description="the most that is given back in all")
    windows: Every = Every(every="month")

    theirs: ClassVar[bool] = True
    fixed: ClassVar[Mapping[str, str]] = {
        **OF_CHARGES,
        "order": "of what discounts leave, and no more of it than credits leave",
    }
    effect = "grants"
    idle_at_zero = ("bands.credit", "cap")
    keeps_windows = False

    _outages: ObservedOutages | None = PrivateAttr(default=None)
    _beside: GivenBeside | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _worse_is_more(self) -> Self:
        below = [band.below for band in self.bands]
        credit = [band.credit for band in self.bands]
        if below != sorted(set(below), reverse=True) or credit != sorted(set(credit)):
            what = "the bands are not from the mildest to the worst"
            raise FlawError(what, "write a lower `below` with a larger `credit` after it", ("bands",))
        if self.windows.ramp:
            raise FlawError("a ramp divides an amount, and there is none", "leave it out", ("windows", "ramp"))
        self._known_from()
        return self

    def _known_from(self) -> None:
        """Where availability comes from: each window states it, or a file does that says what was observed."""
        if self.incidents is None:
            bare = next((i for i, each in enumerate(self.measured) if each.availability is None), None)
            if bare is not None:
                what = "says no `availability`, and no file of `incidents` does"
                raise FlawError(what, "write it, or `incidents: { file: … }`", ("measured", bare))
        elif self.incidents.from_ is None or self.incidents.until is None:
            what = "days without an outage and days that were not observed look alike in a file of incidents"
            raise FlawError(what, "say which days were observed: `from` and `until`", ("incidents",))

    def with_data(self, folder: Path) -> Self:
        """The same with its file read. Raises FlawError, MissingExtraError."""
        if self.incidents is None:
            return self
        found = self.model_copy()
        found._outages = self.incidents.outages(folder)
        return found

    @property
    def digest(self) -> str:
        """Of the outages that were observed."""
        return "" if self._outages is None else self._outages.digest

    @property
    def spend(self) -> Meter:
        """What it is a part of."""
        return self.meter("spend", "spend", self._cycle)

    @property
    def _cycle(self) -> Calendar:
        """Its windows, which go on from those of a text that it replaces."""
        return handover.gone_on(self.calendar(self.windows), self.windows, self.validity.begun)

    def going_on(self, validity: Validity) -> Calendar | None:
        """Its windows."""
        return self.in_force(validity)._cycle

    # -- its cap in all ----------------------------------------------------------------------------------------------
    def divided(self, validity: Validity) -> Calendar | None:
        """All of its time, of which an amendment leaves it a part of its cap."""
        return None if self.cap is None else self.in_force(validity)._whole

    @property
    def _whole(self) -> Calendar:
        """All of its time as one window; of a party that is lost, the cap is as it was."""
        valid, every = self.validity, Every()
        found = replace(every.calendar(valid.first, valid.end, valid.zone), since=valid.start)
        amended = valid.ended if valid.ended is not None and valid.ended.counting is not None else None
        return handover.ended(handover.begun(found, every, valid.begun), amended)

    @property
    def _most(self) -> Fraction | None:
        """What it gives back in all, at most."""
        if self.cap is None:
            return None
        return Fraction(self.cap.amount) * sum((window.due for window in self._whole), Fraction(0))

    # -- beside others that give back ----------------------------------------------------------------------------
    @property
    def most_part(self) -> Fraction:
        """That of the worst band; nothing where nothing was measured."""
        return Fraction(self.bands[-1].credit) if self.measured or self.incidents is not None else Fraction(0)

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing who gives back beside it, where together they could give back more than all."""
        beside = left_over.beside(self, clauses)
        found = self if beside is None else self.model_copy()
        found._beside = beside
        return found

    @property
    def depends_on(self) -> frozenset[str]:
        """Those by which it may have less to give back of."""
        return frozenset() if self._beside is None else self._beside.names

    @property
    def _left(self) -> LeftOver | None:
        """What others leave of what it is a part of; None where that is enough anyhow."""
        return None if self._beside is None else LeftOver.of(self.spend)

    def returned(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """What it gives back in each window."""
        of = UsePart(self.sold)
        yield from (PaidUse(of, w.start, w.end, back) for w, _, back in self._given(totals, as_of))

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window, and what others give back of it."""
        return (self.spend,) if self._left is None else self._left.meters()

    def rate(self, window: Window) -> Fraction:
        """The part that is given back in a window: of the worst band, once it is claimed."""
        found, known = self._stated(window), self.availability(window)
        if known is None or (self.claim_within and (found is None or found.claimed is None)):
            return Fraction(0)
        return self._of_band(known)

    def _stated(self, window: Window) -> MeasuredWindow | None:
        return next((each for each in self.measured if window.start.date() <= each.on <= last_day(window.end)), None)

    def availability(self, window: Window) -> Decimal | None:
        """That of a window: as stated, else as observed; None where it is not known."""
        found = self._stated(window)
        if found is not None and found.availability is not None:
            return found.availability
        seen = self._observed
        inside = seen is not None and seen[0] <= window.start and window.end <= seen[1]
        return self._outages.availability(window.start, window.end) if inside and self._outages is not None else None

    @property
    def _observed(self) -> tuple[datetime, datetime] | None:
        """The days that were observed, on the clock of its agreement."""
        file = self.incidents
        return (self.begin(file.from_), self.begin(file.until)) if file and file.from_ and file.until else None

    def _of_band(self, availability: Decimal) -> Fraction:
        return max((Fraction(b.credit) for b in self.bands if availability < b.below), default=Fraction(0))

    def shape(self, program: Program) -> None:
        """What is given back: a part of each window's spend, which is known before."""
        windows = list(self.spend.windows)
        rates = [self.rate(window) for window in windows]
        if not any(rates):
            return
        earned = program.total(self.spend) * rates
        left = []
        if self._left is not None and self._beside is not None:
            left.append(self._left.shaped(program, self, self._beside))
        most, bounds = self._most, [*left, earned]
        given = program.slack(self, "given", most=program.most(earned), price=Fraction(-1), windows=windows)
        for part, bound in zip(("left", "earned")[-len(bounds) :], bounds, strict=True):
            program.require(self, part, given - bound <= [Fraction(0) for _ in rates])
        if most is not None:
            in_all = program.in_money(given.gather([0 for _ in rates], 1), self, ())  # windows: all of its time
            program.require(self, "cap", in_all <= [most])
        full = None if most is None else [most for _ in rates]
        exact = partial(in_full, program, self, given, bounds, full, [0 for _ in rates])
        exactly: Callable[[], None] | None = exact
        if most is not None and self.own_money is not None:  # a plan would rather have it at another rate
            exact()
            exactly = None
        program.pays(self, UsePart(self.sold), windows, given, exactly)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is given back in each window of which it is known."""
        return Settlement.of(
            settled(self.spend, window, "service-credit", "service-credit", ended=ended, amount=None,
                    drawn=back, owed=-back)
            for window, ended, back in self._given(totals, as_of)
        )  # fmt: skip

    def _given(self, totals: Totals, as_of: datetime | None) -> Iterator[tuple[Window, bool, Fraction]]:
        """Each window in which anything is given back, whether it has ended, and how much."""
        meter, room, left = self.spend, self._most, self._left
        for window, ended in meter.begun(as_of):
            back = totals.total(meter, window) * self.rate(window)
            if back and left is not None:
                back = min(back, left.exact(totals, window))
            if room is not None:
                back = min(back, room)
                room -= back
            if back:
                yield window, ended, back

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day for each claim that is open."""
        for window in self._known() if self.claim_within else ():
            known, found = self.availability(window), self._stated(window)
            if known is not None and self._of_band(known):
                what = f"the last day to claim for {named(window.start, window.end)}"
                claimed = None if found is None else found.claimed
                yield Reminder(self._last_claim(window), "notice", what, SELF, claimed)

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """Credits of what was measured that nobody has claimed; windows of which some days alone were observed."""
        seen = self._observed
        for window in self._known() if seen is not None and self._outages is not None else ():
            assert seen is not None, "there are windows of it"
            first, last = seen
            if self.availability(window) is None and first < window.end and window.start < min(last, horizon.closes):
                of, days = named(window.start, window.end), f"{first.date()} to {last_day(last)}"
                what = f"of {of} not every day was observed by `{self.id}` ({days}), so that nothing is given back"
                yield Flaw(what, "correct `from` and `until` (the day after the last), or state it in `measured`")
        for window in self._known() if self.claim_within else ():
            known, stated = self.availability(window), self._stated(window)
            part = self._of_band(known) if known is not None else None
            if part and window.start < horizon.closes and (stated is None or stated.claimed is None):
                what = f"{in_percent(part)} of {named(window.start, window.end)} by `{self.id}` is not claimed, so that"
                remedy = f"say the day on which it was `claimed`, {self._last_claim(window)} at the latest"
                yield Flaw(f"{what} nothing is given back", remedy)

    def _known(self) -> Iterator[Window]:
        """The windows of which anything is stated, or was observed."""
        calendar = self._cycle
        days = [(self.begin(each.on), self.begin(each.on)) for each in self.measured]
        days += [self._observed] if self._observed is not None else []
        found = {window.index: window for start, end in days for window in calendar.over(start, end)}
        yield from (found[index] for index in sorted(found))

    def _last_claim(self, window: Window) -> date:
        assert self.claim_within is not None, "there is a last day"
        return last_day(later(window.end, self.claim_within))

    @property
    def open_after(self) -> Span | None:
        """As long as its last window may be claimed."""
        return self.claim_within

    @property
    def service_level(self) -> ServiceLevel:
        """In the windows of its credits."""
        return ServiceLevel(self._cycle, self._follows)

    def _follows(self, window: Window, availability: Decimal) -> str:
        """Which part it gives back, and by when it must be claimed."""
        part = self._of_band(availability)
        if not part:
            return "nothing"
        claim = f", if claimed by {self._last_claim(window)}" if self.claim_within else ""
        return f"{in_percent(part)}{claim}"

    def explain(self) -> Reason:
        """The bands, and that what is not measured gives nothing."""
        bands = ", ".join(f"{in_percent(b.credit)} below {in_percent(b.below)}" for b in self.bands)
        claim = f", where it is claimed within {self.claim_within}" if self.claim_within else ""
        known = f"{len(self.measured)} measured" if self.measured else "none is measured, so nothing is counted on"
        if self.incidents is not None:
            known = f"measured from {self.incidents.file}, {self.incidents.from_} to {self.incidents.until}"
            known += ": outside these days nothing is counted on"
        each = f"of each {self.windows.every}'s spend ({self.covered})"
        most = f", at most {self.cap.told} in all" if self.cap is not None else ""
        return Reason(self.id, f"by availability, a part {each} is given back: {bands}{claim}{most}; {known}")

    @property
    def divides(self) -> Divided:
        """Nothing: what is given is a part of what was spent."""
        return "nothing"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Two measures of one window, or a day in none; a late claim; credits of more than everything."""
        yield from repriced(self, None, case, "bands", APART)
        if self._left is not None and self._beside is not None:
            yield from self._left.unknown(self, self._beside, case, "bands")
        begun = self.validity.begun
        if begun is not None and begun.running is not None and begun.how == "whole-window":
            yield cap_in_all.not_whole(self, "given back")
        seen: dict[int, MeasuredWindow] = {}
        calendar = self._cycle
        for index, each in enumerate(self.measured):
            window = next(iter(calendar.over(self.begin(each.on), self.begin(each.on))), None)
            if window is None:
                when = named(self.validity.start, self.validity.end)
                yield Flaw(f"{each.on} is in no window ({when})", "is the year right?", ("measured", index, "on"))
            elif window.index in seen:
                what = f"{each.on} and {seen[window.index].on} are in one window ({named(window.start, window.end)})"
                yield Flaw(what, "keep one of them", ("measured", index, "on"))
            elif each.claimed and self.begin(each.claimed) < window.start:
                what = f"was claimed on {each.claimed}, before {named(window.start, window.end)}, for which it is"
                yield Flaw(what, "is the year right?", ("measured", index, "claimed"))
            elif each.claimed and self.claim_within and each.claimed > self._last_claim(window):
                what = f"was claimed on {each.claimed}, and the last day for it was {self._last_claim(window)}"
                yield Flaw(what, "leave `claimed` out: a late claim gives nothing", ("measured", index, "claimed"))
            if window is not None:
                seen.setdefault(window.index, each)
        others = [other for other in case.beside if isinstance(other, ServiceCredit)]
        yield from more_than_all(self, others, case, ServiceCredit.gives)

    def gives(self, demand: Facts | None, offer: Facts) -> Decimal | None:
        """The most that it may give, of what it covers; None where that is not known."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else self.bands[-1].credit * covered
