"""A term: one clause of an agreement, and what it knows.

Owns: ``Term`` (``judge``, ``permits``, ``shape``, ``account``, ``explain``, each with a neutral default), and what a
term may ask of a plan's program. Not here: any particular kind of clause (``terms/``), and what several say together
(``verdict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Protocol, Self

from pydantic import Discriminator, Field, PrivateAttr, Tag, model_validator

from detente.contract.case_view import CaseView
from detente.contract.posting import Posting, Standing
from detente.contract.scope import Scope, Selection
from detente.contract.stated import Magnitude, Reference, StatedWindows
from detente.contract.usage import Measure, Metered
from detente.contract.verdict import PERMIT, Reason, Verdict
from detente.contract.window import Every, Window
from detente.errors import Flaw, FlawError, Path
from detente.values.facts import Facts
from detente.values.held import held_in
from detente.values.money import Money
from detente.values.noun import Id, Noun
from detente.values.period import Day, Horizon, moment

SELF = "self"
"""The counterparty of a policy: an agreement with oneself."""


class Relation(Protocol):
    """Rows that must hold; only a program looks inside."""


class Expression(Protocol):  # noqa: PLW1641 (equal expressions are a relation, not an identity)
    """A column of linear expressions, one a window, in natural units."""

    def __add__(self, other: Expression | Sequence[Fraction], /) -> Expression: ...
    def __sub__(self, other: Expression | Sequence[Fraction], /) -> Expression: ...
    def __mul__(self, factor: Fraction, /) -> Expression: ...
    def __ge__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...
    def __le__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...
    def __eq__(self, other: Expression | Sequence[Fraction], /) -> Relation: ...  # type: ignore[override]

    def lag(self) -> Expression:
        """The previous window's expression; zero before the first."""


class Program(Protocol):
    """What a clause may ask of a plan that is being shaped. All amounts are in natural units."""

    horizon: Horizon

    def sum(self, selection: Selection, of: Measure, by: Sequence[Window]) -> Expression:
        """A measure of the plan over what a selection covers, in each window."""

    def slack(
        self, term: Term, part: str, n: int, *, price: Fraction = ..., most: Sequence[Fraction], remedy: bool = ...
    ) -> Expression:
        """``n`` new amounts of zero or more that the clause owns, at a price each.

        A ``remedy`` is what the clause grants where it is not performed (a shortfall against a fee): ``check`` asks
        whether the clauses can be performed without any.
        """

    def most(self, of: Expression) -> Sequence[Fraction]:
        """The most that each row of an expression can be, whatever else holds."""

    def require(self, term: Term, part: str, rows: Relation) -> None:
        """Rows that the clause owns (§6)."""

    def charge(self, term: Term, selection: Selection, of: Measure, rate: Fraction) -> None:
        """A cost in proportion to a measure, while the clause is in force."""

    def discount(self, term: Term, selection: Selection, rate: Fraction) -> None:
        """A lower price for what is covered, while the clause is in force: spend counts after it."""

    def survive(self, term: Term, selection: Selection, share: Fraction) -> None:
        """Standby capacity, so that losing any one provider leaves a share of each covered workload's demand."""


class Until(Noun):
    """An end that an event brings, or at the latest a date."""

    event: Id
    latest: Day | None = None


Ending = Annotated[
    Annotated[Day, Tag("day")] | Annotated[Until, Tag("event")],
    Discriminator(lambda given: "event" if isinstance(given, (dict, Until)) else "day"),
]


class Reading(Noun):
    """A named alternative scope of the same text."""

    of: Scope | None = None
    except_: tuple[Scope, ...] | None = None


@dataclass(frozen=True, slots=True)
class Force:
    """Which agreement a term stands in, with whom, and when it is in force (the end is exclusive)."""

    agreement: str
    counterparty: str
    start: datetime
    end: datetime

    def over(self, start: datetime, end: datetime) -> bool:
        """Whether any of a time lies in it; of a time without length, whether it does."""
        return start < self.end and (self.start < end or self.start == start)


class Term(Noun):
    """One clause. Each kind is one class in one file of ``terms/`` and overrides only what it changes."""

    id: Id
    kind: str
    text: str = Field(default="", description="the clause's own words", max_length=4000)
    of: Scope = Field(default=Scope(), description="which use the clause speaks of; default: all of it")
    except_: tuple[Scope, ...] = Field(default=(), description="carve-outs")
    readings: dict[Id, Reading] = Field(
        default_factory=dict, min_length=1, description="named alternative scopes of this text"
    )
    from_: Day | None = Field(default=None, description="first day in force; default: the agreement's")
    until: Ending | None = Field(default=None, description="the day or event that ends it")

    effect: ClassVar[Literal["restrains", "grants", "both"]] = "restrains"
    """Whether the clause only restrains us (without it no plan is dearer), only grants, or both."""
    theirs: ClassVar[bool] = False
    """Whether it speaks of what the other party sells, unless its scope names providers itself."""
    prices: ClassVar[bool] = False
    """Whether it changes what use costs, and so comes before every clause that measures spend."""

    _force: Force | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if self.readings and self.of.wanted:
            raise FlawError("states both `of` and `readings`", "each reading states its own `of`")
        return self

    # -- where and when ------------------------------------------------------------------------------------------
    def bound(self, force: Force, reading: str | None) -> Self:
        """The term in force, under one reading of its text (§3)."""
        update: dict[str, object] = {}
        if self.readings:
            chosen = self.readings[reading or ""]
            update["of"] = chosen.of or Scope()
            if chosen.except_ is not None:
                update["except_"] = chosen.except_
        bound = self.model_copy(update=update)
        bound._force = force
        return bound

    @property
    def force(self) -> Force:
        """When it is in force. Only of a bound term."""
        assert self._force is not None, f"term `{self.id}` is not bound to an agreement"
        return self._force

    @property
    def covered(self) -> Selection:
        """What the clause speaks of."""
        covered = Selection((self.of,), self.except_)
        named = "provider" in self.of.wanted or self.force.counterparty == SELF
        return covered if named or not self.theirs else covered.at(provider=self.force.counterparty)

    def cut_into(self, every: Every, horizon: Horizon) -> tuple[Window, ...]:
        """The clause's windows that the horizon sees."""
        return tuple(every.calendar(self.force.start, self.force.end).seen_by(horizon))

    def in_force(self, horizon: Horizon) -> Window:
        """The part of the horizon in which the clause is in force, as one window."""
        a = max(self.force.start, moment(horizon.start))
        b = max(a, min(self.force.end, moment(horizon.end)))
        return Window(0, a, b, Fraction(1))

    @property
    def standby(self) -> Selection | None:
        """Which work it wants standby capacity for. Neutral: none."""
        return None

    # -- the four questions ------------------------------------------------------------------------------------
    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """May this run there, while the clause is in force? Facts only: it may be remembered. Neutral: permit."""
        return PERMIT

    def permits(self, standing: Standing) -> Verdict:
        """May anything more that the clause covers run, as it stands? Asked at each call. Neutral: permit."""
        return PERMIT

    def shape(self, program: Program) -> None:
        """Which variables, rows and costs does the clause add to a plan? Neutral: none."""

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """What does metered use owe, draw down, earn back? Exact money. Neutral: nothing."""
        return []

    def explain(self) -> Reason:
        """What the clause does, in one sentence."""
        return Reason(self.id, self.text or f"covers {self.covered}")

    # -- for the case's own checks -----------------------------------------------------------------------------
    def references(self) -> tuple[Reference, ...]:
        """The ids of other entries that it names: the case checks that they are there. Neutral: none."""
        return ()

    def scopes(self) -> tuple[tuple[Path, Scope], ...]:
        """Every scope that it states, with its path: the case checks that each selects something.

        Neutral: ``of``, ``except`` and those of its readings. A kind with a scope of its own adds it.
        """
        found: list[tuple[Path, Scope]] = [(("of",), self.of)]
        found += [(("except", index), scope) for index, scope in enumerate(self.except_)]
        for name, reading in self.readings.items():
            found += [(("readings", name, "of"), reading.of)] if reading.of else []
            found += [(("readings", name, "except", at), scope) for at, scope in enumerate(reading.except_ or ())]
        return tuple(found)

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """How it cuts time: the case checks that the windows come, and that a plan can count in them. Neutral: not."""
        return ()

    def magnitudes(self, hours: Fraction) -> tuple[Magnitude, ...]:
        """What its amounts come to in so many hours: the case checks that a plan can add them up.

        Neutral: all money that it states. A kind that states another amount adds it.
        """
        return tuple(Magnitude(at, Fraction(held.amount), held.currency) for at, held in held_in(self, Money))

    def check(self, case: CaseView) -> Iterable[Flaw]:
        """What makes no sense in the clause while it is in force, by the path of keys in it. Neutral: nothing.

        Asked of a bound term, once for each reading that changes what it or its neighbours say.
        """
        return ()

    # -- for the answers -----------------------------------------------------------------------------------------
    def concede(self, amount: Fraction, unit: str, currency: str) -> str:
        """What relaxing this clause by so much means, in the contract's words (§8)."""
        return f"let {amount:g} {unit} pass outside this clause"
