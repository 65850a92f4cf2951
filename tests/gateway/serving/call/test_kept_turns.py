"""Turns that are kept: found by whoever made them, on any worker, within their bounds."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.serving.call.kept_turns import NOTHING_KEPT, KeptTurns, UnkeptError
from detente.gateway.surfaces.surface import KeptTurn
from detente.live.serving import KeptResponses
from tests.gateway.http.peer import run
from tests.waiting import AGES, PATIENCE, Ahead, so, turns

BOUNDS = KeptResponses(count=3, bytes=100, age="10 s")  # type: ignore[arg-type]  # as a case writes it


def turn(name: str, previous: str = "", size: int = 10) -> KeptTurn:
    return KeptTurn(name, previous, b"i" * (size // 2), b"r" * (size - size // 2))


async def names(kept: KeptTurns, name: str, now: float, key: str = "k") -> list[str]:
    return [found.id for found in await kept.recall(key, name, BOUNDS, now)]


def test_a_conversation_is_found_whole_by_its_key_on_any_worker_and_by_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        one, other = KeptTurns(tmp_path / "turns"), KeptTurns(tmp_path / "turns")
        await one.keep("k", turn("a"), BOUNDS, 1.0)
        await other.keep("k", turn("b", "a"), BOUNDS, 2.0)
        await one.keep("k", turn("c", "a"), BOUNDS, 3.0)
        assert await names(one, "b", 4.0) == ["a", "b"] == await names(other, "b", 4.0)
        assert await names(other, "c", 4.0) == ["a", "c"]
        assert (await one.recall("k", "b", BOUNDS, 4.0))[1] == turn("b", "a")
        assert await names(one, "b", 4.0, key="another") == []
        await one.keep("another", turn("d", "b"), BOUNDS, 4.0)  # what it builds on is not its own
        assert await names(one, "d", 4.0, key="another") == []
        await one.close()
        await other.close()

    run(main())


def test_what_is_deleted_is_gone_once_nothing_builds_on_it(tmp_path: Path) -> None:
    async def main() -> None:
        kept = KeptTurns(tmp_path / "turns")
        await kept.keep("k", turn("a"), BOUNDS, 1.0)
        await kept.keep("k", turn("b", "a"), BOUNDS, 1.0)
        await kept.forget("another", "a")
        assert await names(kept, "b", 1.0) == ["a", "b"]
        await kept.forget("k", "a")
        assert await names(kept, "a", 1.0) == []
        assert await names(kept, "b", 1.0) == ["a", "b"]
        await kept.forget("k", "b")
        assert await names(kept, "b", 1.0) == []
        with closing(sqlite3.connect(tmp_path / "turns")) as file:
            assert file.execute("select count(*) from turns").fetchone() == (0,)
        await kept.close()

    run(main())


def test_what_is_built_on_stays_and_what_is_not_goes(tmp_path: Path) -> None:
    """Ten seconds after its last use."""

    async def main() -> None:
        kept = KeptTurns(tmp_path / "turns")
        await kept.keep("k", turn("a"), BOUNDS, 0.0)
        await kept.keep("k", turn("b", "a"), BOUNDS, 5.0)
        assert await names(kept, "b", 9.0) == ["a", "b"]
        assert await names(kept, "b", 18.9) == ["a", "b"]  # nine seconds after it was built on
        assert await names(kept, "b", 28.9) == []
        await kept.close()

    run(main())


def test_a_key_takes_no_more_than_its_bounds_and_nobody_elses(tmp_path: Path) -> None:
    async def main() -> None:
        kept = KeptTurns(tmp_path / "turns")
        await kept.keep("other", turn("o"), BOUNDS, 0.0)
        for at, name in enumerate("abcd"):
            await kept.keep("k", turn(name), BOUNDS, float(at))
        assert [name for name in "abcd" if await names(kept, name, 4.0)] == ["b", "c", "d"]  # three of them
        await kept.keep("k", turn("e", size=85), BOUNDS, 5.0)  # 85 and 10 bytes are within 100
        assert [name for name in "abcde" if await names(kept, name, 5.0)] == ["d", "e"]
        await kept.keep("k", turn("f", size=101), BOUNDS, 6.0)
        assert await names(kept, "f", 6.0) == []
        assert await names(kept, "o", 6.0, key="other") == ["o"]
        await kept.close()

    run(main())


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(st.tuples(st.sampled_from("kl"), st.integers(1, 60), st.integers(0, 4)), max_size=25),
    count=st.integers(1, 4),
    most=st.integers(1, 120),
)
def test_bounds_hold_whatever_is_kept(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, int, int]], count: int, most: int
) -> None:
    """The newest that fit, by a model in a few lines: newest first, while both bounds hold."""

    async def main() -> None:
        bounds = KeptResponses(count=count, bytes=most)
        file = tmp_path_factory.mktemp("kept") / "turns"
        kept = KeptTurns(file)
        model: dict[str, list[tuple[str, int]]] = {"k": [], "l": []}
        for at, (key, size, _) in enumerate(turns):
            await kept.keep(key, turn(f"{at:03}", size=size), bounds, float(at))
            newest: list[tuple[str, int]] = []
            bytes_ = 0
            for name, held in [(f"{at:03}", size), *model[key]]:
                bytes_ += held
                if bytes_ > most or len(newest) == count:
                    break
                newest.append((name, held))
            model[key] = newest
        if kept._opened is not None:
            with closing(sqlite3.connect(file)) as read:
                found = read.execute("select key, id from turns order by id desc").fetchall()
            assert sorted(found) == sorted((key, name) for key, held in model.items() for name, _ in held)
        await kept.close()

    run(main())


def test_nothing_is_kept_without_a_file_or_where_a_case_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        never = KeptResponses(age="0 s")  # type: ignore[arg-type]
        kept = KeptTurns(tmp_path / "turns")
        assert kept.keeps(BOUNDS)
        assert not kept.keeps(never)
        assert not NOTHING_KEPT.keeps(BOUNDS)
        assert await NOTHING_KEPT.recall("k", "a", BOUNDS, 0.0) == () == await kept.recall("k", "a", never, 0.0)
        with pytest.raises(UnkeptError):
            await NOTHING_KEPT.keep("k", turn("a"), BOUNDS, 0.0)
        assert list(tmp_path.iterdir()) == []

    run(main())


@pytest.mark.parametrize("awaited", [True, False], ids=["awaited", "cancelled"])
def test_who_closes_waits_for_a_thread_that_is_busy_and_leaves_neither_it_nor_the_file(
    tmp_path: Path, awaited: bool
) -> None:
    """However long that takes: what a call waits for at most does not bound the end."""

    async def main() -> None:
        loop, others = asyncio.get_running_loop(), set(threading.enumerate())
        busy, gate = threading.Event(), threading.Event()
        assert isinstance(loop, Ahead)
        kept = KeptTurns(tmp_path / "turns", wait=AGES)
        await kept.keep("k", turn("a"), BOUNDS, 0.0)

        def stall() -> None:
            busy.set()
            gate.wait(PATIENCE)

        stalled = asyncio.create_task(kept._beside(stall))
        await so(busy.is_set)  # what the thread has not begun by its deadline it never begins
        loop.ahead += 2 * AGES
        with pytest.raises(TimeoutError):
            await stalled
        closing = asyncio.create_task(kept.close())
        await turns()
        loop.ahead += 2 * AGES
        await turns()
        assert not closing.done()
        if not awaited:
            closing.cancel()
            await turns()
        gate.set()
        with suppress(asyncio.CancelledError):
            await closing
        assert closing.cancelled() != awaited
        await so(lambda: set(threading.enumerate()) <= others)
        assert kept._opened is None
        await kept.close()  # once more is nothing

    run(main(), plain=True)
