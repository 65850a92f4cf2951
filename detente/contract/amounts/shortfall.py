"""What becomes of what is missing of an amount: a part of it is owed, or a price for each unit, or a lump sum.

Or it must be met. Not here: how much is missing (``terms``), and a charge that later use draws (``prepayment``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from detente.contract.amounts.milestone import drawn_within, only_prepaid
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Window
from detente.contract.settled.threshold import ROUNDING, enough, in_whole_quanta, least, left, missing, open_to
from detente.errors import FlawError
from detente.values.committed import Committed, is_flow, unit_of
from detente.values.money import Cash, Money, WorkPrice
from detente.values.noun import Noun
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Percent

LUMP = "lump"
"""The part that says that a lump sum is owed: paid, and nothing that is missing."""


class Shortfall(Noun):
    """What happens to what is missing."""

    fee: Percent = Field(default=Decimal(1), description="of money: what is paid of the missing amount")
    price: WorkPrice | None = Field(default=None, description="of work: what is paid for each unit that is missing")
    lump: Cash | None = Field(default=None, description="what is paid for a window in which anything is missing")
    charged_as: Literal["fee", "prepayment"] = Field(
        default="fee", description="whether what is paid is lost, or a prepayment that later use draws"
    )
    valid_for: Length | None = Field(
        default=None, description="how long after its window a prepayment may be drawn; default: as long as the clause"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        stated = [
            key for key in ("fee", "price", "lump") if key in self.model_fields_set and getattr(self, key) is not None
        ]
        if len(stated) > 1:
            raise FlawError(f"says both `{stated[0]}` and `{stated[1]}`", "keep one of them", (stated[1],))
        if self.prepaid and (self.fee != 1 or self.price or self.lump):
            what = "a prepayment is of all that is missing, and something else is said"
            raise FlawError(what, "say `fee: 100%`, or `charged-as: fee`", ("charged-as",))
        only_prepaid(self.valid_for, prepaid=self.prepaid)
        return self

    @property
    def prepaid(self) -> bool:
        """Whether what is missing is charged as a prepayment."""
        return self.charged_as == "prepayment"

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is owed for what is missing."""
        return not self.each and not (self.lump and self.lump.amount)

    @property
    def each(self) -> Fraction:
        """What is paid of a missing amount, or for each unit that is missing."""
        if self.lump is not None:
            return Fraction(0)
        return Fraction(self.price.amount if self.price else self.fee)

    def _lump(self, window: Window) -> Fraction:
        """That of a window: what an amendment leaves of it, and all of that, however little of it a plan sees."""
        return Fraction(self.lump.amount) * window.due if self.lump else Fraction(0)

    def owed(self, short: Fraction, window: Window, *, of_money: bool) -> Fraction:
        """For what is missing in a window; a rounding brings no lump sum."""
        return short * self.each + (self._lump(window) if missing(short, of_money=of_money) else 0)

    def asked(
        self, program: Program, reached: Expression, amounts: list[Fraction], *, of_money: bool
    ) -> list[Fraction]:
        """What is to be reached in each window of a plan: of a lump sum, what is enough that none is owed."""
        if self.lump is None:
            return amounts
        whole = amounts if of_money else [in_whole_quanta(amount) for amount in amounts]
        return enough(whole, program.most(reached), least(of_money=of_money))

    def shaped(
        self, program: Program, owner: ClauseOwner, asked: Sequence[Fraction], windows: Sequence[Window],
        reached: Expression, carried: Expression, most: Sequence[Fraction], *, of_money: bool,
    ) -> Expression:  # fmt: skip
        """What is missing in each window of a plan, beside what is ``reached``, of all that can be ``asked`` there.

        A window that falls short carries nothing (of at most ``most``). Where more that is missing costs the same, or
        costs another rate of exchange in the next window, a plan would rather have both: then a whole number for each
        says which.
        """
        price, nothing = self.each, [Fraction(0) for _ in asked]
        short = program.slack(owner, "shortfall", most=asked, price=price, windows=windows, remedy=True)
        if self.lump is None and (owner.own_money is None or not any(most)):
            return short
        missed = program.slack(owner, "missed", most=[Fraction(1) for _ in asked], whole="up")
        over = short
        if self.lump is not None:
            most_left, each = left(of_money=of_money)
            over = short - program.slack(owner, ROUNDING, most=[most_left for _ in asked], price=each, windows=windows)
        program.require(owner, "missed", over - missed * asked <= nothing)
        program.require(owner, "not-missed", carried + missed * most <= most)
        if self.lump is not None:
            lumps, can = [self._lump(window) for window in windows], open_to(asked, program.most(reached))
            program.require(owner, "surely-missed", missed >= [1 - one for one in can])
            paid = program.slack(owner, LUMP, most=lumps, price=Fraction(1), windows=windows, remedy=True)
            program.require(owner, LUMP, paid.like(reached) - missed * lumps >= nothing)
        return short

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        if self.lump is not None:
            return f"where anything is missing, {self.lump.told} is owed"
        if self.prepaid:
            return f"what is missing is charged as prepayment, which {drawn_within(self.valid_for)} without counting"
        return (
            f"what is missing is owed at {self.price}"
            if self.price
            else f"{in_percent(self.fee)} of what is missing is owed"
        )


Remedy = Annotated[
    Annotated[Shortfall, Tag("fee")] | Annotated[Literal["forbidden"], Tag("forbidden")],
    Discriminator(lambda given: "fee" if isinstance(given, (dict, Shortfall)) else "forbidden"),
]


def priced(remedy: Shortfall | Literal["forbidden"], amount: Committed) -> None:
    """Raise FlawError where what is missing has no price, or one in another unit than the amount."""
    price = None if remedy == "forbidden" else remedy.price
    if isinstance(amount, Money):
        if price is not None:
            raise FlawError("a price of what is missing of money", "say `fee`, a part of it", ("shortfall", "price"))
        return
    unit = unit_of(amount)
    if remedy != "forbidden" and (lump := remedy.lump) is not None:
        if is_flow(amount):
            raise FlawError(
                f"a lump sum {lump} in each hour", f"say `price: 1.00 USD per {unit}`", ("shortfall", "lump")
            )
    elif remedy != "forbidden" and price is None:
        way = f"say `shortfall: {{ price: 1.00 USD per {unit} }}`, or `shortfall: forbidden`"
        raise FlawError(f"the amount is in {amount.unit}, and what is missing has no price", way, ("amount",))
    if price is not None and price.unit != unit:
        what = f"what is missing is in {unit}, and priced per {price.unit}"
        raise FlawError(what, f"write a price per {unit}", ("shortfall", "price"))
