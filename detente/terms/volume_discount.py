"""Volume discount: tiers of a lower price, of what lies in each tier, or of everything once a tier is reached.

See ``docs/terms/volume-discount.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts import left_over, tier_steps
from detente.contract.amounts.counting import APART, MEASURED, SAID, SpendMeasure, repriced
from detente.contract.amounts.in_full import in_full
from detente.contract.amounts.joint_tiers import JointTiers
from detente.contract.amounts.left_over import GivenBeside, LeftOver
from detente.contract.amounts.tier_steps import TierSteps
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import COUNTED, CountingMoment, untimed
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.paid_use import PaidUse, UsePart
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.rated.stacking import combined_with_prices, more_than_all, not_added
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Every, Window
from detente.contract.returning import Returning
from detente.contract.roles import off_price
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.committed import Committed, is_flow, number, told, unit_of
from detente.values.facts import Facts
from detente.values.money import Money, WorkPrice
from detente.values.noun import Noun
from detente.values.period import moment
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion


class Tier(Noun):
    """From an amount on: a part that is taken off, or the price of a unit."""

    from_: Committed = Field(description="what reaches it is in the tier")
    off: Portion | None = Field(default=None, description="the part of the money in the tier that is taken off")
    price: WorkPrice | None = Field(default=None, description="what a unit in the tier costs")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.off is None) == (self.price is None):
            raise FlawError("a tier says how much is taken off, or the price of a unit", "write `off` or `price`")
        return self

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        rate = f"{self.price}" if self.off is None else f"{in_percent(self.off)} off"
        return f"{rate} from {told(self.from_)} on"


class VolumeDiscount(Term, Returning):
    """What a window comes to is discounted by tiers, and settled when the window has ended."""

    kind: Literal["volume-discount"]
    tiers: tuple[Tier, ...] = Field(min_length=1)
    method: Literal["graduated", "all-units"] = Field(
        description="what a tier lowers: what lies in it, or everything once it is reached (retroactively)"
    )
    listed: WorkPrice | None = Field(
        default=None, description="of tiers in units: what a unit costs without them, on every offer that is covered"
    )
    lowers: Scope | None = Field(
        default=None, description="of `all-units`: which of what counts a tier lowers; default: all of it"
    )
    measure: SpendMeasure = Field(default="after-discounts", description="of tiers of money: which money fills them")
    windows: Every = Every()
    moment: CountingMoment = Field(default="use", description="of tiers of money: when what use costs counts")

    theirs: ClassVar[bool] = True
    fixed: ClassVar[Mapping[str, str]] = {
        "counts": "all that it covers fills its tiers; what of it they lower, `lowers` says",
        "order": "of what discounts leave, and no more of it than credits and service credits leave",
    }
    effect = "grants"
    idle_at_zero = ("tiers.off",)
    comes_last: ClassVar[bool] = True
    combines: ClassVar[bool] = True

    _beside: GivenBeside | None = PrivateAttr(default=None)
    _joint: JointTiers | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        units = {unit_of(tier.from_) for tier in self.tiers}
        if len(units) > 1 or any(is_flow(tier.from_) for tier in self.tiers):
            raise FlawError("tiers in different units, or in GPUs", "write all in money, GPU-hours or Mtok", ("tiers",))
        for index, (one, two) in enumerate(pairwise(self.tiers), start=1):
            if number(two.from_) == number(one.from_):
                raise FlawError(f"two tiers begin at {one.from_}", "leave one out", ("tiers", index, "from"))
            if number(two.from_) < number(one.from_):
                what = f"tiers out of order: {two.from_} comes after {one.from_}"
                raise FlawError(what, "write the smaller first", ("tiers", index, "from"))
        if self._apart and (self.method != "all-units" or not isinstance(self.tiers[0].from_, Money)):
            key, stated = ("lowers",) * 2 if self.lowers is not None else ("measure", "measure: list")
            what = f"by `{stated}` what fills a tier is not what it lowers, and here what lies in one is lowered"
            raise FlawError(what, "say `method: all-units` with tiers of money, or leave it out", (key,), key=True)
        if isinstance(self.tiers[0].from_, Money):
            self._of_money()
        elif self.listed is None:
            what = "the tiers are in units, and what a unit costs without them is not said"
            raise FlawError(what, f"write `listed: 1.00 USD per {next(iter(units))}`", ("tiers",))
        else:
            self._of_units(next(iter(units)))
        rates = self.rates
        if any(rate < 0 for rate in rates):
            raise FlawError("a tier costs more than the price before it", "raise `listed`, or lower it", ("tiers",))
        if self.method == "all-units" and not tier_steps.rising(rates):
            what = "a later tier takes less off everything than the one before it"
            raise FlawError(what, "say `method: graduated`, or write rising parts", ("tiers",))
        return self

    def _of_units(self, unit: str) -> None:
        if self.moment != "use":
            what = f"`moment: {self.moment}` is of money, and the tiers are in {unit}"
            raise FlawError(what, "leave it out, or write the tiers in money, each with `off`", ("moment",))
        for index, tier in enumerate(self.tiers):
            if tier.price is not None and tier.price.unit != unit:
                what = f"the tiers are in {unit}, and this one is priced per {tier.price.unit}"
                raise FlawError(what, f"write a price per {unit}", ("tiers", index, "price"))
        if self.listed is not None and self.listed.unit != unit:
            what = f"the tiers are in {unit}, and `listed` is per {self.listed.unit}"
            raise FlawError(what, f"write a price per {unit}", ("listed",))

    def _of_money(self) -> None:
        if self.listed is not None:
            raise FlawError("a price of a unit, and the tiers are of money", "leave out `listed`", ("listed",))
        for index, tier in enumerate(self.tiers):
            if tier.price is not None:
                what = "a price of a unit, in a tier of money"
                raise FlawError(what, "write `off`, or the tiers in units", ("tiers", index, "price"))

    @property
    def rates(self) -> tuple[Fraction, ...]:
        """What each tier takes off one unit of what is counted, in money; nothing below the first."""
        each = self.each
        found = (each - Fraction(t.price.amount) if t.price else each * Fraction(t.off or 0) for t in self.tiers)
        return (Fraction(0), *found)

    @property
    def disputed(self) -> bool:
        """Whether its text has several readings."""
        return bool(self.readings)

    @property
    def steps(self) -> TierSteps:
        """Its tiers, by themselves."""
        starts = (Fraction(0), *(number(tier.from_) for tier in self.tiers))
        return TierSteps(starts, self.rates, self.method == "all-units")

    @property
    def each(self) -> Fraction:
        """What a unit of what is counted costs without tiers; of money, one."""
        return Fraction(self.listed.amount) if self.listed else Fraction(1)

    @property
    def _apart(self) -> bool:
        """Whether what fills its tiers is not what they lower."""
        return self.lowers is not None or self.measure == "list"

    @property
    def filled(self) -> Selection:
        """What fills its tiers."""
        return super().covered

    @property
    def covered(self) -> Selection:
        """What its tiers lower, of all that fills them."""
        filled = self.filled
        return filled if self.lowers is None else replace(filled, within=(*filled.within, self.lowers))

    @property
    def counted(self) -> Meter:
        """What fills the tiers: spend after discounts, or what is taken."""
        of: Measure = MEASURED[self.measure] if isinstance(self.tiers[0].from_, Money) else "taken"
        return self.meter(of, of, self.calendar(self.windows), self.filled, self.moment)

    @property
    def spend(self) -> Meter:
        """What it gives back a part of."""
        counted = self.counted
        if self._apart:
            return self.meter("lowered", "spend", counted.windows, moment=self.moment)
        return counted if counted.measure == "spend" else self.meter("spent", "spend", counted.windows)

    def meters(self) -> tuple[Meter, ...]:
        """What fills the tiers, in each window, what they lower of it, and what others give back of that."""
        own = (self.counted, self.spend) if self._apart else (self.counted,)
        return own if self._left is None else tuple(dict.fromkeys((*own, *self._left.meters())))

    # -- beside others that give back ----------------------------------------------------------------------------
    @property
    def most_part(self) -> Fraction:
        """That of its highest tier."""
        return max(self.rates) / (self.each or 1)

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing who gives back beside it, where together they could give back more than all.

        And with which others of its agreement its tiers combine.
        """
        beside = left_over.beside(self, clauses)
        joint = JointTiers.of(self.id, [each for each in clauses if isinstance(each, VolumeDiscount)], _alike)
        found = self if beside is None and joint is None else self.model_copy()
        found._beside, found._joint = beside, joint
        return found

    @property
    def depends_on(self) -> frozenset[str]:
        """Those by which it may have less to give back of, and those with which its tiers combine."""
        names = frozenset() if self._beside is None else self._beside.names
        return names.union(() if self._joint is None else self._joint.others)

    @property
    def _left(self) -> LeftOver | None:
        """What others leave of what use costs; None where that is enough anyhow."""
        return None if self._beside is None else LeftOver.of(self.spend)

    def returned(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """What it gives back in each window."""
        of, given = UsePart(self.sold), self._given(totals, as_of)
        used = ((self.spend.use_of(window), back) for window, _, _, back in given)
        yield from (PaidUse(of, time.start, time.end, back) for time, back in used)

    # -- in a plan -----------------------------------------------------------------------------------------------
    def shape(self, program: Program) -> None:
        """What is counted lies in tiers, and each unit of a tier saves its rate."""
        windows, joint = list(self.counted.windows), self._joint
        if not windows or (joint is not None and joint.own):  # the first of them shapes all
            return
        whole = self.steps if joint is None else joint.whole
        steps = [whole.of(self.windows.share(window)) for window in windows]
        counted = self._beside is not None
        of = program.total(self.spend) if self._apart else None
        total = program.total(self.counted)
        back = tier_steps.shaped(program, self, total, steps, windows, counted=counted, lowered=of)
        exactly: Callable[[], None] | None = None
        if self._left is not None and self._beside is not None:
            left, earned = self._left.shaped(program, self, self._beside), back
            over = program.slack(self, "more than is left", most=program.most(back), price=Fraction(1), windows=windows)
            back -= over
            program.require(self, "left", back - left <= [Fraction(0) for _ in windows])
            exactly = partial(in_full, program, self, back, [left, earned], None, [0 for _ in windows])
        program.pays(self, UsePart(self.sold), [*map(self.spend.use_of, windows)], back, exactly)

    # -- in exact numbers ----------------------------------------------------------------------------------------
    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is given back for each window."""
        return Settlement.of(
            settled(
                self.counted, window, "volume", "volume-discount", ended=ended, amount=None, drawn=drawn, owed=-back
            )
            for window, ended, drawn, back in self._given(totals, as_of)
        )

    def _given(self, totals: Totals, as_of: datetime | None) -> Iterator[tuple[Window, bool, Fraction, Fraction]]:
        """Each window, whether it has ended, what counted in it, and what is given back of it."""
        meter, left, tiers, joint = self.counted, self._left, self.steps, self._joint
        for window, ended in meter.begun(as_of):
            counted = totals.total(meter, window)
            share = self.windows.share(window)
            back = tiers.of(share).off(counted) if joint is None else joint.off(counted, share)
            if self._apart:
                back = tiers.of(share).rate_of(counted) * totals.total(self.spend, window)
            if back and left is not None:
                back = min(back, left.exact(totals, window))
            yield window, ended, counted, back

    # -- for people, and for the case's checks -------------------------------------------------------------------
    def explain(self) -> Reason:
        """What the clause does."""
        what = "of what lies in each" if self.method == "graduated" else "of everything once it is reached"
        tiers = ", ".join(tier.told for tier in self.tiers)
        when = f"; it counts {COUNTED[self.moment]}" if self.moment != "use" else ""
        when += f"; {SAID[self.measure]} fills them" if self.measure == "list" else ""
        when += f"; of what counts, `{self.lowers}` is lowered" if self.lowers is not None else ""
        joint = "" if self._joint is None else f"; with {self._joint.told}"
        return Reason(self.id, f"{self.filled}: {tiers}, {what}, {self.windows.told}{joint}{when}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Use that is charged for otherwise; tiers in units over offers of another price, or one that is lowered."""
        yield from repriced(self.in_force(self.validity, {"lowers": None}), None, case, "tiers", APART)
        yield from untimed(self.moment, self.filled, case)
        if self._left is not None and self._beside is not None:
            yield from self._left.unknown(self, self._beside, case, "tiers")
        others = [other for other in case.beside if isinstance(other, VolumeDiscount)]
        joined = () if self._joint is None else self._joint.names
        apart = [other for other in others if other.id not in joined]
        yield from not_added(self, apart, case, VolumeDiscount.gives)
        if self.validity.combine == "sum":
            yield from more_than_all(self, others, case, VolumeDiscount.gives)
        yield from combined_with_prices(self, others, case, VolumeDiscount.gives)
        if self.listed is None:
            return
        sold = {offer.id: offer for offer in case.offers}
        for _, facts in case.uses(self.covered, "offer"):
            offer = sold.get(facts["offer"])
            if offer is None or not self._costs(offer, self.listed):
                what = f"`{facts['offer']}` does not cost {self.listed} for every unit at all times"
                remedy = "write a clause for each price, with its part of the quantity; or tiers in money, with `off`"
                yield Flaw(what, remedy, ("listed",))
                return
        for other in case.lowering:
            for demand, facts in case.uses(self.covered, *other.covered.keys):
                if off_price(other, demand, facts):
                    what = f"`{other.id}` changes the price of `{facts['offer']}`, which the tiers replace"
                    yield Flaw(what, "write the tiers in money, each with `off`", ("tiers",))
                    return

    def gives(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """The most that it takes off a part of what it covers; None where it is not known whether it covers it."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else covered * self.most_part

    def _costs(self, offer: AnyOffer, listed: WorkPrice) -> bool:
        """Whether a unit of an offer costs so much whenever its use counts and it has a price."""
        steps, counted = (moment(on) for on, _ in offer.price.steps if on is not None), self.counted_time
        times = [counted.start, *(at for at in steps if counted.start < at < counted.end)]
        sold = (at for at in times if offer.price.on(at) is not None)
        money = self.own_money
        found = {(offer.one_price(at), Fraction(1) if money is None else money.rate(at)) for at in sold}
        return all(price is not None and price / rate == listed.amount for price, rate in found)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return "count what is used in other tiers than the contract does"


def _alike(one: VolumeDiscount, other: VolumeDiscount) -> bool:
    """Whether two are of the same use, in the same windows, of one agreement and one method."""
    keys = ("method", "listed", "lowers", "measure", "windows", "moment", "of", "except_", "parties", "validity")
    same = all(getattr(one, key) == getattr(other, key) for key in keys)
    return same and not one._apart and unit_of(one.tiers[0].from_) == unit_of(other.tiers[0].from_)
