"""The text of a clause: what every kind may state, which use it speaks of, and when it is in force.

Owns: ``ClauseText``, the base of ``Term``: its fields, a text bound to its time, its windows, its currency, and what it
states for its case to check. Not here: the questions that a clause answers (``term``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.answer import each_of
from detente.contract.metered.counting_moment import CountingMoment
from detente.contract.metered.meter import MEASURES, MONEY, Measure, Meter
from detente.contract.own_money import OwnMoney
from detente.contract.reach import handover
from detente.contract.reach.ending import Ending
from detente.contract.reach.scope import Reading, Scope, Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Calendar, Every
from detente.contract.stated import Divided, Magnitude, StatedWindows, magnitude
from detente.errors import FlawError, KeyPath
from detente.values.facts import Facts
from detente.values.held import held_in
from detente.values.money import Money
from detente.values.noun import Id, Label, Noun
from detente.values.period import Day, Horizon
from detente.values.quantity import Amount

SELF = "self"
"""The counterparty of a policy: an agreement with oneself."""


class ClauseText(Noun):
    """What stands in a clause of any kind, and what follows from that and from its time alone."""

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

    theirs: ClassVar[bool] = False
    """Whether it speaks of what the other party sells, unless its scope names providers itself."""

    _validity: Validity | None = PrivateAttr(default=None)
    _seen: Horizon | None = PrivateAttr(default=None)
    _own_money: OwnMoney | None = PrivateAttr(default=None)
    _on_offer: Mapping[str, Facts] = PrivateAttr(default_factory=dict)
    _run_for: Mapping[str, Collection[str | None]] = PrivateAttr(default_factory=dict)
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
        return self.in_force(validity, update)

    def in_force(self, validity: Validity, update: dict[str, object] | None = None) -> Self:
        """The term in force, with what is changed in it; as to its readings, as it is."""
        found = self.model_copy(update=update)
        found._validity = validity
        return found

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which remembers nothing of what it states: it may come to state something else."""
        copied = super().model_copy(update=update, deep=deep)
        for remembered in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[remembered]
        return copied

    @cached_property
    def found_windows(self) -> tuple[StatedWindows, ...]:
        """``stated_windows``, remembered: a bill asks for them with each meter. It is no part of what a term equals."""
        instead = "each `StatedWindows`"
        return tuple(each_of(self, "stated_windows", self.stated_windows(), StatedWindows, instead))

    @cached_property
    def found_calendars(self) -> dict[tuple[Every, datetime | None], Calendar]:
        """What ``calendar`` has said: where clauses stand is settled several times over for where they are heading."""
        return {}

    def divided(self, validity: Validity) -> Calendar | None:
        """The windows of its amount, were it in force so; None where it divides none."""
        every = next((stated.every for stated in self.found_windows if stated.divides == "amount"), None)
        return self.in_force(validity).calendar(every) if every else None

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
        """What the clause speaks of; what stands idle of offers that run for its parties alone is theirs."""
        covered = Selection((self.of, *self._of_parties), self.except_)
        named = "provider" in self.of.wanted or self.validity.counterparty == SELF
        return covered if named or not self.theirs else covered.at(provider=self.validity.counterparty)

    @cached_property
    def _of_parties(self) -> tuple[Scope, ...]:
        parties = self.parties or self.validity.parties
        alone = [offer for offer, whose in self._run_for.items() if {*whose} <= {*parties}]
        return (Scope({"party": parties}, idle=alone),) if parties else ()

    def among(self, sold: Mapping[str, Facts], run_for: Mapping[str, Collection[str | None]]) -> Self:
        """The same, which knows of the offers by id what a scope may ask of them wherever they run.

        And ``run_for`` whom each can, by the label `party` of work (None: of work without it), where that is known.
        """
        found = self.model_copy()
        found._on_offer, found._run_for = sold, run_for
        return found

    @cached_property
    def sold(self) -> Selection:
        """What it covers, with what the offers have that it names: whether another covers it is asked of this."""
        return self.covered.as_sold(self._on_offer)

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
        """A count of what it covers, or of some of that; of money, in the currency in which it is kept.

        Raises ValueError where there is no such measure.
        """
        if measure not in MEASURES:
            what = f"`{self.id}` counts `{measure}` in its meter `{name}`, and there is no such measure"
            raise ValueError(f"{what}; write one of {', '.join(f'`{each}`' for each in MEASURES)}")
        money = self.own_money if measure in MONEY else None
        return Meter(self.id, name, self.covered if of is None else of, measure, windows, moment, money)

    # -- for the case's own checks -----------------------------------------------------------------------------
    def scopes(self) -> tuple[tuple[KeyPath, Scope], ...]:
        """Every scope that it states, with its path: the case checks that each selects something. Neutral: all held."""
        return tuple(held_in(self, Scope))

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
