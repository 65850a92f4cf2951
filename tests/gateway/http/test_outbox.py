"""What goes out in one turn of the event loop: together, in order, once, and never left behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from detente.gateway.http import outbox as limits
from detente.gateway.http.exchange import Exchange, HeaderLines, RequestHead
from detente.gateway.http.outbox import Outbox
from detente.gateway.http.protocol import PIECE, Connection
from tests.gateway.http.peer import run

ASKED = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"


class Silent:
    """An application that keeps its exchanges, for the test to answer."""

    max_body, max_connections, idle, keep_alive = 1000, 100, 5.0, 15.0
    metrics_port: int | None = None
    epoch: object = None

    def __init__(self, outbox: Outbox) -> None:
        self.connections: set[Connection] = set()
        self.outbox = outbox
        self.exchanges: list[Exchange] = []

    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        return None

    def malformed(self, status: int, message: str) -> bytes:
        return message.encode()

    def withhold(self, exchange: Exchange, failed: OSError) -> None:
        raise failed

    async def serve(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class Wire(asyncio.Transport):
    """A socket that takes all; ``log`` is shared by several."""

    def __init__(self, name: int, log: list[tuple[int, bytes]]) -> None:
        super().__init__()
        self.name, self.log, self.closed = name, log, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.log.append((self.name, bytes(data)))

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    abort = close


class Callers:
    """Connections with a request each, and what was written to them in which order."""

    def __init__(self, n: int) -> None:
        self.log: list[tuple[int, bytes]] = []
        loop = asyncio.get_running_loop()
        self.app, state = Silent(Outbox(loop)), SimpleNamespace(connections=set(), tasks=set())
        self.connections = [Connection(self.app, None, state, {}, loop) for _ in range(n)]
        for at, connection in enumerate(self.connections):
            connection.connection_made(Wire(at, self.log))
            connection.data_received(ASKED)

    async def asked(self) -> list[Exchange]:
        await asyncio.sleep(0)
        return self.app.exchanges


async def turn() -> None:
    """Let all go out that was written so far."""
    await asyncio.sleep(0)


def test_what_one_caller_is_told_in_a_turn_is_one_write_and_callers_are_told_in_order() -> None:
    async def main() -> None:
        callers = Callers(3)
        third, first, second = [(await callers.asked())[at] for at in (2, 0, 1)]
        for exchange in (third, first, second):
            exchange.begin(200, b"", b"one")
        third.send(b"two")
        assert not callers.log
        await turn()
        assert [name for name, _ in callers.log] == [2, 0, 1]
        assert callers.log[0][1].endswith(b"3\r\none\r\n3\r\ntwo\r\n")
        first.send(b"three")
        await turn()
        assert callers.log[3:] == [(0, b"5\r\nthree\r\n")]

    run(main())


@pytest.mark.parametrize("n", [1, 31, 32, 33, 100])
def test_nobody_is_left_behind_however_many_there_are(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_AT_ONCE", 32)

    async def main() -> None:
        callers = Callers(n)
        for exchange in await callers.asked():
            exchange.begin(200, b"", b"one")
        assert len(callers.log) == n // 32 * 32  # that many have not waited for the turn's end
        await turn()
        for exchange in callers.app.exchanges:
            exchange.finish(b"two")
        await turn()
        told = dict.fromkeys(range(n), b"")
        for name, data in callers.log:
            told[name] += data
        assert all(text.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") for text in told.values())

    run(main())


def test_a_large_reply_does_not_wait_so_that_a_slow_caller_is_seen_at_once() -> None:
    async def main() -> None:
        callers = Callers(1)
        (exchange,) = await callers.asked()
        exchange.begin(200, b"", b"a")
        exchange.send(b"b" * PIECE)
        ((_, data),) = callers.log
        assert len(data) > PIECE

    run(main())


def test_a_caller_that_closes_its_side_still_hears_what_was_said() -> None:
    async def main() -> None:
        callers = Callers(1)
        (exchange,) = await callers.asked()
        exchange.reply(200, b"", b"said")
        callers.connections[0].eof_received()
        ((_, data),) = callers.log
        assert data.endswith(b"said")

    run(main())


def test_the_last_reply_goes_out_before_the_connection_closes() -> None:
    async def main() -> None:
        callers = Callers(1)
        (exchange,) = await callers.asked()
        exchange.head.keep_alive = False
        exchange.reply(200, b"", b"last")
        ((_, data),) = callers.log
        assert data.endswith(b"last")
        assert callers.connections[0].transport.is_closing()
        await turn()  # and nothing is written to a closed socket

    run(main())


def test_a_connection_that_is_lost_or_cut_is_sent_nothing() -> None:
    async def main() -> None:
        callers = Callers(2)
        lost, cut = await callers.asked()
        lost.begin(200, b"", b"one")
        callers.connections[0].connection_lost(None)
        cut.begin(200, b"", b"one")
        cut.cut()
        await turn()
        assert not callers.log

    run(main())
