"""Take-or-pay: so much capacity is paid for in each window, taken or not.

See ``docs/terms/take-or-pay.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise
from typing import Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts.carrying import CARRIED, Brought, Carried, Carrying, goes_with
from detente.contract.amounts.make_up import MakeUp
from detente.contract.amounts.paid_once import taken_early
from detente.contract.bases.one_offer import OneOffer
from detente.contract.bases.tranche import InTranches
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.totals import Totals
from detente.contract.program import Expression, Program
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Window
from detente.contract.reminder import Reminder, last_day
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import TAKE
from detente.contract.stated import Divided
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.market.offer import AnyOffer, GpuOffer
from detente.values.money import CapacityPrice, sufficient
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, hours_between, named
from detente.values.quantity import in_percent, plain
from detente.values.quantity_field import Accelerators, Portion


class Undelivered(Noun):
    """What the seller did not have ready, between two days."""

    from_: Day = Field(description="the first day of it")
    until: Day = Field(description="the day from which it was there again")
    quantity: Accelerators

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until <= self.from_:
            raise FlawError(
                f"ends on {self.until}, not after its start on {self.from_}", "move one of them", ("until",)
            )
        return self


class TakeOrPay(OneOffer):
    """A quantity of one offer; what is not taken of the agreed part is paid at the agreed price."""

    kind: Literal["take-or-pay"]
    quantity: Accelerators = Field(description="GPUs kept for us while the clause is in force")
    take: Portion = Field(default=Decimal(1), description="the part that is paid for in any case")
    price: CapacityPrice = Field(description="of what is not taken, per GPU-hour")
    undelivered: tuple[Undelivered, ...] = Field(
        default=(), description="what the seller did not have ready: it need neither be taken nor be paid"
    )
    make_up: MakeUp | None = Field(default=None, description="what was paid and not taken may be taken later")
    carry_over: Portion = Field(
        default=Decimal(0),
        description="the part of what a window asks for by which more that is taken lowers what the next asks for",
    )
    carried: Carried = Field(default="chained", description=CARRIED)

    effect = "restrains"
    idle_at_zero = ("quantity", "take", "price")

    _deliveries: tuple[InTranches, ...] = PrivateAttr(default=())

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing in which tranches its offer comes."""
        found = self.model_copy()
        found._deliveries = tuple(d for d in clauses if isinstance(d, InTranches) and d.offer == self.offer)
        return found

    @property
    def depends_on(self) -> frozenset[str]:
        """The clauses that deliver its offer: what has not come need not be taken."""
        return frozenset(each.id for each in self._deliveries)

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        for index, (one, next_) in enumerate(pairwise(self.undelivered), start=1):
            if next_.from_ < one.until:
                what = f"begins on {next_.from_}, before the one above it ends ({one.until})"
                raise FlawError(
                    what, "write each time once, in order, with all that was missing", ("undelivered", index)
                )
        for index, each in enumerate(self.undelivered):
            if each.quantity.value > self.quantity.value:
                what = f"{each.quantity} were missing of {self.quantity}"
                raise FlawError(what, "write at most the quantity", ("undelivered", index, "quantity"))
        return self

    @model_validator(mode="after")
    def _made_up_or_carried(self) -> Self:
        if self.make_up is not None and self.carry_over:
            what = "what is taken beyond the agreed quantity makes up what was not taken, and is carried over"
            raise FlawError(what, "keep one of them: `make-up` or `carry-over`", ("carry-over",), key=True)
        goes_with(self.model_fields_set, self.carried)
        return self

    @property
    def _carrying(self) -> Carrying:
        return Carrying.of(self.carry_over, self.carried)

    def agreed(self, window: Window) -> Fraction:
        """GPU-hours to be taken in a window: by its time, so that a clause that ends within it asks for less."""
        whole = Fraction(self.quantity.value) * hours_between(window.start, window.end) * window.part
        return (whole - sum(self._missing(window), Fraction(0))) * Fraction(self.take)

    def _missing(self, window: Window) -> Iterator[Fraction]:
        """GPU-hours of it that the seller did not have ready, as far as a plan sees them."""
        start, end = window.start, window.end
        if self._seen is not None:
            start, end = max(start, self._seen.opens), min(end, self._seen.closes)
        marks = sorted({start, end, *(at for at in self._turns if start < at < end)})
        for a, b in pairwise(marks if start < end else ()):
            yield Fraction(self._lacking(a)) * hours_between(a, b)

    @property
    def _turns(self) -> Iterator[datetime]:
        """When it may change how much is ready."""
        yield from (self.begin(day) for each in self.undelivered for day in (each.from_, each.until))
        yield from (at for each in self._deliveries for at in each.arrivals)

    def _lacking(self, at: datetime) -> Decimal:
        """GPUs of it that are not ready at a moment: what is stated, and what no tranche has brought yet; not twice."""
        stated = (u.quantity.value for u in self.undelivered if self.begin(u.from_) <= at < self.begin(u.until))
        there = (each.there(at) for each in self._deliveries)
        return max(chain([Decimal(0)], stated, (self.quantity.value - gpus for gpus in there if gpus is not None)))

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """Deliveries that end before it, when not all of it has come: from then on all of it is asked for."""
        over = min(self.validity.end, horizon.closes)
        for each in self._deliveries:
            end = each.validity.end
            came = each.there(end - datetime.resolution)
            after = (other.there(end) for other in self._deliveries)
            if end < over and came is not None and came < self.quantity.value and all(gpus is None for gpus in after):
                what = f"`{each.id}` ends on {end:%Y-%m-%d}, when {plain(came)} GPU of `{self.offer}` had come:"
                remedy = "let it run on as long as this, or say what is missing then in `undelivered`"
                yield Flaw(f"{what} `{self.id}` asks for all {self.quantity} from then on", remedy)

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """From when on the seller had something not ready."""
        for index, each in enumerate(self.undelivered):
            yield ("undelivered", index, "from"), each.from_

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When the seller had something not ready."""
        yield from self.acting_days()

    def shape(self, program: Program) -> None:
        """What is taken and what is not, together, reach the agreed quantity; what is made up gives its price back."""
        windows = list(self.taken.windows)
        hours, price = [self.agreed(window) for window in windows], Fraction(self.price.amount)
        if hours:
            taken, untaken = (
                program.total(self.taken),
                program.slack(self, "untaken", most=hours, price=price, windows=windows),
            )
            reached = self._with_carried(program, taken, untaken, hours) if self.carry_over else taken
            program.require(self, "take", reached + untaken >= hours)
            if self.make_up is not None:
                self.make_up.shaped(program, self, windows, hours, taken, untaken, price)

    def _with_carried(
        self, program: Program, taken: Expression, untaken: Expression, hours: Sequence[Fraction]
    ) -> Expression:
        """What is taken, with what is brought in and less what goes on; a window that is paid for carries nothing."""
        kept = self._carrying.kept(program, self, hours)
        if self.own_money is not None:  # at another rate in the next window, a plan would rather pay in this one
            missed = program.slack(self, "missed", most=[Fraction(1) for _ in hours], whole="up")
            program.require(self, "missed", untaken - missed * hours <= [Fraction(0) for _ in hours])
            program.require(self, "not-missed", kept.all + missed * kept.most <= kept.most)
        return self._carrying.shaped(program, self, taken, kept, hours, ()).amount

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """The price of what was not taken, by window, and what is given back of it for what is made up."""
        begun = list(self.taken.begun(as_of))
        windows = [window for window, _ in begun]
        taken = [totals.total(self.taken, window) for window in windows]
        rows, brought = [], Brought()
        for (window, ended), drawn in zip(begun, taken, strict=True):
            carried, missing = self._carrying.exact(drawn, brought, self.agreed(window), Fraction(0))
            rows.append(settled(
                self.taken, window, TAKE, "untaken", ended=ended, amount=self.agreed(window), drawn=drawn,
                brought=brought.balance, carried=carried.balance, short=missing,
                owed=missing * Fraction(self.price.amount),
            ))  # fmt: skip
            brought = carried
        if self.make_up is not None:
            made = self.make_up.exact(windows, [self.agreed(window) for window in windows], taken)
            rows += [self._made(*each, hours) for each, hours in zip(begun, made, strict=True) if hours]
        return Settlement.of(rows)

    def _made(self, window: Window, ended: bool, hours: Fraction) -> Settlement:
        """What was paid before for what is made up in a window."""
        back = -hours * Fraction(self.price.amount)
        return settled(self.taken, window, "made-up", "made-up", ended=ended, amount=None, drawn=hours, owed=back)

    def explain(self) -> Reason:
        """What the clause does."""
        part = "" if self.take == 1 else f"{in_percent(self.take)} of "
        later = f"; what is paid and not taken may be taken within {self.make_up.within}" if self.make_up else ""
        later += (
            f"; up to {in_percent(self.carry_over)} of it, taken beyond it, {self._carrying.counts_in}"
            if self.carry_over
            else ""
        )
        kept = f"{part}{self.quantity} of `{self.offer}` are paid for at {self.price} {self.windows.told}, taken or not"
        by = " and ".join(f"`{name}`" for name in sorted(self.depends_on))
        ready = f"; what {by} has not delivered is not asked for" if by else ""
        return Reason(self.id, f"{kept}{ready}{later}")

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """Until when what a window leaves untaken can be made up; windows of hours and days are too many to tell."""
        if self.make_up is None or self.windows.every in ("hour", "day", "week", "term"):
            return
        for window in self.taken.windows.over(self.validity.start, until):
            lapses = min(self.make_up.lapses(window), self.validity.end)
            if lapses > window.end:
                what = "the last day on which a window may begin that makes up what was not taken in "
                yield Reminder(last_day(lapses), "right", f"{what}{named(window.start, window.end)}", SELF)

    @property
    def divides(self) -> Divided:
        """What is held through all of the time."""
        return "time"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A price in another unit; an offer of which there is less, too."""
        if self.price.unit != "GPU-hour":
            yield Flaw(f"the price is per {self.price.unit}", "expected per GPU-hour", ("price",))
        yield from super().check(case)
        if self.carry_over:
            yield from taken_early(self, self.taken.windows, case.horizon)
        for offer in case.offers:
            if offer.id == self.offer and isinstance(offer, GpuOffer):
                yield from self._of(offer, case.horizon)
                beside = [o for o in case.beside if isinstance(o, TakeOrPay) and o.offer == self.offer]
                yield from self._together(beside, offer, case.horizon)
                yield from self._twice(case, beside)

    def _of(self, offer: GpuOffer, horizon: Horizon | None) -> Iterator[Flaw]:
        """What an offer of GPUs does not give: there is less of it, or not all the time."""
        seen = self.validity.within(horizon) if horizon is not None else None
        if seen is None or seen.start >= seen.end:
            return
        if not offer.under and not offer.sold(seen.start, seen.end):
            what = f"`{offer.id}` is not on offer for all of the time for which it is to be kept"
            remedy = "let the clause and the offer begin and end on the same days (`from`, `until`)"
            yield Flaw(f"{what} ({named(seen.start, seen.end)})", remedy, ("offer",))
        there = offer.capacity.pieces(seen.start, seen.end) if offer.capacity is not None else ()
        least = min((offer.gpus(amount) for _, amount in there if amount is not None), default=None)
        if least is not None and self.quantity.value > least:
            what = f"{self.quantity} to be kept, and `{offer.id}` has a capacity of {plain(least)} GPU"
            yield Flaw(what, "lower the quantity, or raise the offer's `capacity`", ("quantity",))

    def _together(self, beside: Sequence[TakeOrPay], offer: GpuOffer, horizon: Horizon | None) -> Iterator[Flaw]:
        """More than there is of an offer, kept by several clauses at one time: said once, of the last of them."""
        seen = self.validity.within(horizon) if horizon is not None else None
        if seen is None or seen.start >= seen.end or offer.capacity is None:
            return
        marks = {seen.start, *(mark for o in beside for mark in (o.validity.start, o.validity.end))}
        times = sorted(mark for mark in marks if seen.start <= mark < seen.end)
        for start, end in pairwise([*times, seen.end]):
            kept = {o.id: o.quantity.value for o in (*beside, self) if o.validity.over(start, end)}
            there = [offer.gpus(amount) for amount in offer.capacity.over(start, end) if amount is not None]
            if there and sum(kept.values()) > min(there) >= max(kept.values()) and self.id == max(kept):
                names, all_of_them = (
                    " and ".join(f"`{name}`" for name in sorted(kept)),
                    plain(sum(kept.values(), Decimal(0))),
                )
                what = (
                    f"{names} keep {all_of_them} GPU in all, and `{offer.id}` has a capacity of {plain(min(there))} GPU"
                )
                yield Flaw(f"{what} ({named(start, end)})", "lower one, or raise the offer's `capacity`", ("quantity",))
                return

    def _twice(self, case: CaseView, beside: Sequence[TakeOrPay]) -> Iterator[Flaw]:
        """Clauses that would each count what is taken for the other, or of which one lacks what has not come."""
        for other in beside:
            seen = self.validity.within(case.horizon) if case.horizon is not None else None
            if other.id >= self.id or seen is None or not other.validity.over(seen.start, seen.end):
                continue
            if self._deliveries or case.uses(self.covered.both(other.covered)):
                what = f"`{other.id}` and `{self.id}` are of `{self.offer}` at one time, and what is taken of it,"
                what += " or has not come, would count for each"
                yield Flaw(what, "write one clause of the whole quantity, or an offer of its own for each", ("offer",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        if part == "denied":
            return super().concede(part, amount, unit, currency)
        return f"release {sufficient(amount)} GPU-hours of `{self.offer}` from the obligation"
