"""Leases in a store: the same rules, in transactions; late claims change nothing; processes race, and are killed."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations, product
from pathlib import Path

import pytest

from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapAnswer, CapClaim, CapWindow, HolderEndedError, Leasing, UnmetClaim, count
from detente.ledger.store.store import Store
from tests.ledger import lease_racer
from tests.ledger.lease_racer import CAP
from tests.ledger.postgres_server import schema_of
from tests.ledger.served import both

ROOT = Path(__file__).parents[3]
OTHER = CapWindow("other", 3)


@pytest.fixture
def leasing(store: Store) -> Leasing:
    found = Leasing(store)
    found.open("a", "here", 0)
    found.open("b", "here", 1)
    return found


def asks(leasing: Leasing, holder: str, beat: int, granted: int = 0, *, free: int = 0, **more: int) -> CapAnswer:
    """What a holder is answered of a cap of 100."""
    return leasing.renew(holder, beat, {CAP: CapClaim(LeaseClaim(granted, **more), 100, free=free)})[CAP]


@both
def test_replicas_share_a_cap_and_give_back(leasing: Leasing) -> None:
    assert asks(leasing, "a", 1, wanted=90) == CapAnswer(25, 75)  # half of its half
    assert asks(leasing, "b", 1, need=70) == CapAnswer(70, 5)
    assert leasing.lacked("a") == leasing.lacked("b") == set()
    assert asks(leasing, "b", 2, 70, need=6) == CapAnswer(70, 5, lent=25), "`a` uses nothing of its 25: 70 % are used"
    assert (leasing.lacked("a"), leasing.lacked("b")) == ({UnmetClaim(CAP, "b", 2)}, set())
    assert asks(leasing, "a", 2, 5) == CapAnswer(5, 25)  # it used 5, and gives back 20
    assert asks(leasing, "b", 4, 70, need=25) == CapAnswer(95, 0)
    assert leasing.lacked("a") == set()
    assert asks(leasing, "b", 5, 95) == CapAnswer(95, 0, 100, 0), "a call holds the 25"
    assert asks(leasing, "a", 3, 5, need=1) == CapAnswer(5, 0)


def test_a_call_that_finds_no_room_anywhere_is_told_of_once_with_the_percent_that_are_used(leasing: Leasing) -> None:
    assert asks(leasing, "a", 1, need=60) == CapAnswer(60, 40)
    assert asks(leasing, "a", 2, 60, need=41) == CapAnswer(60, 40), "60 are used: no call of a usual size is refused"
    assert asks(leasing, "a", 3, 60, need=25) == CapAnswer(85, 15)
    assert asks(leasing, "b", 1, need=10) == CapAnswer(10, 5)
    assert asks(leasing, "a", 4, 85) == CapAnswer(85, 5, 80, 15), "85 are used, of 95 that are leased"
    assert asks(leasing, "a", 5, 85, need=15) == CapAnswer(85, 5, lent=10), "`b` has 10 to spare, and 5 are left"
    assert asks(leasing, "a", 6, 85, need=16) == CapAnswer(85, 5, 85, 15, 10), "16 there are not"
    assert asks(leasing, "a", 7, 85, need=16) == CapAnswer(85, 5, lent=10), "once"
    assert asks(leasing, "b", 2, 0) == CapAnswer(0, 15)
    assert asks(leasing, "a", 8, 85, need=15) == CapAnswer(100, 0)
    assert asks(leasing, "a", 9, 100) == CapAnswer(100, 0, 100, 0)


def test_however_often_it_asks_nobody_has_more_than_half_of_its_part_to_spare(leasing: Leasing) -> None:
    assert asks(leasing, "a", 1, wanted=90).granted == 25  # a quarter of 100, of two
    for beat in range(2, 9):
        assert asks(leasing, "a", beat, 25, wanted=90, free=25).granted == 25
    assert asks(leasing, "a", 9, 25, wanted=90).granted == 43, "25 are used: a quarter of 75 is 18"
    assert asks(leasing, "a", 10, 43, wanted=90, free=10).granted == 49, "33 are used: a quarter of 67 is 16, it has 10"


def test_what_is_leased_ahead_of_need_is_told_to_be_used_up_once_it_is(leasing: Leasing) -> None:
    assert asks(leasing, "a", 1, need=60) == CapAnswer(60, 40)
    assert asks(leasing, "b", 1, need=35) == CapAnswer(35, 5), "95 are leased, and nothing is used"
    assert asks(leasing, "a", 2, 60, free=10) == CapAnswer(60, 5)
    with leasing.store.writing() as session:
        count(session, {(CAP, "a"): 50})  # that it is on the books as well changes nothing of what is free
    assert asks(leasing, "b", 2, 35, free=6) == CapAnswer(35, 5), "50 and 29"
    assert asks(leasing, "b", 3, 35, free=5) == CapAnswer(35, 5, 80, 20), "50 and 30; of 95 that are leased 15 are free"
    assert asks(leasing, "b", 4, 35, free=1) == CapAnswer(35, 5), "told once"


def test_a_claim_that_comes_late_changes_nothing(leasing: Leasing) -> None:
    asks(leasing, "a", 2, need=40)
    for beat in (1, 2):
        with pytest.raises(HolderEndedError, match="too late"):
            asks(leasing, "a", beat)
    assert asks(leasing, "b", 1).remaining == 60
    with pytest.raises(HolderEndedError, match="holds no leases"):
        asks(leasing, "nobody", 1)


def test_a_holder_that_closes_leaves_what_it_used(leasing: Leasing) -> None:
    asks(leasing, "a", 1, need=40)
    leasing.close("a", 2, {CAP: LeaseClaim(17, 2)})  # 15 used, and 2 of which nobody knows
    assert asks(leasing, "b", 1).remaining == 83
    with pytest.raises(HolderEndedError):
        asks(leasing, "a", 3)


def test_what_the_dead_did_not_use_comes_back_once_their_journal_is_on_the_books(leasing: Leasing) -> None:
    asks(leasing, "a", 1, need=40, held=3)
    leasing.renew("a", 2, {OTHER: CapClaim(LeaseClaim(0, 0, 9), 10)})
    assert asks(leasing, "b", 1).remaining == 60
    with leasing.store.writing() as session:
        count(session, {(CAP, "a"): 12, (CAP, "stranger"): 50, (OTHER, "b"): 1})
    assert asks(leasing, "b", 2).remaining == 60, "what is on the books is used"
    assert (leasing.living("elsewhere", 0), leasing.living("here", 0)) == (set(), {"a"})
    assert leasing.bury(["a", "stranger"]) == 1
    assert leasing.bury(["a"]) == 0, "once"
    assert asks(leasing, "b", 3).remaining == 85, "3 were held for calls that nobody knows the end of"
    with leasing.store.writing() as session:
        count(session, {(CAP, "a"): 2})  # a late record of it
    assert asks(leasing, "b", 4).remaining == 85, "it is one of those 3"


def test_use_on_the_books_and_use_that_is_leased_count_once(leasing: Leasing) -> None:
    total = "INSERT INTO totals VALUES ('m', 0, ?, ?, ?) ON CONFLICT DO NOTHING"
    with leasing.store.writing() as session:
        session.run(total, ("", 20, '{"3": 4}'))  # 20 and 4/3: 21 and a third, so 22
        session.run(total, ('["team"]', 8, "{}"))  # perhaps covered, so it counts
    claim = {CAP: CapClaim(LeaseClaim(0, 0, 50), 100, "m")}
    assert leasing.renew("a", 1, claim)[CAP] == CapAnswer(50, 20)
    with leasing.store.writing() as session:
        session.run("UPDATE totals SET amount = 50 WHERE lacks = ''")
        count(session, {(CAP, "a"): 30})
    assert leasing.renew("a", 2, {CAP: CapClaim(LeaseClaim(50), 100, "m")})[CAP] == CapAnswer(50, 20, 80, 20)


def racer(url: str, name: str, limit: int, said: int, folder: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, lease_racer.__file__, url, name, str(limit), str(said), "40", str(folder)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_race_for_a_cap_and_one_is_killed(store: Store, tmp_path: Path) -> None:
    limit, folder = 6_000, tmp_path / "journals"
    folder.mkdir()
    racers = {name: racer(store.url, name, limit, 310, folder) for name in ("a", "b", "c")}
    for each in racers.values():
        assert each.stdout is not None
        assert each.stdout.readline() == "there\n"
    victim = racers.pop("b")
    victim.kill()
    victim.communicate()
    used = {name: int(each.communicate("\n")[0].split()[-1]) for name, each in racers.items()}
    recorded = {name: (folder / name).stat().st_size for name in ("a", "b", "c")}
    assert {name: recorded[name] for name in used} == used
    assert sum(recorded.values()) < limit, "what the dead one was granted is nobody's"
    leasing = Leasing(store)
    with store.writing() as session:
        count(session, {(CAP, "b"): recorded["b"]})
    assert leasing.bury({"b"}) == 1
    racer(store.url, "d", limit, 0, folder).communicate()
    assert sum(recorded.values()) + (folder / "d").stat().st_size == limit, "nothing was lost, and nothing passed"


def races(*arguments: str) -> None:
    asked = [sys.executable, "-m", "tests.ledger.racing", "--calls", "6000", *arguments]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "6000 of 6000 units used" in ran.stdout


def test_replicas_that_die_at_any_moment_use_a_cap_up_and_do_not_pass_it() -> None:
    races("--workers", "3", "--kills", "15", "--life", "0.004")


def test_so_they_do_in_postgresql(postgres: str) -> None:
    races("--workers", "8", "--kills", "8", "--life", "0.03", "--ledger", schema_of(postgres, "raced"))


def test_windows_that_are_long_over_are_forgotten_and_leased_no_more(leasing: Leasing) -> None:
    def asks_of(window: int, beat: int, need: int) -> CapAnswer:
        key = CapWindow("minutes", window)
        return leasing.renew("a", beat, {key: CapClaim(LeaseClaim(0, need=need), 10)})[key]

    assert [asks_of(window, window, 4).granted for window in range(1, 103)] == [4] * 102
    with leasing.store.reading() as session:
        kept = [window for (window,) in session.all("SELECT \"window\" FROM leases WHERE cap = 'minutes'")]
    assert sorted(kept) == list(range(3, 103))
    assert asks_of(2, 200, 4) == CapAnswer(0, 0), "its leases are forgotten, so that nobody knows what is left"
    assert asks_of(50, 201, 4).granted == 4, "a clock that is behind: within what is left of that window"


def test_a_clock_that_is_ahead_leaves_the_others_their_windows(leasing: Leasing) -> None:
    """`b` is three hours ahead: two of its minutes took the place of 180, and `a` was told that nothing is left."""

    def asks_of(holder: str, window: int, beat: int) -> CapAnswer:
        key = CapWindow("minutes", window)
        return leasing.renew(holder, beat, {key: CapClaim(LeaseClaim(0, need=4), 10)})[key]

    assert asks_of("a", 1, 1).granted == 4
    assert [asks_of("b", 180 + n, n).granted for n in (1, 2)] == [4, 4]
    assert [asks_of("a", n, n).granted for n in range(2, 99)] == [4] * 97
    assert asks_of("a", 99, 99).granted == 4, "of 101 windows the oldest is forgotten"
    assert asks_of("a", 1, 100) == CapAnswer(0, 0)


def test_late_records_of_the_ended_hide_nothing_of_what_others_may_still_use(store: Store) -> None:
    """In every order of: `a` of 3 units, and `b` of 2, end while calls are not on the books; their records come.

    `b` uses 2 units more than it leased, and `z`, which has ended, never leased any of the cap. Whenever somebody asks,
    no more is left than what nobody used and nobody may still use; and all of that is, once all records have come.
    """
    begin, steps = {"a": 3, "b": 2, "z": 0}, {"a": (1, 2), "b": (1, 3), "z": (2,)}
    records = [(who, at) for who, amounts in steps.items() for at in range(len(amounts))]
    orders = [each for each in permutations(records) if [at for who, at in each if who == "a"] == [0, 1]]
    for window, (order, kills) in enumerate(product(orders, (False, True))):
        key, names = CapWindow("cap", window), {who: f"{who}{window}" for who in begin}
        leasing = Leasing(store)
        for who, name in names.items():
            leasing.open(name, name, 0)
            if begin[who]:
                leasing.renew(name, 1, {key: CapClaim(LeaseClaim(0, begin[who], begin[who]), 20)})
                leasing.renew(name, 2, {key: CapClaim(LeaseClaim(begin[who], begin[who]), 20)})
            leasing.bury([name]) if kills else leasing.close(
                name, 3, {key: LeaseClaim(begin[who], begin[who])} if begin[who] else {}
            )
        open_, drawn = dict(begin), 0
        leasing.open(f"c{window}", "c", window)
        for beat, (who, at) in enumerate(order, 1):
            amount = steps[who][at]
            with store.writing() as session:
                count(session, {(key, names[who]): amount})
            drawn, open_[who] = drawn + amount, max(0, open_[who] - amount)
            left = leasing.renew(f"c{window}", beat, {key: CapClaim(LeaseClaim(0), 20)})[key].remaining
            assert left == 20 - drawn - sum(open_.values()), (order, kills)
        assert (drawn, left) == (9, 11)
