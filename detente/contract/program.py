"""What a clause may ask of a plan that is being shaped (``Term.shape``).

Owns: the protocol. Not here: a program (``planner.formulation``), and what any clause asks (``terms``). All amounts are
in natural units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from detente.contract.decisions import Rounding
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import UsePart
from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Calendar, Window

BEYOND = Fraction(1001, 1000)
"""What a bound is of an amount that rows hold anyway: at the same bound, a row and a column would share one price."""


class ClauseOwner(Protocol):
    """The clause that owns what it adds, so that it can be relaxed, priced and blamed (§6)."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def validity(self) -> Validity:
        """When it is in force."""

    @property
    def own_money(self) -> OwnMoney | None:
        """The currency in which it is kept, where that is not the case's."""


class Relation(Protocol):
    """Rows that must hold; only a program looks inside."""


class Expression(Protocol):  # noqa: PLW1641 (equal expressions are a relation, not an identity)
    """A column of linear expressions, one a window. Those of a meter know their windows and their unit."""

    def __add__(self, other: Expression | Sequence[Fraction], /) -> Expression: ...
    def __sub__(self, other: Expression | Sequence[Fraction], /) -> Expression: ...
    def __mul__(self, factor: Fraction | Sequence[Fraction], /) -> Expression: ...
    def __ge__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...
    def __le__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...
    def __eq__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...  # type: ignore[override]

    def lag(self) -> Expression:
        """The previous window's expression; zero before the first."""

    def like(self, other: Expression) -> Expression:
        """The same, with the windows and the unit of another: by these a row's price is told."""

    def gather(self, rows: Sequence[int], n: int) -> Expression:
        """Its rows added up into n others: ``rows`` says into which each goes, -1 into none."""


class Program(Protocol):
    """A plan's program, as clauses see it."""

    def total(self, meter: Meter, by: Sequence[Window] | None = ...) -> Expression:
        """What a meter counts, one row a window: the twin of ``Totals.total``; or by other times than its windows."""

    def even(self, windows: Calendar) -> Sequence[Window]:
        """The times over which a plan's use is even, as far as they lie in the time of some windows.

        What holds in each of many short windows holds in each of these, and these are few.
        """

    def most(self, of: Expression) -> Sequence[Fraction]:
        """The most that each row of an expression can be, whatever else holds."""

    def in_money(self, of: Expression, owner: ClauseOwner, windows: Sequence[Window]) -> Expression:
        """The same as amounts of money, in the clause's currency: what was counted, once it is priced."""

    def list_price(self, offer: str, at: datetime) -> Fraction:
        """What a unit of what is taken of an offer costs at a moment; nothing where it is not sold then."""

    def slack(
        self,
        owner: ClauseOwner,
        part: str,
        *,
        most: Sequence[Fraction],
        price: Fraction = ...,
        windows: Sequence[Window] | None = ...,
        remedy: bool = ...,
        whole: Rounding | None = ...,
    ) -> Expression:
        """New amounts from zero to ``most`` that the clause owns, at a price each, with no meaning outside the program.

        A ``remedy`` is what the clause grants where it is not performed (a shortfall against a fee): ``check`` asks
        whether the clauses can be performed without any. ``whole``: they are whole numbers, rounded so where a plan
        cannot choose them. ``windows``: for which one each is owed, by whose end a price is converted; what has a price
        says so.
        """

    def decide(
        self,
        owner: ClauseOwner,
        name: str,
        *,
        most: Sequence[Fraction],
        windows: Iterable[Window] | None = ...,
        price: Fraction = ...,
        whole: Rounding | None = ...,
    ) -> Expression:
        """New amounts from zero to ``most`` that somebody decides: ``settle`` is told them by this name, exactly.

        One for each window, or one for all time where there are none.
        ``whole``: they are whole numbers, and this is how the clause has them rounded where a plan cannot choose them.
        """

    def require(self, owner: ClauseOwner, part: str, rows: Relation) -> None:
        """Rows that the clause owns."""

    def pays(
        self, owner: ClauseOwner, of: UsePart, times: Sequence[Window], given: Expression,
        exactly: Callable[[], None] | None = ...,
    ) -> None:  # fmt: skip
        """That the clause pays some amounts of spend on a part of use, in its currency, one for each of some times.

        Totals of what is ``paid`` read them, or of a clause that is ``Returning`` those of what is ``returned``. A plan
        may choose less than the clause would pay, as long as nothing counts it: ``exactly`` is called, once, where
        something does, and adds the rows that leave no choice. None: it has none already.
        """

    def exactly(self, meter: Meter) -> None:
        """That what is ``saved`` in a meter is what it is, though a plan would rather save less: a floor counts it."""

    def charge(self, owner: ClauseOwner, meter: Meter, rate: Fraction) -> None:
        """A cost in proportion to what a meter counts (``total``), over all its windows."""

    def survive(self, owner: ClauseOwner, selection: Selection, share: Fraction) -> None:
        """Standby capacity, so that losing any one provider leaves a share of each covered workload's demand."""
