"""Roles: what a clause of some kinds is besides, and is asked for by whoever needs it.

Owns: the bases that a kind names beside ``Term`` (``class Payment(Term, DatedPayment)``), each with the questions that
only such clauses answer. Not here: those who pay (``payer``), what every clause answers (``term``), and what
any kind answers (``terms``). A kind that answers such a question without the role is refused: nobody would ask it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse
from detente.contract.metered.totals import Totals
from detente.contract.own_money import OwnMoney
from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import Verdict
from detente.contract.service_level import ServiceLevel
from detente.contract.settled.standing import Standing
from detente.values.facts import Facts
from detente.values.quantity import NOTHING, Exact, percent_above


class ClauseRole(ABC):
    """What a clause is besides: a role sees its name, what it covers and counts, and when it is in force."""

    if TYPE_CHECKING:  # fields of the clause, and pydantic lets no attribute of a base have the name of one

        @property
        def id(self) -> str:
            """Its name."""

        @property
        def text(self) -> str:
            """The clause's own words."""

    @property
    @abstractmethod
    def validity(self) -> Validity:
        """When it is in force."""

    @property
    @abstractmethod
    def covered(self) -> Selection:
        """What it speaks of."""

    @property
    @abstractmethod
    def sold(self) -> Selection:
        """The same, with what the offers have that it names: whether another covers it is asked of this."""

    @property
    @abstractmethod
    def own_money(self) -> OwnMoney | None:
        """The currency in which it is kept, where that is not the case's."""

    @abstractmethod
    def meters(self) -> tuple[Meter, ...]:
        """What it counts."""

    @property
    @abstractmethod
    def counted_time(self) -> CountedTime:
        """The time whose use it counts."""

    @classmethod
    def questions(cls) -> frozenset[str]:
        """The names of what only this role answers."""
        above = {name for base in cls.__bases__ for name in dir(base)}
        return frozenset(name for name in vars(cls) if not name.startswith("_")) - above


class PriceChange(ClauseRole):
    """It changes what use costs, and so comes before every clause that measures spend."""

    @abstractmethod
    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """The part of the list price that it takes off; None: not known. Idle capacity: no demand."""

    def sets_price(self, demand: Facts | None, offer: Facts) -> bool:
        """Whether it says what is paid, so that it counts where it takes nothing off: the best of it and a rise is it.

        Neutral: no, as a discount of nothing is none.
        """
        return False

    @property
    def follows_list(self) -> bool:
        """Whether what it says follows the list where that is lower. Neutral: it does not."""
        return False


class OwnRates(ClauseRole):
    """It charges for use in another way than by the use, so that what use costs is not known use by use."""

    @property
    def tells_savings(self) -> bool:
        """Whether it says what it saves, time by time (``savings``, and ``Program.pays`` in a plan). Neutral: no."""
        return False

    def savings(self, totals: Totals, as_of: datetime | None) -> Iterable[PaidUse]:
        """What it saves of what use costs without it, less what it charges itself. Neutral: nothing is said."""
        return ()


class AfterPlans(ClauseRole):
    """It may count what use costs once clauses with rates of their own have covered it, and so comes after them."""

    @property
    def after_plans(self) -> bool:
        """Whether it does, as it is stated. Neutral: no."""
        return False


class GivingBack(ClauseRole):
    """It pays for use, or gives back a part of what use cost."""

    combines: ClassVar[bool] = False
    """Whether it combines with others of its kind as its agreement says (`combine`). Neutral: it does not."""

    @property
    @abstractmethod
    def most_part(self) -> Fraction:
        """The largest part of what use costs that it may give."""


class OwnRule(ClauseRole):
    """It may be agreed with oneself, though it settles something: a rule of one's own, or money to somebody else.

    What a rule charges is then what a plan counts for a breach of it: nobody is paid.
    """


class CallLimit(OwnRule):
    """It is asked at each call whether more may run, as it stands: a limit may be one's own."""

    @property
    def limits_calls(self) -> bool:
        """Whether it ever denies one, as it is stated. Neutral: yes."""
        return True

    @abstractmethod
    def permits(self, standing: Standing, need: Exact = NOTHING) -> Verdict:
        """May more that it covers run? ``need``: what the call may take, in the standing's unit; 0: anything at all."""


class PricedBreach(ClauseRole):
    """What it counts is not to be: a case that is performed has none of it."""


class UpToAmount(ClauseRole):
    """What it charges or gives back ends with the amount of its standings, of which all that is drawn is that."""


class ConcedesPart(ClauseRole):
    """What it gives up in a way out of a conflict is a part of a whole, and no amount (``Term.concede``)."""

    def concede_part(self, part: str, portion: Fraction) -> str:
        """What relaxing a part of this clause by so much of 1 means, in the contract's words. Neutral: the percentage.

        ``part`` is that of the rows it requires, `share` of those that ask one share of all; the portion is the largest
        that any window gives.
        """
        return f"give up {percent_above(portion)} of what this clause asks for"


class AsksPart(ConcedesPart):
    """It asks for a part of something: what it gives up is told as one, too."""

    @property
    @abstractmethod
    def portion_of(self) -> Meter:
        """Of what."""


class Hedge(ClauseRole):
    """It is there against the loss of a party, and asks for several of them."""

    @property
    def hedges(self) -> bool:
        """Whether it does, as it is stated. Neutral: yes."""
        return True


class StandbyHedge(Hedge, ConcedesPart):
    """It wants standby capacity, for when a party is lost, and of all work one share: it gives up a part of that."""

    @property
    @abstractmethod
    def standby(self) -> Selection:
        """The work that it wants it for."""


class DatedPayment(ClauseRole):
    """Its money is due on one day."""

    @property
    @abstractmethod
    def paid_on(self) -> date:
        """That day, at whose rate it is converted."""

    @property
    @abstractmethod
    def amount_paid(self) -> Fraction:
        """How much is due then; less than nothing where it is paid to us, nothing where it has ended by then."""

    @property
    def payee(self) -> str:
        """Who is paid. Neutral: the other party."""
        return self.validity.counterparty


class AvailabilityGuarantee(ClauseRole):
    """It says how available what it covers is to be."""

    @property
    @abstractmethod
    def service_level(self) -> ServiceLevel:
        """In which windows, and what follows where it was less."""


class DataReader(ClauseRole):
    """It names files, whose data it goes by."""

    @abstractmethod
    def with_data(self, folder: Path) -> Self:
        """The same with the files read that it names. Raises FlawError, OSError, MissingExtraError."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """A hash of what was read; empty where nothing was."""


def off_price(clause: object, demand: Facts | None, offer: Facts) -> Fraction | None:
    """The part of the list price that a clause of any kind takes off; None: not known."""
    return clause.takes_off(demand, offer) if isinstance(clause, PriceChange) else Fraction(0)


def known_part_off(clause: object, demand: Facts | None, offer: Facts) -> Fraction | None:
    """The same where it says anything of the price; None where it says nothing, too (``counted_off`` raises)."""
    part = off_price(clause, demand, offer)
    said = bool(part) or (isinstance(clause, PriceChange) and clause.sets_price(demand, offer))
    return part if said else None
