"""Budgets as caps: what a call takes live is what it counts on the books; nested ones hold under any interleaving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.deciding.standings import Hold
from detente.gateway.serving.caps.leaseholder import Leaseholder
from detente.ledger.caps.budgets import CaseBudgets, counted
from detente.ledger.caps.cap import BookedCall, CapTaker
from detente.ledger.caps.leases import NO_ROW, LeaseRow, remaining
from detente.ledger.caps.leases import given as granted_row
from detente.ledger.caps.leasing import CapAnswer, CapWindow
from detente.ledger.journals.record import TokenCounts
from detente.live.budget import BudgetMeasure
from detente.live.budget_name import BudgetName
from detente.live.budget_window import BudgetCycle, WallWindows
from detente.live.presented import Presented
from detente.providers.wire import Tokens
from detente.values.micros import micros
from tests.builders import Data
from tests.ledger.caps.test_clause_caps import AT, tariff
from tests.ledger.served import served_case

ALL: Data = {
    "money": "5 USD",
    "tokens": 900,
    "input-tokens": 500,
    "output-tokens": 400,
    "requests": 9,
    "concurrency": 2,
}


def taken(budgets: list[Data], facts: Data | None = None, key: Presented | None = None) -> list[CapTaker]:
    """The caps that a call on North counts towards."""
    case = served_case(budgets=budgets)
    here = tariff(case)
    demand = {"workload": "chat", "kind": "inference"} | (facts or {})
    return list(CaseBudgets(case).covering(demand, key, [here.of.offer], here, AT))


def names(found: list[CapTaker]) -> list[str]:
    return [call.cap.name for call in found]


@settings(deadline=None, max_examples=60)
@given(
    measure=st.sampled_from(get_args(BudgetMeasure)),
    every=st.sampled_from(get_args(BudgetCycle)),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    starts=st.none() | st.dates(),
    whose=st.just("") | st.from_regex(r"[a-z]{1,5}=[^\s]{0,5}( [^\s]{1,5})?", fullmatch=True),
)
def test_a_name_says_all_that_it_stands_for(
    measure: BudgetMeasure, every: BudgetCycle, zone: str, starts: None, whose: str
) -> None:
    name = BudgetName("a.b-c", measure, WallWindows(every, zone, starts), whose)
    assert BudgetName.read(name.text) == name


def test_what_is_no_name_is_none() -> None:
    for text in (
        "",
        "budget",
        "budget a tokens day UTC",
        "budget a tokens dya UTC -",
        "budget a tokens day UTC 1",
        "x" * 9,
    ):
        assert BudgetName.read(text) is None


@settings(deadline=None, max_examples=60)
@given(fresh=st.integers(0, 10**6), cached=st.integers(0, 10**6), output=st.integers(0, 10**6))
def test_what_a_call_takes_live_is_what_it_counts_on_the_books(fresh: int, cached: int, output: int) -> None:
    found, used = taken([{"id": "b", "of": {}, "every": "day"} | ALL]), TokenCounts(fresh + cached, output, cached)
    lines = tuple(tariff(served_case()).lines(micros(AT), used, 0))
    call = BookedCall("req_aa00000001", lines, micros(AT), names(found))
    live = {(each.allows.key, "aa"): amount for each in found if (amount := each.takes(used))}
    assert counted([call], {"aa"}) == live
    assert counted([call], {"another"}) == {}


def test_a_request_that_began_on_the_books_is_counted_once() -> None:
    (requests,) = taken([{"id": "b", "of": {}, "every": "day", "requests": 3}])
    began = BookedCall("req_aa00000001", (), micros(AT), [requests.cap.name, "what is no name"])
    ended = began._replace(first=False)
    assert counted([began, ended], {"aa"}) == {(requests.allows.key, "aa"): 1}


def test_what_a_call_counts_towards() -> None:
    budgets: list[Data] = [
        {"id": "all", "of": {}, "every": "day", "requests": 1},
        {"id": "dept", "every": "day", "requests": 1},
        {"id": "team", "of": {"group": "a"}, "within": "dept", "every": "day", "requests": 1},
        {"id": "south", "of": {"provider": "south"}, "every": "day", "requests": 1},
        {"id": "not-chat", "of": {}, "except": [{"workload": "chat"}], "every": "day", "requests": 1},
        {"id": "each", "of": {"kind": "inference"}, "per": "group", "every": "day", "requests": 1},
        {"id": "mine", "of": {"key": ["k"]}, "every": "day", "requests": 1},
    ]
    ids = [[call.cap.id for call in taken(budgets, facts, key)] for facts, key in (
        ({"group": "a"}, Presented("k")),
        ({"group": "b"}, Presented("other")),
        ({}, Presented("other", within="team")),
    )]  # fmt: skip
    assert ids == [["all", "team", "each", "mine", "dept"], ["all", "each"], ["all", "team", "each", "dept"]]
    (each,) = (call for call in taken(budgets, {"group": "a"}) if call.cap.id == "each")
    assert each.cap.name == "budget each requests day UTC - group=a"


def test_a_budget_of_an_agreement_lasts_as_long_as_it_does() -> None:
    deal: Data = {"id": "off", "kind": "discount", "off": "10%"}

    def met(effective: str, ends: str) -> list[str]:
        signed = {"party": "north", "effective": effective, "ends": ends}
        case = served_case(deal, signed=signed, budgets=[budget])
        here = tariff(case)
        return names(list(CaseBudgets(case).covering(here.of.demand or {}, None, [here.of.offer], here, AT)))

    budget: Data = {"id": "b", "agreement": "north-deal", "every": "day", "requests": 1}
    assert met("2026-01-01", "2026-02-01") == ["budget b requests day UTC -"]
    assert met("2026-01-16", "2026-02-01") == met("2026-01-01", "2026-01-15") == []


# -- nested, and shared by two --------------------------------------------------------------------------------------
NESTED: list[Data] = [
    {"id": "dept", "every": "day", "requests": 2},
    {"id": "a", "of": {"group": "a"}, "within": "dept", "every": "day", "requests": 1},
    {"id": "b", "of": {"group": "b"}, "within": "dept", "every": "day", "requests": 2},
    {"id": "few", "of": {}, "concurrency": 2},
]
GROUPS = {group: taken(NESTED, {"group": group}) for group in "ab"}
NEED = TokenCounts(1, 1)


@dataclass
class World:
    """Two replicas, the ledger that they share, and the calls under way: by the program's own functions."""

    rows: dict[CapWindow, dict[int, LeaseRow]] = field(default_factory=dict)
    calls: list[list[Hold]] = field(default_factory=lambda: [[], []])
    used: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holders = [Leaseholder(lambda: None, lambda: 0.0) for _ in range(2)]

    def does(self, step: tuple[str, int]) -> None:
        what, who = step
        if what in GROUPS:
            self._calls(GROUPS[what], who)
        elif what == "ends" and self.calls[who]:
            self.calls[who].pop(0).settle(Tokens(1, 1))
        elif what == "fails" and self.calls[who]:
            self.calls[who].pop(0).release()
        elif what == "renews":
            self._renews(who)

    def _calls(self, caps: list[CapTaker], who: int) -> None:
        if self.holders[who].short(caps, NEED) is None:
            self.calls[who].append(self.holders[who].hold(caps, NEED))

    def _renews(self, who: int) -> None:
        answers = {}
        for key, asked in self.holders[who].claims(1.0, AT).items():
            rows = self.rows.setdefault(key, {})
            others = [row for name, row in rows.items() if name != who]
            rows[who] = granted_row(asked.limit, 0, others, rows.get(who, NO_ROW), asked.claim, 2)
            answers[key] = CapAnswer(rows[who].granted, remaining(asked.limit, 0, rows.values()))
        self.holders[who].answered(answers, AT)

    @property
    def taken(self) -> dict[str, int]:
        """Of each budget, what was used and is held by both."""
        found: dict[str, int] = {}
        for holder in self.holders:
            for kept in holder.kept.values():
                found[kept.cap.id] = found.get(kept.cap.id, 0) + kept.slice.used + kept.slice.held
        return found

    @property
    def seen(self) -> object:
        """What tells one world from another; paces of use only say how much is leased ahead."""
        slices = [
            sorted(
                (k.cap, s.slice.granted, s.slice.used, s.slice.held, s.need, s.lacked, s.left)
                for k, s in h.kept.items()
            )
            for h in self.holders
        ]
        return repr((slices, self.rows, [len(each) for each in self.calls]))


STEPS = [(what, who) for what in ("a", "b", "ends", "fails", "renews") for who in (0, 1)]
LIMITS = {"dept": 2, "a": 1, "b": 2, "few": 2}


def worlds(depth: int) -> Iterator[World]:
    """Every world that so many steps can come to."""
    seen: set[str] = set()
    paths: list[tuple[tuple[str, int], ...]] = [()]
    for _ in range(depth):
        longer = []
        for path in paths:
            for step in STEPS:
                world = World()
                for each in (*path, step):
                    world.does(each)
                if (now := str(world.seen)) not in seen:
                    seen.add(now)
                    longer.append((*path, step))
                    yield world
        paths = longer


def test_nested_budgets_hold_in_every_interleaving_of_two_replicas() -> None:
    most: dict[str, int] = {}
    count = 0
    for world in worlds(6):
        count += 1
        for name, amount in world.taken.items():
            assert amount <= LIMITS[name], (name, world)
            most[name] = max(most.get(name, 0), amount)
    assert most == LIMITS, "each was used up somewhere"
    assert count > 500
