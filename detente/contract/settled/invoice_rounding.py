"""How a party rounds its invoices: each line, or the whole, to the cent or to another amount.

Owns: the vocabulary, and what rounding adds to the exact lines of an invoice. Postings, plans and totals stay
exact: what rounding adds is a line of its own. Not here: which agreement says it when (``case.invoices``), and what an
invoice's lines are (``planner.answer.rounded_invoices``, ``ledger.books.invoices``).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field

from detente.errors import FlawError
from detente.values.money import NANOS, of_nanos
from detente.values.noun import Noun, read_by, written_as
from detente.values.quantity import number, plain, text_of
from detente.values.quantity_field import NOT_NEGATIVE

HALF = Fraction(1, 2)

RoundingMode = Literal["half-up", "half-even", "up"]
"""``half-up``: to the nearest, a half away from zero; ``half-even``: a half to the even multiple; ``up``: to the next
higher amount, so that a credit comes to less."""


def _step(given: Any) -> int:
    """Read ``0.01``, in billionths. Raises FlawError."""
    text = text_of(given, "the amount to which invoices are rounded", "0.01")
    nanos = number(text) * NANOS
    if nanos <= 0 or nanos != int(nanos):
        what = f"`{text}` is no amount to which invoices are rounded"
        raise FlawError(what, "write for example `0.01`: more than 0, and at most 9 decimals, as all amounts have here")
    return int(nanos)


Step = Annotated[
    int, read_by(_step, written_as(rf"^{NOT_NEGATIVE}$", "0.01", "an amount of money", number=True, name="step"))
]


class InvoiceRounding(Noun):
    """How a party rounds its invoices of a month."""

    per: Literal["line", "invoice"] = Field(description="whether each line is rounded, or only what they come to")
    to: Step = Field(default=NANOS // 100, description="what amounts are a multiple of, in the case's currency: `0.01`")
    how: RoundingMode = Field(
        default="half-up", description="`half-up`, `half-even`, or `up`: to the next higher amount"
    )

    @property
    def told(self) -> str:
        """In a sentence: ``per invoice, half-up to 0.01``."""
        return f"per {self.per}, {self.how} to {plain(of_nanos(self.to))}"

    def rounded(self, amount: Fraction) -> int:
        """An amount in billionths, rounded."""
        if self.how == "up":
            return ceil(amount / self.to) * self.to
        whole, rest = divmod(abs(amount) / self.to, 1)
        away = rest > HALF or (rest == HALF and (self.how == "half-up" or whole % 2 == 1))
        return int(whole + away) * self.to * (-1 if amount < 0 else 1)

    def adds(self, lines: Iterable[int | Fraction]) -> Fraction:
        """What rounding adds to the lines of one invoice, in billionths; negative where it takes off."""
        exact = [Fraction(line) for line in lines]
        whole = sum(exact, Fraction(0))
        rounded = sum(map(self.rounded, exact)) if self.per == "line" else self.rounded(whole)
        return rounded - whole
