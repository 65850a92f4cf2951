"""Budgets as caps that are kept live: which cover a call, what it takes of each, and what they say where that is much.

Owns: from the budgets of a case, and of the key that is presented, to caps; and what calls on the books used of them.
Not here: what a budget states (``live/budget``), and who keeps count (``leasing``, ``gateway/serving/caps``).

Whether a call counts is not always known: it may state no label that a budget asks for. Then it counts (§2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from detente.case.agreement import Agreement, clock_of, endings
from detente.case.case import Case
from detente.contract.reach.scope import Selection
from detente.contract.reach.verdict import Reason, Verdict
from detente.ledger.caps.cap import BookedCall, Cap, CapLimit, CapRoom, CapTaker, holder_of
from detente.ledger.caps.clause_caps import PricedTaker
from detente.ledger.caps.leasing import CapWindow
from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.metering import Tariff
from detente.live.budget import KEY, BudgetAmounts, BudgetMeasure, UseBudget
from detente.live.budget_name import BudgetName
from detente.live.key import Key
from detente.live.notice import Notify
from detente.live.presented import Presented
from detente.values.facts import Facts
from detente.values.micros import at_micros
from detente.values.money import NANOS
from detente.values.period import moment

OF_KEY = "key/"
"""What the id of a key's own budget begins with."""
SAID: dict[BudgetMeasure, tuple[str, str]] = {
    "tokens": ("token", "tokens"),
    "input-tokens": ("token of input", "tokens of input"),
    "output-tokens": ("token of output", "tokens of output"),
    "requests": ("request", "requests"),
    "concurrency": ("call at a time", "calls at a time"),
}
"""What is counted, in a sentence: one, and several; money has its currency."""
WEIGHTS: dict[BudgetMeasure, tuple[int, int]] = {"tokens": (1, 1), "input-tokens": (1, 0), "output-tokens": (0, 1)}
"""What a token of input counts, and one of output."""


@dataclass(frozen=True, eq=False)
class BudgetCap(Cap):
    """One amount of a budget, of all whom it covers or of one of them (``whose``)."""

    id: str
    of: BudgetName
    name: str
    limit: int
    currency: str
    told_at: Notify | None = None

    @property
    def notice(self) -> Notify | None:
        """Its own."""
        return self.told_at

    def of_one(self, whose: str) -> BudgetCap:
        """The same of one of those whom it covers."""
        name = self.of._replace(whose=whose)
        return replace(self, of=name, name=name.text)

    @property
    def unit(self) -> int:
        """Money is in billionths."""
        return NANOS if self.of.measure == "money" else 1

    @property
    def comes_back(self) -> bool:
        """Calls at a time do."""
        return self.of.measure == "concurrency"

    @property
    def budget(self) -> bool:
        """It is."""
        return True

    @property
    def brief(self) -> bool:
        """Calls at a time, and what is counted by the minute."""
        return self.comes_back or self.of.windows.every == "minute"

    def at(self, moment: datetime) -> CapLimit | None:
        """What it allows."""
        window = self.of.windows.at(moment)
        if window is None:
            return None
        return CapLimit(CapWindow(self.name, window.index), window.start, window.end, self.limit)

    def denies(self, room: CapRoom) -> Verdict:
        """There is no room: what remains, until when, and what the call would take."""
        if self.comes_back:
            said = f"{self.called} allows {self.told(self.limit)}, and as many are under way"
        else:
            left = self.told(max(0, room.left))
            said = f"{self.called} allows {self.told(self.limit)} {self.when(room.allows)}: {left} left"
            said += f", and the call may take {self.told(room.needs)}"
        return Verdict("deny", Reason(self.id, said))

    @property
    def called(self) -> str:
        """Which budget it is, in a sentence."""
        whose = f" of `{self.of.whose}`" if self.of.whose else ""
        return f"budget `{self.id}`{whose}"

    @property
    def counts(self) -> str:
        """What of use it counts."""
        return self.of.measure

    @property
    def details(self) -> Mapping[str, str]:
        """What it counts, and of whom."""
        return {"measure": self.of.measure, "of": self.of.whose} if self.of.whose else {"measure": self.of.measure}

    def when(self, allows: CapLimit) -> str:
        """As the clock on the wall has it."""
        return self.of.windows.said(allows.start, allows.end)

    def told(self, amount: int) -> str:
        """An amount in words: exact."""
        if self.of.measure == "money":
            return f"{self.exact(amount)} {self.currency}"
        return f"{amount:,} {SAID[self.of.measure][amount != 1]}"


class CountedTaker(CapTaker):
    """A budget of tokens, requests or calls at a time, as a call meets it: prices play no part."""

    __slots__ = ("_base", "_each", "_input", "_output")

    def __init__(self, cap: BudgetCap, allows: CapLimit) -> None:
        self.cap, self.allows, self.unknown = cap, allows, ""
        self._input, self._output = WEIGHTS.get(cap.of.measure, (0, 0))
        self._base = 0 if self._input or self._output else 1
        self._each = 1 if cap.of.measure == "requests" else 0

    def takes(self, tokens: TokenCounts) -> int:
        """Requests count one; a call at a time holds its place until it ends, and has taken nothing."""
        return self._each + tokens.input * self._input + tokens.output * self._output

    def about(self, tokens: TokenCounts) -> int:
        """What it holds until then."""
        return self._base + tokens.input * self._input + tokens.output * self._output


class CaseBudgets:
    """The budgets of a case."""

    def __init__(self, case: Case) -> None:
        self._currency = case.currency
        self._of = {budget.id: budget for budget in case.declared.budgets}
        agreements = {agreement.id: agreement for agreement in case.declared.agreements}
        self._agreements = {b.id: agreements[b.agreement] for b in self._of.values() if b.agreement is not None}
        self._times = {name: _time(agreement, agreements) for name, agreement in self._agreements.items()}
        self._selections = {b.id: self._selection(b) for b in self._of.values() if b.of is not None or b.agreement}

    def _selection(self, budget: UseBudget) -> Selection:
        found = Selection((budget.of,) if budget.of is not None else (), budget.except_)
        agreement = self._agreements.get(budget.id)
        return found if agreement is None else found.at(provider=agreement.with_)

    @property
    def ids(self) -> Collection[str]:
        """Their names."""
        return self._of.keys()

    def __bool__(self) -> bool:
        return bool(self._of)

    # -- what callers may be asked -------------------------------------------------------------------------------
    @cached_property
    def asks_key(self) -> bool:
        """Whether any of them turns on whose key is presented."""
        asked = {key for selection in self._selections.values() for key in selection.keys}
        return KEY in asked or any(budget.per == KEY for budget in self._of.values())

    @property
    def labels(self) -> dict[str, set[str]]:
        """The labels that they ask for, with the values."""
        found: dict[str, set[str]] = {name: set() for budget in self._of.values() for name in budget.labels}
        for selection in self._selections.values():
            for scope in (*selection.within, *selection.outside):
                for name in scope.wanted.keys() & found.keys():
                    found[name].update(scope.wanted[name])
        return found

    def turn(self, at: datetime, own: Iterable[BudgetAmounts] = ()) -> datetime | None:
        """When the first window after a moment begins: of theirs, and of amounts that keys have of their own."""
        windows = {a.windows(measure) for a in (*self._of.values(), *own) for measure, _ in a.amounts}
        ends = [found.end if (found := each.at(at)) is not None else each.first for each in windows]
        return min((end for end in ends if end > at), default=None)

    def declared(self, keys: Iterable[Key]) -> Iterator[tuple[BudgetCap, str | None]]:
        """Each amount of theirs and of some keys', and for whom each is kept apart."""
        for budget in self._of.values():
            yield from ((cap, budget.per) for cap in self._caps(budget.id, budget, "", budget.notify))
        for key in keys:
            if key.budget is not None:
                yield from ((cap, None) for cap in self._caps(f"{OF_KEY}{key.id}", key.budget, "", None))

    # -- what covers a call --------------------------------------------------------------------------------------
    def covering(
        self, demand: Facts, key: Presented | None, places: Collection[Facts], tariff: Tariff | str, at: datetime
    ) -> Iterator[CapTaker]:
        """The caps that calls of a kind count towards, in any place where they may run."""
        facts = demand if key is None else {**demand, KEY: key.id}
        for budget in self._met(facts, key, places, at):
            whose = "" if budget.per is None else f"{budget.per}={facts.get(budget.per, '')}"
            yield from self._taken(budget.id, budget, whose, budget.notify, tariff, at)
        if key is not None and key.budget is not None:
            yield from self._taken(f"{OF_KEY}{key.id}", key.budget, "", None, tariff, at)

    def _met(self, facts: Facts, key: Presented | None, places: Collection[Facts], at: datetime) -> Iterator[UseBudget]:
        """The budgets that cover a call, and those that these are within."""
        met = [name for name in self._of if self._covers(name, facts, places, at)]
        if key is not None and key.within in self._of and key.within not in met:
            met.append(key.within)
        for name in met:  # it grows
            above = self._of[name].within
            if above is not None and above not in met:
                met.append(above)
        return (self._of[name] for name in met)

    def _covers(self, name: str, facts: Facts, places: Collection[Facts], at: datetime) -> bool:
        selection, time = self._selections.get(name), self._times.get(name)
        if selection is None:
            return False
        if time is not None and not time[0] <= at < time[1]:
            return False
        return any(selection.covers(facts, place) is not False for place in places)

    def _taken(
        self,
        id: str,
        amounts: BudgetAmounts,
        whose: str,
        notice: Notify | None,
        tariff: Tariff | str,
        at: datetime,
    ) -> Iterator[CapTaker]:
        for cap in self._caps(id, amounts, whose, notice):
            allows = cap.at(at)
            if allows is not None and cap.of.measure == "money":
                yield PricedTaker(cap, allows, "spend", tariff, main=True, moved=True)
            elif allows is not None:
                yield CountedTaker(cap, allows)

    def _caps(self, id: str, amounts: BudgetAmounts, whose: str, notice: Notify | None) -> Iterator[BudgetCap]:
        for measure, limit in amounts.amounts:
            name = BudgetName(id, measure, amounts.windows(measure), whose)
            yield BudgetCap(id, name, name.text, limit, self._currency, notice)


def counted(calls: Iterable[BookedCall], among: Collection[str]) -> Mapping[tuple[CapWindow, str], int]:
    """What calls on the books used of budgets, by window and replica, of replicas that hold leases."""
    found: dict[tuple[CapWindow, str], int] = {}
    for call in calls:
        if (holder := holder_of(call.id)) in among:
            for text in call.budgets:
                for key, amount in _of_call(text, call):
                    found[key, holder] = found.get((key, holder), 0) + amount
    return found


def _of_call(text: str, call: BookedCall) -> Iterator[tuple[CapWindow, int]]:
    name = BudgetName.read(text)
    window = None if name is None else name.windows.at(at_micros(call.at))
    if name is not None and window is not None and (amount := _amount(name.measure, call)):
        yield CapWindow(text, window.index), amount


def _amount(measure: BudgetMeasure, call: BookedCall) -> int:
    """What a call took where it was served: the deployments before are not on its record as its budgets are."""
    served = [line for line in call.lines if line.part == 0]
    if measure == "money":
        return sum(line.net for line in served)
    if measure == "requests":
        return int(call.first)
    of_input, of_output = WEIGHTS.get(measure, (0, 0))
    return sum(line.tokens.input * of_input + line.tokens.output * of_output for line in served)


def _time(agreement: Agreement, known: Mapping[str, Agreement]) -> tuple[datetime, datetime]:
    """When an agreement is in force, as amended."""
    zone = clock_of(agreement, known)
    return moment(agreement.effective, zone), moment(endings(known.values())[agreement.id].final, zone)
