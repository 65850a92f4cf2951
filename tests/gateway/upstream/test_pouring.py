"""A reply that is poured: each piece is taken in the turn in which it comes, by whoever asked for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from detente.gateway.upstream import Incoming, UpstreamError
from detente.gateway.upstream.error import ErrorKind
from detente.gateway.upstream.origin import Origin

SOMEWHERE = Origin("http", "provider", 80)


class Source:
    """The connection that it comes on, which reads no further before what is held was taken."""

    paused = True

    def __init__(self) -> None:
        self.resumed = 0
        self.incoming = Incoming(self, SOMEWHERE, asyncio.get_running_loop(), 0.0, 100.0)

    def resume(self) -> None:
        self.resumed += 1

    def fail(self, kind: ErrorKind, what: str) -> None:
        self.incoming.fail(UpstreamError(kind, SOMEWHERE, what, sent=True))

    def brings(self, *pieces: bytes, over: bool = False) -> None:
        self.incoming.pieces += pieces
        self.incoming.held += sum(map(len, pieces))
        self.incoming.over = over
        self.incoming.wake()


def into(taken: list[bytes], until: bytes = b"") -> Callable[[bytes], bool]:
    """Takes all, or until a piece."""

    def take(data: bytes) -> bool:
        taken.append(data)
        return not until or data != until

    return take


def play(scene: Callable[[Source, list[bytes]], Any]) -> None:
    async def main() -> None:
        await scene(Source(), [])

    asyncio.run(main())


def test_a_piece_is_taken_as_it_comes_and_its_reader_sleeps() -> None:
    async def scene(source: Source, taken: list[bytes]) -> None:
        source.brings(b"a")
        pouring = asyncio.create_task(source.incoming.pour(into(taken)))
        await asyncio.sleep(0)
        assert taken == [b"a"]
        source.brings(b"b", b"c")
        assert taken == [b"a", b"bc"]  # in this turn
        assert (source.incoming.held, source.resumed) == (0, 2)
        source.brings(b"d", over=True)
        assert taken[-1] == b"d"
        await pouring
        assert source.incoming.ended

    play(scene)


def test_a_reader_that_wants_no_more_is_woken_and_what_comes_meanwhile_is_kept() -> None:
    async def scene(source: Source, taken: list[bytes]) -> None:
        pouring = asyncio.create_task(source.incoming.pour(into(taken, until=b"b")))
        await asyncio.sleep(0)
        source.brings(b"a")
        source.brings(b"b")
        source.brings(b"c", over=True)
        await pouring
        assert (taken, source.incoming.pieces, source.incoming.ended) == ([b"a", b"b"], [b"c"], False)
        await source.incoming.pour(into(taken))
        assert (taken, source.incoming.ended) == ([b"a", b"b", b"c"], True)

    play(scene)


def test_what_a_taker_raises_is_raised_to_its_reader_and_not_to_the_connection() -> None:
    async def scene(source: Source, taken: list[bytes]) -> None:
        def take(data: bytes) -> bool:
            raise OSError("the disk is full")

        pouring = asyncio.create_task(source.incoming.pour(take))
        await asyncio.sleep(0)
        source.brings(b"a")
        source.brings(b"b")  # nobody takes it any more
        with pytest.raises(OSError, match="disk"):
            await pouring
        assert source.incoming.pieces == [b"b"]

    play(scene)


@pytest.mark.parametrize("last", [b"", b"b"])
def test_a_failure_comes_after_what_came_before_it(last: bytes) -> None:
    async def scene(source: Source, taken: list[bytes]) -> None:
        pouring = asyncio.create_task(source.incoming.pour(into(taken)))
        await asyncio.sleep(0)
        source.brings(b"a")
        source.incoming.pieces += [last] if last else []
        source.fail("broken", "closed the connection within its reply")
        with pytest.raises(UpstreamError, match="within its reply"):
            await pouring
        assert taken == [b"a", last] if last else taken == [b"a"]

    play(scene)


def test_a_reader_who_leaves_closes_the_reply_and_takes_nothing_more() -> None:
    async def scene(source: Source, taken: list[bytes]) -> None:
        pouring = asyncio.create_task(source.incoming.pour(into(taken)))
        await asyncio.sleep(0)
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
        assert source.incoming.failure is not None
        source.brings(b"late")
        assert taken == []

    play(scene)
