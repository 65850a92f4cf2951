"""A leaseholder by itself: what is held, used and claimed, by a clock that the test sets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from detente.gateway.serving.caps.leaseholder import Leaseholder
from detente.ledger.caps.cap import CapTaker
from detente.ledger.caps.clause_caps import covering
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapAnswer, Leasing, UnmetClaim
from detente.ledger.journals.record import TokenCounts
from detente.providers.wire import Tokens
from tests.builders import Data, day
from tests.ledger.caps.test_budgets import taken
from tests.ledger.caps.test_clause_caps import AT, CAP, caps, tariff
from tests.ledger.served import fresh, served_case

NEED = TokenCounts(1_000_000, 0)
"""A call that takes 3 USD of the cap of 100."""
USD = 10**9


class Scene:
    """A leaseholder, and the time."""

    def __init__(self) -> None:
        self.now, self.kicks = 0.0, 0
        self.holder = Leaseholder(self._kick, lambda: self.now)
        case = served_case(CAP, signed={"with": "self"})
        here = tariff(case)
        self.calls: tuple[CapTaker, ...] = covering(caps(case), here.of.demand or {}, here, here.of.offer, AT)
        self.key = self.calls[0].allows.key

    def _kick(self) -> None:
        self.kicks += 1

    def claimed(self, seconds: float = 1.0, at: str = "2026-01-15") -> tuple[int, LeaseClaim] | None:
        """What is claimed: what the cap allows, and the claim."""
        found = self.holder.claims(seconds, day(at)).get(self.key)
        return None if found is None else (found.limit, found.claim)

    def answers(self, granted: int, remaining: int, at: str = "2026-01-15") -> None:
        self.holder.answered({self.key: CapAnswer(granted, remaining)}, day(at))

    def denied(self) -> str | None:
        found = self.holder.short(self.calls, NEED)
        return None if found is None or found.verdict.reason is None else found.verdict.reason.sentence


def test_the_first_call_asks_for_itself_and_a_few_like_it() -> None:
    scene = Scene()
    assert scene.claimed() is None
    assert scene.denied() == "nothing remains of 100 USD in Jan 2026, and the call may take 3 USD"
    claim = scene.claimed(0.0)
    assert claim == (100 * USD, LeaseClaim(0, 0, 3 * USD, 24 * USD))
    scene.answers(24 * USD, 76 * USD)
    assert scene.denied() is None


def test_what_a_call_used_replaces_what_it_held() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    hold, other, unknown = (scene.holder.hold(scene.calls, NEED) for _ in range(3))
    kept = scene.holder.kept[scene.key]
    assert (kept.slice.held, kept.slice.free) == (9 * USD, 15 * USD)
    hold.settle(Tokens(2_000_000, 0))
    other.release()
    unknown.settle(None)
    assert (kept.slice.held, kept.slice.used, kept.slice.free) == (3 * USD, 6 * USD, 15 * USD)
    unknown.settle(Tokens(0, 0))
    hold.settle(Tokens(2_000_000, 0))
    hold.release()
    assert (kept.slice.held, kept.slice.used) == (3 * USD, 6 * USD), "each ends once"
    assert scene.holder.ending() == {scene.key: LeaseClaim(9 * USD, 3 * USD)}


def test_more_is_asked_for_when_half_of_what_is_wanted_is_left() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    for kicks in (0, 0, 0, 0, 1, 2):  # 12 of 24 are left after four calls
        scene.holder.hold(scene.calls, NEED)
        assert scene.kicks == kicks
    claim = scene.claimed(0.0)
    assert claim == (100 * USD, LeaseClaim(24 * USD, 18 * USD, 0, 18 * USD))


def test_what_nobody_wants_any_more_goes_back() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    scene.holder.hold(scene.calls, NEED).settle(Tokens(1_000_000, 0))
    scene.claimed(1.0)
    assert scene.claimed(60.0) is None, "21 are free, and 0.98^61 x 24 = 7.0 wanted"
    back = scene.claimed(60.0)
    assert back is not None
    assert 3 * USD < back[1].granted < 10 * USD, "0.98^121 x 24 = 2.08 are wanted, and twice that kept"


def test_a_window_that_ended_is_given_back_and_forgotten() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    hold = scene.holder.hold(scene.calls, NEED)
    unknown = scene.holder.hold(scene.calls, NEED)
    assert scene.claimed(at="2026-02-01") == (100 * USD, LeaseClaim(6 * USD, 6 * USD))
    scene.answers(6 * USD, 90 * USD, "2026-02-01")
    assert scene.claimed(at="2026-02-01") is None, "nothing is new until a call ends"
    unknown.settle(None)
    hold.settle(Tokens(1_000_000, 0))
    assert scene.claimed(at="2026-02-01") == (100 * USD, LeaseClaim(6 * USD, 3 * USD)), "one of which nobody knows"
    scene.answers(6 * USD, 90 * USD, "2026-02-01")
    assert scene.holder.kept == {}


def test_what_is_too_little_for_a_call_goes_to_who_can_use_it() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(2 * USD, 0)
    assert scene.denied() is not None
    assert scene.holder.coming() is None, "the ledger has just said that nothing remains"
    scene.claimed(0.0)
    scene.answers(2 * USD, 0)
    assert scene.claimed(0.0) == (100 * USD, LeaseClaim(0))


def test_what_is_asked_for_is_of_use_to_the_call_that_takes_the_least() -> None:
    """Of a call that may go to a dearer deployment the cheaper one has room in what is left."""
    scene = Scene()
    scene.denied()
    assert scene.holder.short(scene.calls, TokenCounts(2_000_000, 0)) is not None
    assert scene.claimed(0.0) == (100 * USD, LeaseClaim(0, 0, 3 * USD, 48 * USD))


def test_a_worker_that_the_ledger_buried_has_nothing() -> None:
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    scene.holder.lost()
    assert scene.denied() is not None
    scene.holder.failed("the ledger is away")
    assert scene.denied() == "what was leased of cap is used up, and the ledger is away"
    assert scene.holder.coming() is None


def test_of_several_budgets_the_one_without_room_is_told_and_what_is_left_of_it() -> None:
    """All lack a lease, and one of them more: of `north` 2 of 5 USD are left, of `team` all 12."""
    holder = Leaseholder(lambda: None, lambda: 0.0)
    team: Data = {"id": "team", "of": {}, "every": "month", "money": "12 USD"}
    north: Data = {"id": "north", "of": {"provider": "north"}, "every": "month", "money": "5 USD"}
    calls = taken([team, north])

    def told(left: int) -> tuple[str, str, bool]:
        holder.short(calls, NEED)
        claimed = holder.claims(0.0, AT)
        assert len(claimed) == 2
        remains = {call.allows.key: 12 * USD if call.cap.id == "team" else left for call in calls}
        holder.answered({key: CapAnswer(0, remains[key]) for key in claimed}, AT)
        found = holder.short(calls, NEED)
        assert found is not None
        assert found.verdict.reason is not None
        return found.cap.id, found.verdict.reason.sentence, found.soon

    said = "budget `north` allows 5 USD in Jan 2026: 2 USD left, and the call may take 3 USD"
    assert told(2 * USD) == ("north", said, False)
    said = "what was leased of team is used up, and more of it is asked for"
    assert told(5 * USD) == ("team", said, True), "both have room, and others were quicker: no figure is made up"


# -- windows and clocks ------------------------------------------------------------------------------------------------
def used(scene: Scene, calls: int) -> None:
    """So many calls, each of 3 USD."""
    for _ in range(calls):
        scene.holder.hold(scene.calls, NEED).settle(Tokens(1_000_000, 0))


def test_a_window_that_a_clock_steps_back_into_is_begun_with_what_was_used_of_it() -> None:
    """Else the ledger would hear that nothing was used, and lease it again."""
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    used(scene, 2)
    unknown = scene.holder.hold(scene.calls, NEED)
    unknown.settle(None)
    assert scene.claimed(at="2026-02-01") == (100 * USD, LeaseClaim(9 * USD, 3 * USD, 0, 0)), "the rest goes back"
    scene.answers(9 * USD, 91 * USD, at="2026-02-01")
    assert scene.holder.kept == {}
    assert scene.denied() is not None
    assert scene.claimed(at="2026-01-31") == (100 * USD, LeaseClaim(9 * USD, 3 * USD, 3 * USD, 23_520_000_000))
    scene.holder.lost()
    assert scene.holder._over == {}


def test_a_cap_holds_whatever_a_clock_does(tmp_path: Path) -> None:
    """To and fro over the end of a month: 33 calls of 3 USD, of 100."""
    scene, beat, served = Scene(), 0, 0
    with fresh(tmp_path) as store:
        leasing = Leasing(store)
        leasing.open("h", "place", 0)
        for turn in range(60):
            at = day("2026-01-31") if turn % 3 else day("2026-02-01")
            if turn % 3:
                while scene.holder.short(scene.calls, NEED) is None:
                    used(scene, 1)
                    served += 1
            if claims := scene.holder.claims(1.0, at):
                beat += 1
                scene.holder.answered(leasing.renew("h", beat, claims), at)
    assert served == 33


def test_the_next_window_of_what_is_in_use_is_leased_before_it_begins() -> None:
    scene, soon = Scene(), day("2026-02-01") - timedelta(seconds=1)
    scene.denied()
    scene.holder.claims(0.0, soon)
    scene.answers(24 * USD, 76 * USD)
    used(scene, 2)
    assert set(scene.holder.claims(1.0, soon - timedelta(seconds=2))) <= {scene.key}, "not yet"
    used(scene, 2)
    later = scene.key._replace(window=scene.key.window + 1)
    claims = scene.holder.claims(1.0, soon)
    assert claims[later].claim.wanted == 23_520_000_000, "eight calls of 3 USD, a second later"
    scene.holder.answered({later: CapAnswer(60 * USD, 40 * USD)}, soon)
    (call,) = scene.calls
    call.allows = call.cap.at(day("2026-02-01")) or call.allows
    assert call.allows.key == later
    assert scene.denied() is None, "its first call finds a lease"


def test_the_next_window_of_what_nobody_uses_is_not() -> None:
    scene, soon = Scene(), day("2026-02-01") - timedelta(seconds=1)
    scene.denied()
    scene.holder.claims(0.0, soon)
    scene.answers(24 * USD, 76 * USD)
    assert set(scene.holder.claims(60.0, soon)) <= {scene.key}


def test_what_is_free_is_given_back_for_a_second_to_a_claim_that_stays_the_same() -> None:
    """Of 24 USD that it wants all goes back, and again for each new claim that is not met."""
    scene = Scene()
    scene.denied()
    scene.claimed(0.0)
    scene.answers(24 * USD, 76 * USD)
    first, second = (UnmetClaim(scene.key, "other", beat) for beat in (7, 8))
    for now, unmet, gives in ((5.0, first, True), (5.9, first, True), (6.0, first, False), (6.1, second, True)):
        scene.now = now
        scene.holder.lacked({unmet})
        scene.holder.kept[scene.key].dirty = True
        claim = scene.claimed(0.0)
        assert claim is not None
        assert claim[1].granted == (0 if gives else 24 * USD)
        scene.answers(24 * USD, 76 * USD)
