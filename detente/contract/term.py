"""A term: one clause of an agreement, and the questions that it answers.

Owns: ``Term`` (``judge``, ``meters``, ``shape``, ``settle``, ``explain``, each with a neutral default): what any kind
may answer. Not here: what stands in a clause, and when it is in force (``clause_text``), any particular kind
(``terms/``), what only some kinds are asked (``roles``, ``payer``, ``returning``), and what several say of a use
(``reach/verdict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from detente.contract.case_view import CaseView
from detente.contract.clause_text import ClauseText
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer
from detente.contract.program import Program
from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Calendar
from detente.contract.reminder import Reminder
from detente.contract.returning import Returning
from detente.contract.roles import (
    AfterPlans,
    AsksPart,
    AvailabilityGuarantee,
    CallLimit,
    ClauseRole,
    ConcedesPart,
    DataReader,
    DatedPayment,
    GivingBack,
    Hedge,
    OwnRates,
    OwnRule,
    PriceChange,
    PricedBreach,
    StandbyHedge,
    UpToAmount,
)
from detente.contract.settled.settlement import Settlement
from detente.contract.stated import Reference
from detente.errors import Flaw, KeyPath
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.money import sufficient
from detente.values.period import Horizon
from detente.values.quantity import Span

ROLES: tuple[type[ClauseRole], ...] = (
    *(PriceChange, OwnRates, AfterPlans, GivingBack, Payer, Returning, CallLimit, OwnRule, PricedBreach, UpToAmount),
    *(ConcedesPart, AsksPart, Hedge, StandbyHedge, DatedPayment, AvailabilityGuarantee, DataReader),
)
"""What a clause may be besides."""

Effect = Literal["restrains", "grants", "both"]
"""What a kind of clause does to us. ``restrains``: whatever else is agreed, no plan is dearer without it. ``grants``:
where nothing else is agreed, no plan is cheaper without it; beside a floor that counts what is left to pay, one may be.
``both``: neither is claimed. What is claimed is held by law 5 (design §10)."""


class Term(ClauseText):
    """One clause. Each kind is one class in one file of ``terms/`` and overrides only what it changes."""

    effect: ClassVar[Effect] = "both"
    """What the kind claims of all of its clauses; neutral: nothing."""
    keeps_windows: ClassVar[bool] = True
    """Whether the last day of its windows is one to keep, as something is asked, owed or lost then; neutral: it is."""
    idle_at_zero: ClassVar[tuple[str, ...]] = ()
    """Fields of which one that is nothing leaves nothing of the clause to do; neutral: none.

    With a dot, a field of each entry of one: `tiers.off`.
    """
    fixed: ClassVar[Mapping[str, str]] = {}
    """By switch that it has no key for (`measure`, `moment`, `counts`): why that is one thing, in words.

    Of a clause that gives a part of spend back, `order`: what that is a part of, beside others.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **given: Any) -> None:
        """Refuse a kind that answers what only a role is asked, without the role. Raises TypeError."""
        super().__pydantic_init_subclass__(**given)
        for role in ROLES:
            answered = sorted(name for name in role.questions() if hasattr(cls, name))
            if answered and not issubclass(cls, role):
                what = (
                    f"`{cls.__name__}` defines `{answered[0]}`, which only `{role.__module__}.{role.__name__}` is asked"
                )
                raise TypeError(f"{what}: write `class {cls.__name__}(Term, {role.__name__})`, or call it otherwise")

    # -- what becomes of it in its case ----------------------------------------------------------------------------
    def going_on(self, validity: Validity) -> Calendar | None:
        """The windows in which it counts what a text that replaces it counts on. Neutral: none."""
        return None

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The term, once it knows what is on offer, and the clauses agreed with its party. Neutral: the same."""
        return self

    @property
    def depends_on(self) -> frozenset[str]:
        """Other clauses with its party without which it would say something else. Neutral: none."""
        return frozenset()

    def turns(self, since: datetime, until: datetime) -> Iterable[datetime]:
        """The moments at which it changes, in force between two: it is bound once for each time between. Neutral: none.

        So within the validity of a bound clause nothing of it changes, and what it says may be remembered.
        """
        return ()

    @cached_property
    def counted_time(self) -> CountedTime:
        """The time whose use it counts, which may be from before it is in force; it is that where it counts nothing.

        None of it is left to an earlier text whose windows were all taken over whole.
        """
        validity, meters = self.validity, self.meters()
        if not meters:
            return CountedTime(validity.start, validity.end)
        found = CountedTime.of(meter.counted_time for meter in meters)
        return found or CountedTime(validity.start, validity.start)

    # -- the questions -----------------------------------------------------------------------------------------
    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """May this run there, while the clause is in force? Facts only: it may be remembered. Neutral: permit."""
        return PERMIT

    def meters(self) -> tuple[Meter, ...]:
        """What the clause counts. Neutral: nothing."""
        return ()

    def shape(self, program: Program) -> None:
        """Which variables, rows and costs does the clause add to a plan? Neutral: none."""

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is owed or given back, and where the clause stands, window by window. Neutral: nothing.

        Parameters
        ----------
        totals
            Of at least the clause's own meters.
        decisions
            What the clause leaves to be decided.
        as_of
            Windows that have ended by then are settled; the one that runs owes nothing yet and shows what is accruing;
            later ones say nothing. None: all have ended (a plan covers the future).

        Raises
        ------
        SettleError
            Where a total has use in it of which it is not known whether it is covered, nobody has decided what must
            be, or ``as_of`` is None and there is no last window.
        """
        return Settlement()

    def explain(self) -> Reason:
        """What the clause does, in one sentence."""
        return Reason(self.id, self.text or f"covers {self.covered}")

    def reminds(self, since: datetime, until: datetime) -> Iterable[Reminder]:
        """The days that it names, for whoever must keep them; of what comes back, those of a time. Neutral: none.

        Its first and last day, and the windows of its amount, a case adds by itself.
        """
        return ()

    def acting_days(self) -> Iterable[tuple[KeyPath, date]]:
        """The days on which something of it happens if it is in force then, each with its place in it. Neutral: none.

        One that comes when it has ended does nothing, and its case says so.
        """
        return ()

    def fact_days(self) -> Iterable[tuple[KeyPath, date]]:
        """The days on which something happened by it, as it states, each with its place in it. Neutral: none.

        Before it was in force nothing did: its case asks whether the year is right.
        """
        return ()

    @property
    def open_after(self) -> Span | None:
        """How long after its end something may happen by it: a claim for its last window. Neutral: nothing does."""
        return None

    def overlooked(self, horizon: Horizon) -> Iterable[Flaw]:
        """What its facts leave undone in a horizon, which may be as meant: worth a note. Neutral: nothing."""
        return ()

    # -- for the case's own checks -----------------------------------------------------------------------------
    def references(self) -> tuple[Reference, ...]:
        """The ids of other entries that it names: the case checks that they are there. Neutral: none."""
        return ()

    @property
    def judges(self) -> bool:
        """Whether facts may keep work off a place by it (``judge``)."""
        return type(self).judge is not Term.judge

    @property
    def between_parties(self) -> bool:
        """Whether money passes by it from one party to the other, so that agreed with oneself it means nothing.

        It does by every kind that settles something or changes prices, unless the kind says otherwise (``OwnRule``).
        """
        moves = type(self).settle is not Term.settle or isinstance(self, PriceChange)
        return moves and not isinstance(self, OwnRule)

    def check(self, case: CaseView) -> Iterable[Flaw]:
        """What makes no sense in the clause while it is in force, by the path of keys in it. Neutral: nothing.

        Asked of a bound term, once for each reading that changes what it or its neighbours say.
        """
        return ()

    # -- for the answers -----------------------------------------------------------------------------------------
    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """What relaxing a part of this clause by so much means, in the contract's words (§8).

        ``part`` is that of the rows it requires, or `denied`. A clause that gives up a part of a whole is asked by its
        role (``ConcedesPart.concede_part``).
        """
        return f"let {sufficient(amount, unit)} pass outside this clause"
