"""Bursts: two gateways share a cap of 100 USD by a real ledger, at 0.7 USD a call; time is what the test says it is.

Each serves eight calls at a time as fast as they come, and asks the ledger as ``Renewing`` does: at once where it is
asked to, and else four times a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding.standings import Hold
from detente.gateway.serving.caps.renewing import EVERY
from detente.ledger.caps.leasing import Leasing
from detente.ledger.journals.record import TokenCounts
from detente.ledger.store.store import Store
from detente.providers.wire import Tokens
from tests.builders import day
from tests.gateway.http.peer import run
from tests.gateway.serving.caps.test_leaseholder import USD, Scene
from tests.ledger.served import fresh

STEP = 0.025
"""Seconds between two claims at least."""
LASTS = 4
"""Steps that a call takes: eight at a time are 80 calls a second, 56 USD."""
CALL = TokenCounts(233_333, 0)
"""At 3 USD per million: 0.699999 USD."""
MAY_TAKE = TokenCounts(400_000, 0)
"""What is held for it: 1.2 USD, since its reply may be longer."""
JANUARY = day("2026-01-15")


class Gateway(Scene):
    """A gateway: calls under way, each with the step in which it ends; and those that wait for a lease."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__()
        self.name, self.leasing = name, Leasing(store)
        self.leasing.open(name, name, 0)
        self.under_way: list[tuple[int, Hold]] = []
        self.waiting: list[Any] = []
        self.beat = self.served = self.refused = 0
        self.asked, self.last, self.told = False, 0.0, list[tuple[int, int]]()

    def _kick(self) -> None:
        self.asked = True

    @property
    def held(self) -> int:
        """What is used, and what calls under way hold."""
        kept = self.holder.kept.get(self.key)
        return 0 if kept is None else kept.slice.used + kept.slice.held

    def serves(self, step: int, at_a_time: int) -> int:
        """Calls end, and others begin or wait; how many are refused."""
        for end, hold in self.under_way:
            if end <= step:
                hold.settle(Tokens(CALL.input, CALL.output))
        self.under_way = [each for each in self.under_way if each[0] > step]
        self.waiting = [each for each in self.waiting if not each.done()]
        refused = 0
        for _ in range(at_a_time - len(self.under_way) - len(self.waiting)):
            if self.holder.short(self.calls, MAY_TAKE) is None:
                self.under_way.append((step + LASTS, self.holder.hold(self.calls, MAY_TAKE)))
                self.served += 1
            elif (more := self.holder.coming()) is not None:
                self.waiting.append(more)
            else:
                refused += 1
        self.refused += refused
        return refused

    def claims(self, now: float) -> None:
        """As ``Renewing.claim`` does."""
        self.now = now
        if not self.asked and now - self.last < EVERY:
            return
        claims, self.asked = self.holder.claims(now - self.last, JANUARY), False
        self.last = now
        self.beat += bool(claims)
        answers = self.leasing.renew(self.name, self.beat, claims) if claims else {}
        self.told += [(each.reached, each.unused) for each in answers.values() if each.reached]
        self.holder.answered(answers, JANUARY)
        self.holder.lacked(self.leasing.lacked(self.name))


@pytest.mark.parametrize("idle_from", [None, 2, 20])
def test_nobody_is_refused_before_all_but_a_call_is_used_or_under_way(tmp_path: Path, idle_from: int | None) -> None:
    """Both use it up, or one alone after the other served for some steps and keeps what it has leased."""

    async def main() -> None:
        with fresh(tmp_path) as store:
            a, b = Gateway(store, "a"), Gateway(store, "b")
            for step in range(600):
                if a.serves(step, 8) + b.serves(step, 8 if idle_from is None or step < idle_from else 0):
                    break
                for each in (a, b):
                    each.claims(step * STEP)
            held = a.held + b.held
            assert 98_800_000_000 < held <= 100 * USD, "what is left is too little for a call of 1.2 USD"
            for each in (a, b):
                for told, unused in each.told:
                    assert unused <= (100 - told) * USD, "its figures agree"
            assert [told for told, _ in (*a.told, *b.told)][:1] == [80]

    run(main())


def test_who_does_not_give_back_is_waited_for_no_longer_than_a_second(tmp_path: Path) -> None:
    """`b` was killed with 25 USD: what is left is used, and then calls are refused at once."""

    async def main() -> None:
        with fresh(tmp_path) as store:
            a, b = Gateway(store, "a"), Gateway(store, "b")
            b.serves(0, 8)
            b.claims(EVERY)
            kept = b.holder.kept[b.key].slice.granted
            first = last = 0
            for step in range(10, 600):
                if a.serves(step, 8) and not first:
                    first = step
                a.claims(step * STEP)
                last = last or (step if first and not a.under_way else 0)
                if last and step > last + 40:
                    break
            assert 100 * USD - kept - 1_200_000_000 < a.held <= 100 * USD - kept
            refused = a.refused
            a.serves(700, 8)
            a.claims(700 * STEP)
            assert a.refused - refused + len(a.waiting) == 8

    run(main())


def test_who_was_killed_while_a_call_lacked_room_makes_no_call_of_others_wait(tmp_path: Path) -> None:
    """A call of 300 USD finds no room at `a`, which is killed; `b` sees it after 0.5 s, and has 20 calls from 1 s on.

    Until 1.5 s it gives back all that is free, so that those at 1, 1.2 and 1.4 s wait, and the next for a lease anew.
    """

    async def main() -> None:
        with fresh(tmp_path) as store:
            a, b = Gateway(store, "a"), Gateway(store, "b")
            a.serves(0, 8)
            a.claims(EVERY)
            assert a.holder.short(a.calls, TokenCounts(100_000_000, 0)) is not None
            a.claims(2 * EVERY)
            assert [unmet.holder for unmet in b.leasing.lacked("b")] == ["a"]
            b.claims(2 * EVERY)
            for step in range(40, 200):
                b.serves(step, int(step % 8 == 0))
                b.claims(step * STEP)
            assert (b.refused, [unmet.holder for unmet in b.leasing.lacked("b")]) == (0, ["a"])
            assert b.served == 20 - 4

    run(main())
