"""Callers of a gateway: as fast as it answers, at a steady pace, and as readers of streams.

Owns: sending requests and timing what comes back. Not here: who is measured (``contender``) and what is made of the
times (``measure``).

All of it runs on uvloop, whose timers are good to a millisecond: so a time is taken when bytes are written and when
they arrive, never when a timer should have fired.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httptools

REQUEST_BYTES = 1024
MARK = re.compile(rb"#(\d+)@(\d+) ")
_WRK_REQUESTS = re.compile(r"(\d+) requests in ([\d.]+)(m?s)")
_WRK_FAILED = re.compile(r"(?:Non-2xx or 3xx responses: (\d+))|(?:Socket errors: (.*))")


class LoadError(Exception):
    """The load did not run as it should, so that its figures would mean nothing."""


@dataclass(frozen=True)
class Target:
    """Where calls go, and as whom."""

    host: str
    port: int
    path: str
    key: str
    model: str

    def body(self, events: int = 0) -> bytes:
        """A call of 1 KB; with `events`, of a stream of so many."""
        call: dict[str, object] = {"model": self.model, "messages": [{"role": "user", "content": ""}]}
        if events:
            call |= {"stream": True, "max_tokens": events}
        if self.path.endswith("/messages"):
            call["max_tokens"] = events or 256
        call["messages"] = [{"role": "user", "content": "a" * (REQUEST_BYTES - len(json.dumps(call)))}]
        return json.dumps(call).encode()

    def request(self, events: int = 0) -> bytes:
        """The whole request."""
        body = self.body(events)
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Caller(asyncio.Protocol):
    """One connection, one reply at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.parser = httptools.HttpResponseParser(self)
        self.answered: asyncio.Future[int] | None = None
        self.status = 0
        self.headers: dict[bytes, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.finish(-1)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_message_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.parser = httptools.HttpResponseParser(self)
        self.finish(self.status)

    def finish(self, status: int) -> None:
        """The reply is there, or (-1) never will be."""
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send; the status when the whole reply is there, -1 where the connection was lost."""
        self.answered = asyncio.get_running_loop().create_future()
        self.headers = {}
        if self.transport.is_closing():
            self.finish(-1)
        else:
            self.transport.write(request)
        return self.answered


async def connect(target: Target) -> Caller:
    """A connection to the target."""
    _, caller = await asyncio.get_running_loop().create_connection(Caller, target.host, target.port)
    return caller


# -- as fast as it answers ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Closed:
    """How many replies came in how many seconds; every one of them was a 200."""

    requests: int
    seconds: float


def closed(target: Target, connections: int, seconds: float) -> Closed:
    """Each connection asks again as soon as it was answered: by wrk where there is one, else by a client of our own."""
    if shutil.which("wrk"):
        return _wrk(target, connections, seconds)
    import uvloop

    return uvloop.run(_closed(target, connections, seconds))


def _wrk(target: Target, connections: int, seconds: float) -> Closed:
    headers = (
        f'wrk.headers["Authorization"] = "Bearer {target.key}"\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "call.lua"
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{target.body().decode()}]]\n{headers}", encoding="utf-8")
        address = f"http://{target.host}:{target.port}{target.path}"
        asked = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        ran = subprocess.run([*asked, "-s", str(script), address], capture_output=True, text=True, check=False)
    found = _WRK_REQUESTS.search(ran.stdout)
    failed = _WRK_FAILED.search(ran.stdout)
    if ran.returncode or found is None or failed is not None:
        raise LoadError(f"not every call to {target.model} at port {target.port} was answered with 200: {ran.stdout}")
    if not int(found[1]):
        raise LoadError(f"no call to {target.model} at port {target.port} was answered")
    return Closed(int(found[1]), float(found[2]) * (0.001 if found[3] == "ms" else 1))


async def _closed(target: Target, connections: int, seconds: float) -> Closed:
    request = target.request()
    callers = [await connect(target) for _ in range(connections)]
    begin = time.perf_counter()
    answered = 0

    async def one(caller: Caller) -> None:
        nonlocal answered
        while time.perf_counter() - begin < seconds:
            status = await caller.ask(request)
            if status != 200:
                raise LoadError(f"a call was answered with {status}")
            answered += 1

    await asyncio.gather(*map(one, callers))
    spent = time.perf_counter() - begin
    for caller in callers:
        caller.transport.close()
    return Closed(answered, spent)


# -- at a steady pace -----------------------------------------------------------------------------------------------
async def paced(target: Target, rate: float, seconds: float) -> list[float]:
    """Seconds from the write of each call to its last byte; a slow reply never holds back the next call.

    Connections are opened ahead and kept. One more is opened where all of them are busy.
    """
    loop = asyncio.get_running_loop()
    request = target.request()
    idle = deque([await connect(target) for _ in range(16)])  # in turn: none is idle until the gateway closes it
    opened = list(idle)
    times: list[float] = []

    async def one() -> None:
        if idle:
            caller = idle.popleft()
        else:
            caller = await connect(target)
            opened.append(caller)
        begin = time.perf_counter()
        status = await caller.ask(request)
        times.append(time.perf_counter() - begin)
        if status != 200:
            raise LoadError(f"a call was answered with {status}")
        idle.append(caller)

    for caller in opened:  # each connection once, untimed: the gateway's own to the stub are opened by it, too
        await caller.ask(request)
    start = loop.time()
    calls = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(start + number / rate - loop.time())
        calls.append(asyncio.create_task(one()))
    await asyncio.gather(*calls)
    for caller in opened:
        caller.transport.close()
    return times


# -- streams --------------------------------------------------------------------------------------------------------
@dataclass
class Streamed:
    """What came of some streams. Delays are in seconds, from the stub's write to the caller's read."""

    asked: int = 0
    delays: list[float] = field(default_factory=list)
    missing: int = 0
    unfinished: int = 0
    cpu: float | None = None
    """CPU seconds of what was watched, while all streams ran."""
    watched: int = 0
    """Events that came while it was watched."""

    @property
    def all_delivered(self) -> bool:
        return not self.missing and not self.unfinished and len(self.delays) == self.asked


class Reader(Caller):
    """A caller that reads one stream."""

    def __init__(self, into: Streamed) -> None:
        super().__init__()
        self.into, self.rest, self.expected, self.now = into, b"", 0, 0

    def data_received(self, data: bytes) -> None:
        self.now = time.monotonic_ns()
        super().data_received(data)

    def on_body(self, data: bytes) -> None:
        data = self.rest + data
        end = 0
        for mark in MARK.finditer(data):
            end = mark.end()
            number, stamp = int(mark[1]), int(mark[2])
            self.into.missing += number != self.expected
            self.expected = number + 1
            self.into.delays.append((self.now - stamp) / 1e9)
        self.rest = data[end:][-2000:]  # an event may come in pieces

    @property
    def complete(self) -> bool:
        return b"data: [DONE]" in self.rest


async def streams(target: Target, count: int, rate: float, seconds: float, watch: Callable[[], float]) -> Streamed:
    """So many streams at once, each of `rate` events a second; `watch` is read while all of them run."""
    loop = asyncio.get_running_loop()
    events = int(rate * seconds)
    into = Streamed(asked=count * events)
    request = target.request(events)
    ramp = min(2.0, seconds / 4)  # callers do not come all at once
    readers: list[Reader] = []
    answers: list[asyncio.Future[int]] = []
    start = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + ramp * number / count - loop.time()))
        _, reader = await loop.create_connection(lambda: Reader(into), target.host, target.port)
        readers.append(reader)
        answers.append(reader.ask(request))
    await asyncio.sleep(max(0.5, start + ramp + 0.5 - loop.time()))
    before, cpu = len(into.delays), watch()
    await asyncio.sleep(max(1.0, start + seconds - 0.5 - loop.time()))
    into.cpu, into.watched = watch() - cpu, len(into.delays) - before
    done, _ = await asyncio.wait(answers, timeout=seconds + 30)
    into.unfinished = sum(answer not in done or answer.result() != 200 for answer in answers)
    into.unfinished += sum(
        answer in done and not reader.complete for answer, reader in zip(answers, readers, strict=True)
    )
    for reader in readers:
        reader.transport.close()
    return into
