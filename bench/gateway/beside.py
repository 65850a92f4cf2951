"""Small calls while one caller sends one large body after the other: what do the others wait?

    python bench/gateway/beside.py [--seconds 10] [--rate 100]
    sudo setsid --wait python bench/gateway/beside.py --nice -15    # before its neighbours

Owns: the large bodies, who sends them, and the figures. 28 MB in 4,900 messages are asked for in each way: passed on,
in Anthropic's own shape, and said in Bedrock's Converse. The small calls go to a stub of their own, which the large
ones do not keep busy; `direct` is both without a gateway: what the harness takes. Exit code 1: a p99 over 100 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from multiprocessing import Event, Process, Value
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway import serving_case
from bench.gateway.contender import KINDS, Cores, Stub, Unavailable, free_port
from bench.gateway.load import Target, paced
from bench.gateway.process import prefer

MESSAGES, LETTERS = 4900, 5700
BEHIND = 10
"""How much nicer than the small calls' are the sender of large ones and their stub: they share a core."""
AIM = 0.100
"""Seconds: of a hundred small calls, 99 are answered sooner."""
WAYS = {
    "passed on": serving_case.PASSED,
    "in Anthropic's shape": serving_case.NATIVE,
    "said in Converse's": serving_case.CONVERSE,
}


def body(target: Target) -> bytes:
    """A large call: short messages, many of them."""
    turns = [{"role": ("user", "assistant")[at % 2], "content": "a" * LETTERS} for at in range(MESSAGES - 1)]
    turns.append({"role": "user", "content": "b"})
    return json.dumps({"model": target.model, "max_tokens": 64, "messages": turns}).encode()


class Sender(Process):
    """Sends one large body after the other until it is told to stop; whoever measures comes first on their core."""

    def __init__(self, target: Target) -> None:
        super().__init__(daemon=True)
        self._target, self._over, self._answered = target, Event(), Value("i", 0)

    def run(self) -> None:
        os.nice(BEHIND)
        at, sent = self._target, body(self._target)
        headers = {"authorization": f"Bearer {at.key}", "content-type": "application/json"}
        while not self._over.is_set():
            connection = HTTPConnection(at.host, at.port, timeout=60)
            connection.request("POST", at.path, sent, headers)
            reply = connection.getresponse()
            said = reply.read()
            connection.close()
            if reply.status != 200:
                raise SystemExit(f"a large body is answered with {reply.status}: {said[:300]!r}")
            self._answered.value += 1

    def stop(self) -> int:
        """How many were answered, once the last of them is. Raises SystemExit where one was not served."""
        self._over.set()
        self.join()
        if self.exitcode or not self._answered.value:
            raise SystemExit(f"large bodies are not served at {self._target.model}")
        return int(self._answered.value)


@dataclass(frozen=True)
class Waits:
    """What small calls waited, in milliseconds, and how many large ones were served meanwhile."""

    name: str
    p50: float
    p99: float
    most: float
    large: int = 0

    def __str__(self) -> str:
        figures = f"p50 {self.p50:6.1f} ms  p99 {self.p99:6.1f} ms  most {self.most:6.1f} ms"
        return f"{self.name:40} {figures}  large bodies {self.large}"


def waits(name: str, target: Target, rate: float, seconds: float) -> Waits:
    """Of small calls at a steady pace."""
    times = sorted(uvloop.run(paced(target, rate, seconds)))
    p50, p99, most = (1000 * times[int(part * (len(times) - 1))] for part in (0.5, 0.99, 1))
    return Waits(name, p50, p99, most)


def beside(name: str, small: Target, large: Target, rate: float, seconds: float) -> Waits:
    """Of small calls, while large ones are served."""
    sender = Sender(large)
    sender.start()
    found = waits(name, small, rate, seconds)
    return replace(found, large=sender.stop())


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--seconds", type=float, default=10)
    given.add_argument("--rate", type=float, default=100, help="small calls a second")
    given.add_argument("--nice", type=int, default=0)
    asked = given.parse_args()
    cores = Cores.split()
    os.sched_setaffinity(0, cores.rest)
    if asked.nice:
        prefer(os.getpid(), asked.nice)
    pace = asked.rate, asked.seconds
    with tempfile.TemporaryDirectory(prefix="detente-beside-") as folder:
        ports = (free_port(), free_port())
        stubs = [
            Stub(Path(folder) / f"stub{at}", (port, free_port()), cores.rest, nice=asked.nice + at * BEHIND)
            for at, port in enumerate(ports)
        ]
        one = KINDS["detente"](Path(folder) / "detente", ports, cores.measured, nice=asked.nice)
        try:
            for started in (*stubs, one):
                started.start()
            direct, large = (stub.target() for stub in stubs)
            small = one.target(serving_case.PAIRED)
            print(waits("direct", direct, *pace))
            print(beside("direct, large ones too", direct, large, *pace))
            print(waits("alone", small, *pace))
            found = [beside(f"beside large ones {way}", small, one.target(model), *pace) for way, model in WAYS.items()]
        except Unavailable as reason:
            raise SystemExit(str(reason)) from None
        finally:
            for started in (one, *stubs):
                started.stop()
    print(*found, sep="\n")
    raise SystemExit(0 if all(one.p99 < 1000 * AIM for one in found) else 1)


if __name__ == "__main__":
    main()
