"""Caps of clauses hold live: what calls take is held before them and counted after, by leases of a real ledger.

A call of 10 tokens in and 5 out on South costs 15 x 2 USD per Mtok = 0.00003 USD. As it begins it is held at 8 tokens
(34 characters) and the 5 it says, 0.000026 USD.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.errors import LedgerError
from detente.gateway.serving.caps import renewing
from detente.gateway.serving.standing_page import standing_page
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapClaim, CapWindow, Leasing
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.builders import Data, agreement
from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, http, play, refusal
from tests.gateway.stage import NOON, Stage, one
from tests.ledger.ledger_files import copied, moved_away, put_back
from tests.ledger.served import call, ingested, journal_of, served_case
from tests.waiting import so

ASK: Data = {**HELLO, "max_tokens": 5}
CAP: Data = {
    "id": "cap",
    "kind": "spending-cap",
    "amount": "0.0003 USD",
    "windows": {"every": "month"},
    "text": "At most 0.0003 USD a month.",
}


def capped(south: Any, cap: Data = CAP) -> Data:
    return one(south, agreement(cap, party="self"))


def url(folder: Path) -> str:
    return str(folder / "ledger.db")


def left(at: str) -> int:
    """What remains of the cap for a newcomer, in billionths: with a claim of nothing."""
    with open_store(at) as store:
        leasing = Leasing(store)
        with store.reading() as session:
            found = session.all('SELECT DISTINCT cap, "window" FROM leases')
            keys = [CapWindow(cap, window) for cap, window in found]
            number = session.number("SELECT COUNT(*) FROM holders")
        leasing.open(f"looks-{number}", "", 0)
        (key,) = keys
        claim = CapClaim(LeaseClaim(0), 300_000, key.cap)
        remains = leasing.renew(f"looks-{number}", 1, {key: claim})[key].remaining
        leasing.close(f"looks-{number}", 2, {})
        return remains


def in_store(at: str, sql: str) -> int:
    """What a query of the ledger comes to."""
    with open_store(at) as store, store.reading() as session:
        return session.number(sql)


async def calls(stage: Stage, count: int) -> list[int]:
    return [(await stage.ask(ASK)).status for _ in range(count)]


def test_a_spending_cap_holds_live_and_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
            assert await calls(stage, 12) == [200] * 10 + [403] * 2
            error = (await stage.ask(ASK)).json["error"]
            assert error["message"].endswith(
                " remains of 0.0003 USD in Mar 2026, and the call may take 0.000026 USD [cap]"
            )
            assert error["detente"]["text"] == CAP["text"]
            caps = standing_page(stage.standings)["caps"]
            assert [(each["clause"], each["allows"]) for each in caps] == [("cap", "0.0003")]
            metrics = (await stage.page("/metrics")).body.decode()
            assert 'detente_cap_limit{clause="cap"} 0.0003' in metrics
            assert 'detente_cap_remaining{clause="cap"} ' in metrics
            assert "detente_ledger_away 0.0" in metrics
            await so(
                lambda: "cap: 100% of its amount in Mar 2026 is used or held by calls (0 of 0.0003 left)" in stage.said
            )
            stage.clock.at = NOON.replace(month=4)
            assert await calls(stage, 1) == [200], "another window"

    run(main())


def test_what_is_on_the_books_counts_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = capped(south)
            for served in (4, 6):
                async with Stage(tmp_path, data, ledger=url(tmp_path)) as stage:
                    assert await calls(stage, served) == [200] * served
            assert left(url(tmp_path)) == 0
            async with Stage(tmp_path, data, ledger=url(tmp_path)) as stage:
                assert await calls(stage, 1) == [403]
            assert left(url(tmp_path)) == 0, "the journal is on the books by now"

    run(main())


def test_replicas_share_the_cap(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = capped(south)
            one_, other = (Stage(tmp_path / name, data, ledger=url(tmp_path)) for name in ("a", "b"))
            async with one_, other:
                found = await asyncio.gather(*[each.ask(ASK) for _ in range(10) for each in (one_, other)])
            served = sum(answer.status == 200 for answer in found)
            assert {answer.status for answer in found} == {200, 403}
            assert 8 <= served <= 10, "what is less than a call may be left at each replica"
            assert left(url(tmp_path)) == 300_000 - served * 30_000

    run(main())


def test_without_the_ledger_it_goes_on_within_its_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise LedgerError("it is gone")

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
            assert await calls(stage, 1) == [200]
            with monkeypatch.context() as patched:
                patched.setattr(Leasing, "renew", away)
                statuses = await calls(stage, 12)
                assert statuses == sorted(statuses)
                assert {*statuses} == {200, 403}
                (kept,) = stage.renewing.leases.kept.values()
                assert kept.slice.free < 26_000
                error = (await stage.ask(ASK)).json["error"]
                assert error["message"] == "what was leased of cap is used up, and the ledger is away [cap]"
                assert b"detente_ledger_away 1.0" in (await stage.page("/metrics")).body
                assert (await stage.page("/readyz")).json == {"status": "ready", "ledger": "the ledger is away"}
            await so(lambda: not stage.renewing.leases.away)
            rest = 9 - statuses.count(200)
            assert await calls(stage, rest + 1) == [200] * rest + [403]
            told = [line for line in stage.said if "ledger" in line]
            assert told == [
                "the ledger is away: it is gone; calls go on within what worker 0 has leased",
                "the ledger answers worker 0 again",
            ]

    run(main())


def test_a_worker_that_starts_while_the_ledger_is_away_makes_none_and_gives_nothing_twice(tmp_path: Path) -> None:
    """3 calls are had; the file is moved, without its log, and the worker is killed. In a new one 10 more would be."""
    ledger, aside = tmp_path / "ledger.db", tmp_path / "aside"

    async def main() -> None:
        async with play(SERVED) as south:
            data = capped(south)
            async with Stage(tmp_path, data, ledger=url(tmp_path)) as stage:
                assert await calls(stage, 3) == [200] * 3
            log = ledger.with_name("ledger.db-wal")
            ledger.rename(aside)
            log.write_bytes(b"what was committed last")
            async with Stage(tmp_path, data, ledger=url(tmp_path), again=True) as stage:
                assert await calls(stage, 2) == [403] * 2
                await stage.watch.look()
                assert not ledger.exists()
                with pytest.raises(LedgerError, match="put the ledger back beside it, or move the log away"):
                    open_store(url(tmp_path), make=True)
                assert log.read_bytes() == b"what was committed last"
                log.unlink()
                aside.rename(ledger)
                await so(lambda: not stage.renewing.leases.away)
                assert await calls(stage, 8) == [200] * 7 + [403]

    run(main())


@pytest.mark.parametrize("which", ["the file itself", "a backup", "another ledger"])
def test_a_ledger_that_is_put_back_leases_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    """3 calls of 10 are had, and those that fit the lease while it is away; then the rest, and none more.

    The worker asked the file that was gone for good, and denied all calls: "the ledger is away".
    """
    ledger = tmp_path / "ledger.db"

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
            assert await calls(stage, 1) == [200]
            await so(lambda: in_store(url(tmp_path), "SELECT COUNT(*) FROM leases") == 1)
            other = copied(ledger)
            assert await calls(stage, 2) == [200] * 2
            aside = moved_away(ledger)
            if which == "the file itself":
                other = aside
            elif which == "another ledger":
                other = tmp_path / "other.db"
                open_store(str(other), make=True).close()
            await so(lambda: stage.renewing.leases.away)
            had = 3 + (await calls(stage, 12)).count(200)
            assert had < 10
            monkeypatch.setattr(renewing, "AGAIN", 0.0)
            put_back(other, ledger)
            await so(lambda: not stage.renewing.leases.away)
            assert await calls(stage, 11 - had) == [200] * (10 - had) + [403]
            assert "the ledger answers worker 0 again" in stage.said
        assert left(url(tmp_path)) == 0

    run(main())


def test_nothing_is_leased_of_another_cases_ledger_that_takes_the_place(tmp_path: Path) -> None:
    other = tmp_path / "other.db"

    async def main() -> None:
        with open_store(str(other), make=True) as store:
            ingested(store, served_case(name="another"), journal_of(tmp_path / "j", [call(1)]))
        async with play(SERVED) as south, Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
            assert await stage.renewing.claim()
            stage._renews.cancel()
            stage.renewing.leases.failed("so that it is asked")
            moved_away(tmp_path / "ledger.db")
            put_back(other, tmp_path / "ledger.db")
            assert [await stage.renewing.claim() for _ in range(2)] == [False] * 2
            assert in_store(url(tmp_path), "SELECT COUNT(*) FROM holders") == 0
        assert "the ledger is of the case `another`, and this is" in stage.said[-1]

    run(main())


def test_a_defect_in_claiming_is_told_and_leaves_no_call_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a defect")

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
            stage._renews.cancel()
            with monkeypatch.context() as patched:
                patched.setattr(Leasing, "renew", broken)
                asked = asyncio.create_task(stage.ask(ASK))
                await so(lambda: stage.renewing.leases._next is not None)
                with pytest.raises(ValueError, match="a defect"):
                    await stage.renewing.claim()
                assert (await asked).status == 403
            assert await stage.renewing.claim(), "what was claimed is claimed again"
            assert await calls(stage, 1) == [200]

    run(main())


def test_what_a_killed_replica_did_not_use_comes_back_when_its_journal_is_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = capped(south)
            stage = Stage(tmp_path, data, ledger=url(tmp_path))
            await stage.__aenter__()
            assert await calls(stage, 2) == [200, 200]
            await so(lambda: in_store(url(tmp_path), "SELECT SUM(held) = 0 FROM leases") == 1)
            stage._renews.cancel()
            held = left(url(tmp_path))
            assert held < 240_000, "what it leased ahead is nobody's"
            stage.ledger = None  # killed: it gives nothing back
            await stage.__aexit__()
            async with Stage(tmp_path, data, ledger=url(tmp_path)) as again:
                assert again.said == ["worker 0: its journal is on the books, and what 1 earlier held is free"]
                assert left(url(tmp_path)) == 240_000
                assert await calls(again, 9) == [200] * 8 + [403]

    run(main())


def test_what_an_earlier_life_held_is_asked_for_again_until_the_ledger_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was tried once: with the ledger away in that moment, it stayed reserved until the window ended."""
    tries = 0

    def away_twice(at: str) -> Store:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise LedgerError("it is gone")
        return open_store(at)

    async def main() -> None:
        async with play(SERVED) as south:
            data = capped(south)
            stage = Stage(tmp_path, data, ledger=url(tmp_path))
            await stage.__aenter__()
            assert await calls(stage, 2) == [200, 200]
            await so(lambda: in_store(url(tmp_path), "SELECT SUM(held) = 0 FROM leases") == 1)
            stage._renews.cancel()
            stage.ledger = None  # killed: it gives nothing back
            await stage.__aexit__()
            monkeypatch.setattr(renewing, "AGAIN", 0.0)
            monkeypatch.setattr(renewing, "open_store", away_twice)
            async with Stage(tmp_path, data, ledger=url(tmp_path)) as again:
                why = "the journal of worker 0 could not be read into the ledger: it is gone"
                what = "what it leased before it was restarted stays reserved until its journal is on the books"
                freed = "worker 0: its journal is on the books, and what 1 earlier held is free"
                assert again.said[:2] == [f"{why}; {what}", freed]
                assert left(url(tmp_path)) == 240_000

    run(main())


@pytest.mark.parametrize(
    ("script", "status", "costs"),
    [
        ([http(refusal("bad"), "400 Bad Request")], 400, 0),
        ([http(refusal("busy"), "429 Too Many Requests")], 429, 0),
        (["close"], 502, 26_000),  # it had the call, and did not say what it used
    ],
)
def test_what_a_call_that_failed_used_is_counted(tmp_path: Path, script: Any, status: int, costs: int) -> None:
    async def main() -> None:
        async with play(script) as south:
            async with Stage(tmp_path, capped(south), ledger=url(tmp_path)) as stage:
                assert await calls(stage, 1) == [status]
            assert left(url(tmp_path)) == 300_000 - costs

    run(main())
