"""Minimum commitment: spend or take at least so much in each window, or pay for what is missing.

See ``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from itertools import chain
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, PrivateAttr, Tag, model_validator

from detente.contract.amounts import bought, carrying, paid_once, prepayment
from detente.contract.amounts.carrying import CARRIED, Brought, Carried, Carrying, Reached
from detente.contract.amounts.counting import (
    MEASURED,
    SAID,
    CountedClasses,
    Counting,
    MoneyMeasure,
    lowered,
    paid_apart,
    plans_apart,
    repriced,
)
from detente.contract.amounts.milestone import (
    APART,
    Milestone,
    alike_charged,
    from_before,
    milestone_days,
    on_last_days,
    out_of_order,
)
from detente.contract.amounts.shortfall import LUMP, Remedy, Shortfall, priced
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import COUNTED, CountingMoment, untimed
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.reminder import Reminder
from detente.contract.roles import AfterPlans, DatedPayment, OwnRule
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import FLOOR, SUPERSEDED
from detente.contract.stated import Divided, StatedWindows
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.committed import Committed, is_flow, number, over, told, unit_of
from detente.values.money import Money, sufficient
from detente.values.noun import Id
from detente.values.period import Horizon
from detente.values.quantity import Amount, in_percent
from detente.values.quantity_field import Portion

Deferral = Annotated[
    Annotated[Portion, Tag("each")] | Annotated[tuple[Portion, ...], Tag("some")],
    Discriminator(lambda given: "some" if isinstance(given, (list, tuple)) else "each"),
]
EVERY_HOUR = Every(every="hour")
"""The windows of GPUs at any time, unless others are stated."""


class MinimumCommitment(Term, AfterPlans, OwnRule):
    """Eligible spend, or work, of at least an amount in each window; part of an excess carries over to the next."""

    kind: Literal["minimum-commitment"]
    amount: Committed = Field(description="of each window; with a ramp: of all windows together; `50 GPU`: at any time")
    measure: MoneyMeasure | None = Field(
        default=None, description="which money counts; must be said where a discount or a credit covers what counts"
    )
    moment: CountingMoment = Field(
        default="use", description="when it counts: as it is used, when it is invoiced, or when it is bought"
    )
    counts: CountedClasses = Field(default=(), description="classes of use that count up to a part of it")
    prepayments: tuple[Id, ...] = Field(
        default=(), description="payments to the other party that count on their day, as what they buy does not again"
    )
    windows: Every = Every()
    shortfall: Remedy = Shortfall()
    carry_over: Portion = Field(
        default=Decimal(0), description="the part of a window's amount that an excess may carry"
    )
    carried: Carried = Field(default="chained", description=CARRIED)
    deferral: Deferral = Field(
        default=Decimal(0),
        description="the part of a window's amount of which a shortfall goes on to the next; or of each window its own",
    )
    milestones: tuple[Milestone, ...] = ()

    theirs: ClassVar[bool] = True
    effect = "restrains"
    idle_at_zero = ("amount",)

    _payments: tuple[DatedPayment, ...] = PrivateAttr(default=())
    _as_of: datetime | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _of_money_or_work(self) -> Self:
        priced(self.shortfall, self.amount)
        if isinstance(self.amount, Amount):
            self._of_work(self.amount)
        self._in_one_unit()
        by_window = ("milestones",) if self.windows.every != "term" else ()
        reaching = [k for k in (*by_window, "carry_over", "deferral") if getattr(self, k)]
        if self.counts and reaching:
            key = reaching[0].replace("_", "-")
            what = "classes that count up to a part of a window's amount, and amounts that reach over windows"
            one = f"keep one of them, `counts` or `{key}`: how much of a class would go on is not planned yet"
            raise FlawError(what, APART if key == "milestones" else one, (key,))
        self._of_shortfall()
        carrying.goes_with(self.model_fields_set, self.carried, self.deferral)
        if self.after_plans and self._drawn:
            what = "what is charged as prepayment pays for use, and how much of what savings plans charge is not said"
            raise FlawError(what, "say `charged-as: fee`, or `measure: list`", ("measure",))
        alike_charged(self.milestones, by_window=self.windows.every != "term")
        return self

    def _of_shortfall(self) -> None:
        """What a charge that is no part of what is missing, or no fee, does not go with."""
        if not isinstance(self.shortfall, Shortfall):
            return
        if self.shortfall.lump is not None and self.deferral:
            what = "a lump sum for a window that falls short, and a shortfall that goes on to the next"
            raise FlawError(what, "keep one of them: `lump` or `deferral`", ("deferral",))
        beside = [key for key in ("milestones", "carry_over", "deferral") if getattr(self, key)]
        if self.shortfall.prepaid and (beside or isinstance(self.amount, Amount)):
            key = beside[0].replace("_", "-") if beside else "amount"
            what = "what is missing of each window is charged as prepayment"
            what += f", which goes with no `{key}`" if beside else ", which is of money"
            remedy = {"milestones": APART, "amount": "state an `amount` of money"}.get(key, f"leave out `{key}`")
            raise FlawError(what, f"{remedy}, or say `charged-as: fee`", (key,))

    def _of_work(self, amount: Amount) -> None:
        timed = self.moment if self.moment != "use" else None
        for key, stated in (("measure", self.measure), ("moment", timed), ("prepayments", self.prepayments)):
            if stated:
                raise FlawError(
                    f"`{key}` is of money, and the amount is in {amount.unit}", f"leave out `{key}`", (key,)
                )
        if is_flow(amount) and self.windows.ramp:
            raise FlawError(
                "a ramp divides an amount, and GPUs hold at any time", "write GPU-hours", ("windows", "ramp")
            )

    def _in_one_unit(self) -> None:
        unit = unit_of(self.amount)
        for index, milestone in enumerate(self.milestones):
            both_money = isinstance(milestone.reach, Money) and isinstance(self.amount, Money)
            if unit_of(milestone.reach) != unit and not both_money:  # two currencies are made one by the case's rates
                what = f"the amount is in {unit}, and this milestone in {unit_of(milestone.reach)}"
                raise FlawError(what, "write both in one unit", ("milestones", index, "reach"))

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing the payments that count."""
        if not self.prepayments:
            return self
        found = self.model_copy()
        found._payments = tuple(e for e in clauses if isinstance(e, DatedPayment) and e.id in self.prepayments)
        return found

    @property
    def depends_on(self) -> frozenset[str]:
        """The payments that count."""
        return frozenset(self.prepayments)

    # -- what counts ---------------------------------------------------------------------------------------------
    @property
    def _bought(self) -> bought.PaidAhead:
        return bought.bought(self._payments, self._seen, self._as_of)

    @property
    def after_plans(self) -> bool:
        """Whether what savings plans charge counts, and not the use that they cover."""
        return self.measure == "after-plans"

    @property
    def cycle(self) -> Every:
        """How it cuts time: GPUs at any time hold in every hour, unless it says otherwise."""
        return EVERY_HOUR if is_flow(self.amount) and "windows" not in self.model_fields_set else self.windows

    @property
    def _every_hour(self) -> bool:
        """Whether every hour is asked for the same, so that of a time in which use is even all of it may be."""
        return is_flow(self.amount) and self.cycle.every == "hour" and not self.carry_over and not self.deferral

    @property
    def measured(self) -> Measure:
        """What it measures."""
        return MEASURED[self.measure or "after-discounts"] if isinstance(self.amount, Money) else "taken"

    @cached_property
    def counting(self) -> Counting:
        """What counts towards each window; remembered, since each window asks for it."""
        return Counting.of(self._meter("spend", self.calendar(self.cycle)), self.counts, self.measure, self._bought)

    def _meter(self, name: str, windows: Calendar) -> Meter:
        return self.meter(name, self.measured, windows, moment=self.moment)

    @property
    def reached(self) -> tuple[tuple[Milestone, Counting], ...]:
        """What counts towards each milestone: all from the clause's first day. A plan sees those of its horizon."""
        every = ((m, self._up_to(m, f"milestone-{index}")) for index, m in enumerate(self.milestones))
        return tuple((milestone, counting) for milestone, counting in every if self._sees(milestone))

    def _up_to(self, milestone: Milestone, name: str) -> Counting:
        meter = self._meter(name, self.calendar(Every(), self.begin(milestone.by)))
        return Counting.of(meter, self.counts, self.measure, self._bought)

    def _sees(self, milestone: Milestone) -> bool:
        """A milestone after a plan's horizon, or after an amendment, is no part of it."""
        amended = self.validity.end < self.begin(milestone.by) <= self.validity.as_signed
        return not amended and (self._seen is None or milestone.by <= self._seen.end)

    @property
    def _drawn(self) -> bool:
        """Whether anything that it charges is drawn by use."""
        return self._prepaid or (isinstance(self.shortfall, Shortfall) and self.shortfall.prepaid)

    @property
    def _prepaid(self) -> bool:
        return any(milestone.prepaid for milestone in self.milestones)

    @property
    def stages(self) -> tuple[prepayment.PrepaidStage, ...]:
        """The time between milestones that are charged as prepayment, and after the last."""
        seen = [milestone for milestone in self.milestones if self._sees(milestone)] if self._prepaid else []
        window = next(iter(self.counting.own.windows), None)
        if not seen or window is None:
            return ()
        whole = self._meter("stage", self.calendar(self.windows))
        return tuple(prepayment.stages(seen, whole, window, self.counts, self.measure, self._bought))

    @property
    def superseded(self) -> Counting | None:
        """What counted in the window that an amendment took over whole; None where it took over none."""
        ended = self.validity.ended
        if ended is None or ended.running is None or ended.how != "whole-window":
            return None
        taken = Calendar("term", ended.running.start, ended.running.start, self.validity.end)
        meter = self._meter(SUPERSEDED, taken if self._seen is None else taken.seen_by(self._seen))
        return Counting.of(meter, (), self.measure if self.after_plans else None, self._bought)

    def meters(self) -> tuple[Meter, ...]:
        """What counts in each window, up to each milestone, and in a window that was taken over."""
        taken = self.superseded
        stages = (meter for stage in self.stages for meter in stage.meters())
        milestones = (meter for _, counting in self.reached for meter in counting.meters())
        return *self.counting.meters(), *milestones, *stages, *(taken.meters() if taken else ())

    def required(self, window: Window) -> Fraction:
        """The amount of a window."""
        if is_flow(self.amount):
            return over(self.amount, window.start, window.end) * window.part
        return number(self.amount) * self.cycle.share(window)

    # -- in a plan -----------------------------------------------------------------------------------------------
    def shape(self, program: Program) -> None:
        """What counts and what is carried in, with what is missing, less what is carried out, reaches the amount."""
        own = self.counting.own.windows
        windows = program.even(own) if self._every_hour else list(own)
        amounts = [self.required(window) for window in windows]
        if amounts:
            kept = self._carrying.kept(program, self, amounts)
            if self.stages:
                all_of_it = program.total(self.counting.own)
                reached = counted = prepayment.shaped(self.stages, program, self, amounts[0]).like(all_of_it)
                going_on = Reached(reached)
            else:
                if isinstance(self.shortfall, Shortfall) and self.shortfall.prepaid:
                    valid_for = self.shortfall.valid_for
                    prepayment.shaped_by_window(program, self, self.counting, windows, amounts, valid_for)
                    return
                counted = self.counting.shaped(program, self, amounts, windows)
                deferrable = [self._deferrable(window, amount) for window, amount in zip(windows, amounts, strict=True)]
                going_on = self._carrying.shaped(program, self, counted, kept, amounts, deferrable)
                reached = going_on.amount
            if isinstance(self.shortfall, Shortfall):
                left, of_money = (kept.all, kept.most), isinstance(self.amount, Money)
                amounts = self.shortfall.asked(program, reached, amounts, of_money=of_money)
                asked = going_on.asked(amounts)
                short = self.shortfall.shaped(program, self, asked, windows, reached, *left, of_money=of_money)
                reached += short
                going_on.before(program, self, short, amounts)
            program.require(self, "floor", reached >= amounts)
        for milestone, counting in self.reached if not self._prepaid else ():
            milestone.shaped(program, self, counting)

    @property
    def _carrying(self) -> Carrying:
        return Carrying.of(self.carry_over, self.carried)

    def _deferrable(self, window: Window, amount: Fraction) -> Fraction:
        """How much of a window's shortfall may go on: nothing where no window comes after it, or none a plan sees."""
        after = self.counting.own.windows.numbered(window.index + 1) if self.deferral else None
        if after is None or (self._seen is not None and after.start >= self._seen.closes):
            return Fraction(0)
        if not isinstance(self.deferral, tuple):
            return amount * Fraction(self.deferral)
        return amount * Fraction(self.deferral[window.index] if window.index < len(self.deferral) else 0)

    # -- in exact numbers ----------------------------------------------------------------------------------------
    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """Drawdown, balance carried over and shortfall fee of each window; fees of missed milestones."""
        if self.prepayments and as_of != self._as_of:
            known = self.model_copy()
            known._as_of = as_of
            return known.settle(totals, decisions, as_of)
        if self.stages:
            whole = next(iter(self.counting.own.windows))
            owed = partial(self._owed, whole)
            floors = prepayment.settled(self.stages, totals, as_of, self.required(whole), owed)
        elif isinstance(self.shortfall, Shortfall) and self.shortfall.prepaid:
            valid_for = self.shortfall.valid_for
            floors = prepayment.settled_by_window(self.counting, totals, as_of, self.required, valid_for)
        else:
            reached = enumerate(self.reached)
            met = (m.settled(index, counting, totals, as_of) for index, (m, counting) in reached)
            floors = chain(self._floors(totals, as_of), *met)
        return Settlement.of([*floors, *self._taken_over(totals, as_of)])

    def _owed(self, window: Window, short: Fraction) -> Fraction:
        """For what is missing in a window."""
        if not isinstance(self.shortfall, Shortfall):
            return Fraction(0)
        return self.shortfall.owed(short, window, of_money=isinstance(self.amount, Money))

    def _floors(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        counting, brought = self.counting, Brought()
        for window, ended in counting.own.begun(as_of):
            amount = self.required(window)
            drawn = counting.drawn(totals, window, amount)
            carried, short = self._carrying.exact(drawn, brought, amount, self._deferrable(window, amount))
            yield settled(
                counting.own, window, FLOOR, "shortfall-fee", ended=ended, amount=amount, drawn=drawn,
                brought=brought.balance, carried=carried.balance, short=short, owed=self._owed(window, short),
            )  # fmt: skip
            brought = carried

    def _taken_over(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        counting, ended = self.superseded, self.validity.ended
        if counting is None or ended is None or ended.running is None:
            return
        amount = self.required(ended.running)
        for window, over_ in counting.own.begun(as_of):
            drawn = counting.drawn(totals, window, amount)
            yield settled(counting.own, window, SUPERSEDED, None, ended=over_, amount=amount, drawn=drawn)

    # -- for people, and for the case's checks -------------------------------------------------------------------
    def explain(self) -> Reason:
        """What the clause does."""
        price = self.shortfall.told if isinstance(self.shortfall, Shortfall) else "it must be met"
        what = SAID[self.measure or "after-discounts"] if isinstance(self.amount, Money) else "what is taken"
        parts = self.deferral if isinstance(self.deferral, tuple) else (self.deferral,)
        some = ", ".join(map(in_percent, parts))
        of_each = " (of each window in turn)" if len(parts) > 1 else ""
        classes = self._carrying.told
        classes += f"; {some} of it may be made good in the next window{of_each}" if any(parts) else ""
        classes += "".join(f"; {c.told(milestones=bool(self.milestones))}" for c in self.counts)
        classes += "".join(f"; `{name}` counts on the day on which it is paid" for name in self.prepayments)
        classes += "" if self.moment == "use" else f"; it counts {COUNTED[self.moment]}"
        milestones = "".join(f"; {m.told}" for m in self.milestones)
        sentence = f"at least {told(self.amount)} of {what} ({self.covered}) {self.cycle.told}"
        return Reason(self.id, f"{sentence}; {price}{classes}{milestones}")

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """Its milestones, and when what is prepaid lapses."""
        yield from milestone_days(self.milestones, self.validity, SELF)
        if isinstance(self.shortfall, Shortfall) and self.windows.every not in ("hour", "day"):
            charged = self.counting.own.windows.over(self.validity.start, until)
            yield from prepayment.lapse_days(charged, self.shortfall.valid_for, self.validity.end)

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """Milestones on a day that a contract may count in, and a remedy that costs nothing."""
        yield from on_last_days(self.id, self.milestones)
        if isinstance(self.shortfall, Shortfall) and self.shortfall.is_nothing:
            what = f"`{self.id}` may be missed at no cost, and no plan keeps to it for its own sake: "
            yield Flaw(f"{what}its `shortfall` is nothing", "write what was agreed on (`forbidden`: it must be met)")

    @property
    def divides(self) -> Divided:
        """Its amount; GPUs at any time go by the time itself."""
        return "time" if is_flow(self.amount) else "amount"

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount; of GPUs, each hour where it states none."""
        return (StatedWindows(("windows",), self.cycle, self.divides),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Money that is not said which; milestones that make no sense, or count from before the horizon."""
        if isinstance(self.amount, Money) and self.measure is None:
            yield from lowered(self, case, drawn=self._drawn)
        yield from paid_apart(self.counting, self, case)
        yield from bought.flaws(self, self.prepayments, self._payments, self.counting, self.measure, case)
        yield from untimed(self.moment, self.covered, case)
        if isinstance(self.amount, Money):
            yield from repriced(self, self.measure, case)
        for counting in (self.counting, *(counting for _, counting in self.reached)):
            yield from plans_apart(counting, self, case)
        if isinstance(self.deferral, tuple) and not (self.validity.begun or self.validity.ended):
            whole = self.in_force(replace(self.validity, ended=None)).calendar(self.cycle)
            yield from carrying.of_each(self.deferral, whole)
        yield from out_of_order(self.milestones, self.validity, self._in_all)
        beside = [other for other in case.beside if isinstance(other, MinimumCommitment)]
        yield from paid_once.flaws(self, beside, case)
        yield from from_before(self.milestones, self.validity, case.horizon, divided=self.windows.cut == "prorate")

    @property
    def _in_all(self) -> Committed | None:
        """The amounts of all windows together, as agreed; None where there is no last one, or they are of GPUs."""
        windows = self.in_force(replace(self.validity, ended=None)).calendar(self.windows)
        if windows.endless or is_flow(self.amount):
            return None
        total = sum((self.required(window) for window in windows), Fraction(0))
        value = Decimal(total.numerator) / total.denominator
        if isinstance(self.amount, Money):
            return Money(value, self.amount.currency)
        return Amount(value, self.amount.unit)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        unit = currency if isinstance(self.amount, Money) else unit_of(self.amount)
        if milestone := next((each for each, counting in self.reached if counting.own.name == part), None):
            missed = f"the milestone of {told(milestone.reach)} by {milestone.by}"
            return f"accept {sufficient(amount, unit)} less than {missed}"
        if part == LUMP:
            return f"pay the lump sum of {sufficient(amount, currency)}"
        for counting in (self.counting, *(c for _, c in self.reached), *(stage.to_date for stage in self.stages)):
            if counted := dict(zip(counting.class_parts, self.counts, strict=True)).get(part):
                return f"count {sufficient(amount, unit)} more of {counted.of}"
        return f"accept a shortfall of {sufficient(amount, unit)} against this commitment"
