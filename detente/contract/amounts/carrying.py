"""What goes on from one window of an amount to the next: an excess that is carried, a shortfall that is deferred.

Owns: ``Carrying``, in exact numbers and in a plan. Not here: amounts, what counts, and what is owed
(``minimum_commitment``).

Of a balance b = S + c - A of window i, with c brought in, min(max(b, 0), kA) is carried on, and min(max(-b, 0), D) is
deferred, of at most D. What is brought into the next is the one less the other. Where an excess counts for n windows,
only that of a window itself begins to go on, min(max(S - d - A, 0), kA) with d deferred into it; what is missing of
a later one is drawn of what goes on, the oldest first, and what is left of an excess after n windows lapses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Calendar
from detente.errors import Flaw, FlawError
from detente.values.quantity import in_percent

NOTHING = Fraction(0)

MAX_WINDOWS = 24
"""An excess that counts for longer is one that goes on for good."""


def _windows(given: object) -> object:
    """A number of windows, which may be written as such. Raises FlawError."""
    number = str(given).removesuffix("s").removesuffix(" window")
    if given in ("chained", "once") or isinstance(given, bool):
        return given
    if not number.isdigit() or not 1 <= int(number) <= MAX_WINDOWS:
        what = f"`{given}` does not say for how many windows an excess counts"
        raise FlawError(what, f"expected `once`, `chained`, or a number of windows from 1 to {MAX_WINDOWS}")
    return "once" if int(number) == 1 else int(number)


Carried = Annotated[Literal["chained", "once"] | Annotated[int, Field(ge=2, le=MAX_WINDOWS)], BeforeValidator(_windows)]
CARRIED = "for how many windows an excess counts: the next (`once`), so many, or on and on (`chained`)"


def goes_with(stated: Collection[str], carried: Carried, deferral: Decimal | tuple[Decimal, ...] = Decimal(0)) -> None:
    """Refuse `carried` without `carry-over`, and for several windows beside a `deferral`. Raises FlawError."""
    if "carried" in stated and "carry_over" not in stated:
        what = "says how often an excess is carried on, and none is"
        raise FlawError(what, "add `carry-over`, or leave out `carried`", ("carried",), key=True)
    if isinstance(carried, int) and deferral:
        what = f"an excess that counts for {carried} windows, and a shortfall that goes on to the next"
        raise FlawError(what, "keep one of them: say `carried: once`, or leave out `deferral`", ("carried",))


def of_each(deferral: Collection[Decimal], windows: Calendar) -> Iterator[Flaw]:
    """A part for each window, where there are more windows, or fewer; of the last, nothing can go on."""
    count = None if windows.endless else sum(1 for _ in windows)
    if count is not None and len(deferral) not in (count - 1, count):
        what = f"{len(deferral)} {'part' if len(deferral) == 1 else 'parts'}, and there are {count} windows"
        yield Flaw(what, "write the part of each window, 0% where nothing goes on", ("deferral",))


@dataclass(frozen=True, eq=False)
class Reached:
    """What counts in each window of a plan, and what of it is deferred, of at most so much."""

    amount: Expression
    deferred: Expression | None = None
    deferrable: Sequence[Fraction] = ()

    def asked(self, amounts: Sequence[Fraction]) -> list[Fraction]:
        """The most that each window can ask for: its amount, and what the one before it may defer."""
        brought = [NOTHING, *self.deferrable] if self.deferrable else [NOTHING] * len(amounts)
        return [amount + more for amount, more in zip(amounts, brought, strict=False)]

    def before(self, program: Program, owner: ClauseOwner, short: Expression, amounts: Sequence[Fraction]) -> None:
        """That all that can be deferred is, before anything is owed of it.

        It is cheapest so where all windows have one rate of exchange; else a whole number for each says whether it is.
        """
        if self.deferred is None or owner.own_money is None:
            return
        nothing = [NOTHING for _ in amounts]
        full = program.slack(owner, "all deferred", most=[Fraction(1) for _ in amounts], whole="nearest")
        program.require(owner, "all-deferred", self.deferred - full * self.deferrable >= nothing)
        program.require(owner, "owed-after-deferral", short - full * self.asked(amounts) <= nothing)


@dataclass(frozen=True)
class Brought:
    """What goes on from one window to the next: excesses, the youngest first, and what is deferred."""

    excesses: tuple[Fraction, ...] = ()
    deferred: Fraction = NOTHING

    @property
    def balance(self) -> Fraction:
        """All of it; less than nothing, where a shortfall is deferred."""
        return sum(self.excesses, NOTHING) - self.deferred


@dataclass(frozen=True)
class CarriedByAge:
    """What is carried on from each window of a plan: by how many windows ago it was an excess, and all of it."""

    by_age: tuple[Expression, ...]
    most: Sequence[Fraction]

    @property
    def all(self) -> Expression:
        """Of every age."""
        return reduce(add, self.by_age)


@dataclass(frozen=True)
class Carrying:
    """The part of an amount that an excess may carry, and in how many windows it counts; None: again and again."""

    excess: Fraction
    windows: int | None

    @classmethod
    def of(cls, excess: Decimal, carried: Carried) -> Carrying:
        """As a clause says it."""
        windows = 1 if carried == "once" else None if carried == "chained" else carried
        return cls(Fraction(excess), windows)

    @property
    def counts_in(self) -> str:
        """Where an excess counts, in a clause's sentence."""
        if self.windows is None:
            return "counts in the next, and may go on from there"
        if self.windows == 1:
            return "counts in the next alone"
        return f"counts in the next {self.windows} where they fall short, the oldest first, and then lapses"

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        return (
            f"; an excess of up to {in_percent(self.excess)} of a window's amount {self.counts_in}"
            if self.excess
            else ""
        )

    def exact(
        self, drawn: Fraction, brought: Brought, amount: Fraction, deferrable: Fraction
    ) -> tuple[Brought, Fraction]:
        """What goes on from a window, and what is short in it."""
        over = drawn - brought.deferred - amount  # what was put off is made good first
        if self.windows is None:
            over += sum(brought.excesses, NOTHING)
        missing, left = max(-over, NOTHING), []
        for excess in reversed(brought.excesses if self.windows else ()):
            used = min(excess, missing)
            missing -= used
            left.append(excess - used)
        own = min(max(over, NOTHING), amount * self.excess)
        deferred = min(missing, deferrable)
        return Brought((own, *reversed(left))[: self.windows or 1], deferred), missing - deferred

    def kept(self, program: Program, owner: ClauseOwner, amounts: Sequence[Fraction]) -> CarriedByAge:
        """What a plan carries on from each window, of each age."""
        own = [amount * self.excess for amount in amounts]
        ages = [[NOTHING] * age + own[: len(own) - age] for age in range(min(self.windows or 1, len(own)))]
        names = ("carried", *(f"carried-{age}" for age in range(2, len(ages) + 1)))
        columns = [program.slack(owner, name, most=most) for name, most in zip(names, ages, strict=True)]
        return CarriedByAge(tuple(columns), [sum(each, NOTHING) for each in zip(*ages, strict=True)])

    def shaped(
        self, program: Program, owner: ClauseOwner, counted: Expression, kept: CarriedByAge,
        amounts: Sequence[Fraction], deferrable: Sequence[Fraction],
    ) -> Reached:  # fmt: skip
        """What counts, with what is brought in and less what goes on."""
        reached = counted + kept.all.lag() - kept.all
        if self.windows and self.excess:
            self._own(program, owner, counted, kept.by_age[0], amounts)
            for age, (younger, older) in enumerate(pairwise(kept.by_age), start=2):
                nothing = [NOTHING] * len(amounts)
                program.require(owner, f"carried-{age}", older - younger.lag() <= nothing)
        if not any(deferrable):
            return Reached(reached)
        deferred = program.slack(owner, "deferred", most=deferrable)
        return Reached(reached + deferred - deferred.lag(), deferred, deferrable)

    def _own(
        self, program: Program, owner: ClauseOwner, counted: Expression, carried: Expression,
        amounts: Sequence[Fraction],
    ) -> None:  # fmt: skip
        """Only what this window itself has beyond its amount goes on: a whole number for each says whether it has."""
        some = program.slack(owner, "excess", most=[Fraction(1)] * len(amounts), whole="nearest")
        nothing = [NOTHING] * len(amounts)
        program.require(owner, "carried-excess", carried - counted + some * amounts <= nothing)
        program.require(owner, "carried-some", carried - some * [a * self.excess for a in amounts] <= nothing)
