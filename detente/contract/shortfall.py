"""What becomes of what is missing of an amount: a part of it is owed, or a price for each unit, or it must be met.

Not here: how much is missing (``terms``).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from detente.errors import FlawError
from detente.values.committed import Committed, unit_of
from detente.values.money import Money, WorkPrice
from detente.values.noun import Noun
from detente.values.quantity_field import Percent


class Shortfall(Noun):
    """What happens to what is missing."""

    fee: Percent = Field(default=Decimal(1), description="of money: what is paid of the missing amount")
    price: WorkPrice | None = Field(default=None, description="of work: what is paid for each unit that is missing")

    @property
    def each(self) -> Fraction:
        """What is paid of a missing amount, or for each unit that is missing."""
        return Fraction(self.price.amount if self.price else self.fee)

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        return (
            f"what is missing is owed at {self.price}" if self.price else f"{self.fee:.0%} of what is missing is owed"
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
    if remedy != "forbidden" and price is None:
        way = f"say `shortfall: {{ price: 1.00 USD per {unit} }}`, or `shortfall: forbidden`"
        raise FlawError(f"the amount is in {amount.unit}, and what is missing has no price", way, ("amount",))
    if price is not None and price.unit != unit:
        what = f"what is missing is in {unit}, and priced per {price.unit}"
        raise FlawError(what, f"write a price per {unit}", ("shortfall", "price"))
