"""A budget: how much may be used of money, tokens, requests or calls at a time, by whom, in which windows.

Owns: what a budget states, and where it is told that it is nearly used up. Not here: keeping it
(``ledger/caps/budgets``, the gateway's ``serving``), and caps that a plan keeps too (the clause ``spending-cap``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from detente.contract.reach.scope import Scope
from detente.errors import Flaw, FlawError
from detente.live.budget_window import SHORT, BudgetCycle, WallWindows
from detente.live.notice import Notify
from detente.values.facts import RESERVED
from detente.values.money import NANOS, Cash
from detente.values.noun import Id, Noun
from detente.values.period import Day
from detente.values.quantity_field import Count, Many, TokenAmount
from detente.values.zone import Zone

BudgetMeasure = Literal["money", "tokens", "input-tokens", "output-tokens", "requests", "concurrency"]
PER = r"^[a-z][a-z0-9_.-]*$"
KEY = "key"
"""What a budget may ask for beside what a clause may: whose key is presented."""


class BudgetAmounts(Noun):
    """So much of each in a window; what is not stated is not limited."""

    every: BudgetCycle | None = Field(default=None, description="the window of the amounts; `term`: one for all time")
    zone: Zone = Field(default="UTC", description="the time zone in which days, weeks and months begin")
    starts: Day | None = Field(default=None, description="first day of the first window; default: the calendar's own")
    money: Cash | None = Field(default=None, description="spend after discounts")
    tokens: TokenAmount | None = Field(default=None, description="tokens in all, input and output")
    input_tokens: TokenAmount | None = Field(default=None, description="tokens of input")
    output_tokens: TokenAmount | None = Field(default=None, description="tokens of output")
    requests: Many | None = Field(default=None, description="requests that a provider is asked")
    concurrency: Count | None = Field(default=None, description="calls at a time")

    def incomplete(self) -> Iterator[Flaw]:
        """What is missing, and what goes with nothing else. Whoever reads one asks: what is stated is held to the case.

        So that a currency that is not the case's is told beside a window that is missing.
        """
        stated = [measure for measure, _ in self.amounts]
        if not stated:
            yield Flaw("limits nothing", "state `money`, `tokens`, `requests` or `concurrency`")
        elif self.every is None and stated != ["concurrency"]:
            what = f"states `{next(each for each in stated if each != 'concurrency')}`, and not in which time"
            yield Flaw(what, "add `every: month`, `day` or `minute`, or `every: term` for all time")
        if self.every in SHORT and self.starts is not None:
            yield Flaw(f"each {self.every} begins by the clock", "take `starts` out", ("starts",), key=True)

    @property
    def amounts(self) -> Iterator[tuple[BudgetMeasure, int]]:
        """What it limits, in whole numbers: billionths of money, single tokens, requests and calls."""
        if self.money is not None:
            yield "money", int(self.money.amount * NANOS)
        if self.tokens is not None:
            yield "tokens", self.tokens
        if self.input_tokens is not None:
            yield "input-tokens", self.input_tokens
        if self.output_tokens is not None:
            yield "output-tokens", self.output_tokens
        if self.requests is not None:
            yield "requests", self.requests
        if self.concurrency is not None:
            yield "concurrency", self.concurrency

    def windows(self, measure: BudgetMeasure) -> WallWindows:
        """The windows in which an amount is counted.

        Calls at a time are counted by the day, so that what a machine held that is gone for good comes back.
        """
        if measure == "concurrency" or self.every is None:
            return WallWindows("day")
        return WallWindows(self.every, "UTC" if self.every in SHORT else self.zone, self.starts)


class UseBudget(BudgetAmounts):
    """A budget: calls that it covers, and all that count towards a budget ``within`` it, use it up together."""

    id: Id
    text: str = Field(default="", description="what it is for, in words", max_length=4000)
    of: Scope | None = Field(
        default=None, description="which calls it covers, as clauses say it, or by `key`; default: what is `within` it"
    )
    except_: tuple[Scope, ...] = Field(default=(), description="calls of these that it does not cover")
    agreement: Id | None = Field(default=None, description="only what runs at the other party of this agreement")
    per: Annotated[str, StringConstraints(pattern=PER, max_length=120)] | None = Field(
        default=None, description="`key`, `workload` or a label: each of its values has a budget of its own"
    )
    within: Id | None = Field(default=None, description="the budget that its calls count towards, too")
    notify: Notify | None = Field(default=None, description="where 80% and 100% are told; default: `serving.notify`")

    @property
    def labels(self) -> set[str]:
        """What it asks of a call that a key or the call itself states."""
        asked = {key for scope in (self.of, *self.except_) if scope is not None for key in scope.wanted}
        return {*asked, *([self.per] if self.per else [])} - {*RESERVED, KEY}

    @model_validator(mode="after")
    def _of_something(self) -> UseBudget:
        if self.except_ and self.of is None:
            what = "states `except`, and not of what"
            raise FlawError(what, "add `of:` (`of: {}` is everything)", ("except",), key=True)
        return self
