"""A term: one clause of an agreement, and the questions that it answers.

Owns: ``Term`` (``judge``, ``permits``, ``meters``, ``shape``, ``takes_off``, ``settle``, ``explain``, each with a
neutral default). Not here: any particular kind of clause (``terms/``), what only those answer that pay for use
(``metered/payer``), and what several say of a use (``reach/verdict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import CountingMoment
from detente.contract.metered.meter import MONEY, Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.own_money import OwnMoney
from detente.contract.program import Program
from detente.contract.reach import handover
from detente.contract.reach.ending import Ending
from detente.contract.reach.scope import Reading, Scope, Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Calendar, Every
from detente.contract.reminder import Reminder
from detente.contract.service_level import ServiceLevel
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import Standing
from detente.contract.stated import Divided, Magnitude, Reference, StatedWindows, magnitude
from detente.errors import Flaw, FlawError, KeyPath
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.held import held_in
from detente.values.money import Money, shown
from detente.values.noun import Id, Label, Noun
from detente.values.period import Day, Horizon
from detente.values.quantity import NOTHING, Amount, Exact

SELF = "self"
"""The counterparty of a policy: an agreement with oneself."""


class Term(Noun):
    """One clause. Each kind is one class in one file of ``terms/`` and overrides only what it changes."""

    id: Id
    kind: str
    text: str = Field(default="", description="the clause's own words", max_length=4000)
    of: Scope = Field(default=Scope(), description="which use the clause speaks of; default: all of it")
    except_: tuple[Scope, ...] = Field(default=(), description="carve-outs")
    parties: tuple[Label, ...] = Field(
        default=(), description="whose use it covers, by the label `party`; default: that of the agreement's parties"
    )
    readings: dict[Id, Reading] = Field(
        default_factory=dict, min_length=1, description="named alternative scopes of this text"
    )
    from_: Day | None = Field(default=None, description="first day in force; default: the agreement's")
    until: Ending | None = Field(default=None, description="the day or event that ends it")
    takes_over: handover.TakesOver | None = Field(
        default=None, description="what becomes of the window that runs when this text replaces an earlier one"
    )

    effect: ClassVar[Literal["restrains", "grants", "both"]] = "restrains"
    """Whether the clause only restrains us (without it no plan is dearer), only grants, or both."""
    theirs: ClassVar[bool] = False
    """Whether it speaks of what the other party sells, unless its scope names providers itself."""
    prices: ClassVar[bool] = False
    """Whether it changes what use costs, and so comes before every clause that measures spend."""
    fixed: ClassVar[Mapping[str, str]] = {}
    """By switch that it has no key for (`measure`, `moment`, `counts`): why that is one thing, in words."""
    given_of: ClassVar[str] = ""
    """Of a clause that gives a part of spend back: what that is a part of, beside others, in words."""
    breach: ClassVar[bool] = False
    """Whether what it counts is not to be: a case that is performed has none of it."""
    reprices: ClassVar[bool] = False
    """Whether it charges for use in another way than by the use, so that what use costs is not known use by use."""

    _validity: Validity | None = PrivateAttr(default=None)
    _seen: Horizon | None = PrivateAttr(default=None)
    _own_money: OwnMoney | None = PrivateAttr(default=None)
    _at_rates: tuple[tuple[datetime, Self], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if self.readings and self.of.wanted:
            raise FlawError("states both `of` and `readings`", "each reading states its own `of`")
        return self

    # -- where and when ------------------------------------------------------------------------------------------
    def bound(self, validity: Validity, reading: str | None) -> Self:
        """The term in force, under one reading of its text (§3)."""
        update: dict[str, object] = {}
        if self.readings:
            chosen = self.readings[reading or ""]
            update["of"] = chosen.of or Scope()
            if chosen.except_ is not None:
                update["except_"] = chosen.except_
        return self.held(validity, update)

    def held(self, validity: Validity, update: dict[str, object] | None = None) -> Self:
        """The term in force, with what is changed in it; as to its readings, as it is."""
        held = self.model_copy(update=update)
        held._validity = validity
        return held

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which remembers nothing of what it states: it may come to state something else."""
        copied = super().model_copy(update=update, deep=deep)
        for remembered in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[remembered]
        return copied

    @cached_property
    def found_windows(self) -> tuple[StatedWindows, ...]:
        """``stated_windows``, remembered: a bill asks for them with each meter. It is no part of what a term equals."""
        return self.stated_windows()

    @cached_property
    def found_calendars(self) -> dict[tuple[Every, datetime | None], Calendar]:
        """What ``calendar`` has said: where clauses stand is settled several times over for where they are heading."""
        return {}

    def divided(self, validity: Validity) -> Calendar | None:
        """The windows of its amount, were it in force so; None where it divides none."""
        every = next((stated.every for stated in self.found_windows if stated.divides == "amount"), None)
        return self.held(validity).calendar(every) if every else None

    def going_on(self, validity: Validity) -> Calendar | None:
        """The windows in which it counts what a text that replaces it counts on. Neutral: none."""
        return None

    @property
    def validity(self) -> Validity:
        """When it is in force. Only of a bound term."""
        # not `self._validity`: pydantic's way to it takes ten times as long, and a bill asks for each use of a clause
        found: Validity | None = self.__pydantic_private__["_validity"] if self.__pydantic_private__ else None
        assert found is not None, f"term `{self.id}` is not bound to an agreement"
        return found

    def begin(self, on: date) -> datetime:
        """When a day begins that the clause names, on the clock of its agreement."""
        return self.validity.begin(on)

    @property
    def covered(self) -> Selection:
        """What the clause speaks of."""
        parties = self.parties or self.validity.parties
        within = (self.of, Scope({"party": parties})) if parties else (self.of,)
        covered = Selection(within, self.except_)
        named = "provider" in self.of.wanted or self.validity.counterparty == SELF
        return covered if named or not self.theirs else covered.at(provider=self.validity.counterparty)

    @property
    def own_money(self) -> OwnMoney | None:
        """The currency of its amounts, where its rate changes in the clause's time; None: they are in the case's."""
        return self._own_money

    def kept_in(self, money: OwnMoney) -> Self:
        """The same, which compares and owes in a currency of its own."""
        kept = self.model_copy()
        kept._own_money = money
        return kept

    @property
    def at_rates(self) -> tuple[tuple[datetime, Self], ...]:
        """What holds at each moment and not for a window, at each rate of exchange, from when on; none for one rate."""
        return self._at_rates

    def kept_at(self, rates: Sequence[tuple[datetime, Self]]) -> Self:
        """The first of them, which knows the others."""
        found = rates[0][1].model_copy()
        found._at_rates = tuple(rates)
        return found

    @property
    def payee(self) -> str:
        """Who is paid what it owes. Neutral: the other party."""
        return self.validity.counterparty

    def told(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The term, once it knows what is on offer, and the clauses agreed with its party. Neutral: the same."""
        return self

    @property
    def goes_by(self) -> frozenset[str]:
        """Other clauses with its party by which it goes: without one of them it is another clause. Neutral: none."""
        return frozenset()

    def turns(self, since: datetime, until: datetime) -> Iterable[datetime]:
        """The moments at which it changes, in force between two: it is bound once for each time between. Neutral: none.

        So within the validity of a bound clause nothing of it changes, and what it says may be remembered.
        """
        return ()

    def seen_by(self, horizon: Horizon) -> Self:
        """The term as a plan sees it: its windows are those that the horizon sees, each with the part inside."""
        seen = self.model_copy()
        seen._validity, seen._seen = self._validity, horizon
        return seen

    def calendar(self, every: Every, end: datetime | None = None) -> Calendar:
        """The clause's windows: of its time in force, as far as a plan sees it where it is a plan's.

        Those of an amount are as an amendment leaves them. With an ``end``, the windows up to it.
        """
        found = self.found_calendars.get((every, end))
        if found is None:
            found = self.found_calendars[every, end] = self._calendar(every, end)
        return found

    def _calendar(self, every: Every, end: datetime | None) -> Calendar:
        first, end_ = self.validity.first, self.validity.end if end is None else end
        found = replace(every.calendar(first, end_, self.validity.zone), since=self.validity.start)
        if end is not None or any(s.every == every for s in self.found_windows):
            found = handover.begun(found, every, self.validity.begun)  # though it states no amount itself
        if end is None and any(s.divides == "amount" and s.every == every for s in self.found_windows):
            found = handover.ended(found, self.validity.ended)
        return found if self._seen is None else found.seen_by(self._seen)

    def meter(
        self,
        name: str,
        measure: Measure,
        windows: Calendar,
        of: Selection | None = None,
        moment: CountingMoment = "use",
    ) -> Meter:
        """A count of what it covers, or of some of that; of money, in the currency in which it is kept."""
        money = self.own_money if measure in MONEY else None
        return Meter(self.id, name, self.covered if of is None else of, measure, windows, moment, money)

    @property
    def standby(self) -> Selection | None:
        """Which work it wants standby capacity for. Neutral: none."""
        return None

    @property
    def service_level(self) -> ServiceLevel | None:
        """How available what it covers is to be, and what follows where it was less. Neutral: nothing is agreed."""
        return None

    @property
    def paid_on(self) -> date | None:
        """The one day on which its money is due, and at whose rate it is converted. Neutral: there is none."""
        return None

    @property
    def hedges(self) -> bool:
        """Whether it is there against the loss of a party, and asks for several of them. Neutral: where for standby."""
        return self.standby is not None

    def with_data(self, folder: Path) -> Self:
        """The same with the files read that it names. Raises FlawError, OSError, MissingExtraError. Neutral: none."""
        return self

    @property
    def digest(self) -> str:
        """A hash of what was read from files. Neutral: nothing was."""
        return ""

    # -- the questions -----------------------------------------------------------------------------------------
    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """May this run there, while the clause is in force? Facts only: it may be remembered. Neutral: permit."""
        return PERMIT

    def permits(self, standing: Standing, need: Exact = NOTHING) -> Verdict:
        """May more that the clause covers run, as it stands? Asked at each call. Neutral: permit.

        ``need`` is what the call may take, in the standing's unit; 0: anything at all.
        """
        return PERMIT

    def meters(self) -> tuple[Meter, ...]:
        """What the clause counts. Neutral: nothing."""
        return ()

    def shape(self, program: Program) -> None:
        """Which variables, rows and costs does the clause add to a plan? Neutral: none."""

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """The part of the list price it takes off, if it ``prices``; None: not known. Idle capacity: no demand."""
        return Fraction(0)

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

    # -- for the case's own checks -----------------------------------------------------------------------------
    def references(self) -> tuple[Reference, ...]:
        """The ids of other entries that it names: the case checks that they are there. Neutral: none."""
        return ()

    def scopes(self) -> tuple[tuple[KeyPath, Scope], ...]:
        """Every scope that it states, with its path: the case checks that each selects something. Neutral: all held."""
        return tuple(held_in(self, Scope))

    @property
    def judges(self) -> bool:
        """Whether facts may keep work off a place by it (``judge``)."""
        return type(self).judge is not Term.judge

    @property
    def asks_standing(self) -> bool:
        """Whether it is asked at each call whether more may run, as it stands (``permits``)."""
        return type(self).permits is not Term.permits

    @property
    def divides(self) -> Divided:
        """What a plan that sees part of a stated window would divide, and refuses to. Neutral: the window's amount."""
        return "amount"

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """How it cuts time: the case checks that the windows come, and that a plan can count in them. Neutral: all."""
        return tuple(StatedWindows(path, every, self.divides) for path, every in held_in(self, Every))

    def magnitudes(self, hours: Fraction) -> tuple[Magnitude, ...]:
        """What its amounts come to in so many hours: the case checks that a plan can add them up. Neutral: all held."""
        return tuple(magnitude(path, held, hours) for path, held in held_in(self, Money | Amount))

    def check(self, case: CaseView) -> Iterable[Flaw]:
        """What makes no sense in the clause while it is in force, by the path of keys in it. Neutral: nothing.

        Asked of a bound term, once for each reading that changes what it or its neighbours say.
        """
        return ()

    # -- for the answers -----------------------------------------------------------------------------------------
    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """What relaxing a part of this clause by so much means, in the contract's words (§8).

        ``part`` is that of the rows it requires, `share` of those that ask one share of all, or `denied`.
        """
        return f"let {shown(amount, unit)} pass outside this clause"
