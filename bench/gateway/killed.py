"""Workers are killed and providers fail while calls run: has every reply that came whole its record, and was it true?

    python bench/gateway/killed.py [--requests 100000] [--connections 96] [--workers 2] [--kill-every 4000]

Owns: the kills, the faults, and the summary. `detente serve --sandbox` serves the enterprise example; callers on
keep-alive connections ask for whole replies and streams; one fault after the other strikes the providers, and after so
many calls a worker gets `kill -9`: calls are the clock, so that a slow machine sees the same. Afterwards the journal is
held against what the callers saw. Exit code 1: a rule was broken. Not here: the calls, and the rules (`witness`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.process import tree
from bench.gateway.witness import Traffic, broken, ended, records
from detente.errors import JournalError

ROOT = Path(__file__).resolve().parents[2]
PLAY = re.compile(r"^    play: .*$", re.MULTILINE)
SPEED = "    play: { first-token: 5 ms, speed: 400 tok per second }"
SERVING = "serving:\n"
DEADLINES = "  deadlines: { connect: 1 s, first-byte: 2 s, idle: 2 s, total: 10 s }\n"
FAULTS: tuple[dict[str, Any], ...] = (
    {"on": "azure/swedencentral", "kind": "down"},
    {"on": "azure-ptu-gpt-4.1-mini", "kind": "throttled", "chance": "60%", "retry-after": "200 ms"},
    {"on": "azure", "kind": "cut", "after": 6, "chance": "40%"},
    {"on": "aws", "kind": "exception", "after": 4, "chance": "40%"},
    {"on": "aws/eu-central-1", "kind": "down"},
    {"on": "azure/swedencentral", "kind": "unavailable", "chance": "50%"},
    {"on": "aws", "kind": "malformed", "after": 3, "chance": "30%"},
    {"on": "nordgpu", "kind": "expired-credential"},
    {"on": "azure", "kind": "slow-first-byte", "chance": "10%", "silence": "4 s"},
    {"on": "nordgpu", "kind": "cut", "chance": "50%"},
    {"on": "azure", "kind": "malformed", "chance": "30%"},
    {"on": "aws", "kind": "stall", "after": 5, "chance": "20%", "silence": "3 s"},
)


# -- what goes wrong ------------------------------------------------------------------------------------------------
def _control(control: str, method: str, body: Any = None) -> None:
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(f"{control}/faults", data, method=method), timeout=10) as answer:
        answer.read()


async def failing(traffic: Traffic, control: str) -> None:
    """One fault after the other, with quiet between them: each once in a small run, again and again in a large one."""
    each = min(1000, traffic.left // len(FAULTS))
    for number in count():
        begun = traffic.left
        await asyncio.to_thread(_control, control, "POST", FAULTS[number % len(FAULTS)])
        await _asked(traffic, begun - each * 4 // 5)
        await asyncio.to_thread(_control, control, "DELETE")
        await _asked(traffic, begun - each)


async def _asked(traffic: Traffic, left: int) -> None:
    """Once no more calls are left to ask."""
    while traffic.left > left:
        await asyncio.sleep(0.01)


def workers(gateway: int) -> list[int]:
    """The gateway's workers: of its session, as the sandbox beside it is not."""
    session = os.getsid(gateway)
    return [pid for pid in tree(gateway) if pid != gateway and _session(pid) == session]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


async def killing(traffic: Traffic, gateway: int, every: int, killed: list[int]) -> None:
    """A worker is killed, again and again."""
    while True:
        await _asked(traffic, traffic.left - every)
        alive = workers(gateway)
        if alive:
            killed.append(traffic.chance.choice(alive))
            os.kill(killed[-1], signal.SIGKILL)


# -- the run --------------------------------------------------------------------------------------------------------
def prepared(folder: Path) -> Path:
    """The enterprise example, faster than life, with short deadlines."""
    case = folder / "case"
    shutil.copytree(ROOT / "examples" / "enterprise", case)
    for file in (case / "deployments").iterdir():
        file.write_text(PLAY.sub(SPEED, file.read_text(encoding="utf-8")), encoding="utf-8")
    head = case / "case.yaml"
    stated = head.read_text(encoding="utf-8")
    assert stated.count(SERVING) == 1, "the example states how it serves"
    head.write_text(stated.replace(SERVING, SERVING + DEADLINES), encoding="utf-8")
    return case


async def run(traffic: Traffic, asked: argparse.Namespace, gateway: int, control: str, killed: list[int]) -> None:
    """All calls, while things go wrong."""
    ills = [
        asyncio.create_task(failing(traffic, control)),
        asyncio.create_task(killing(traffic, gateway, asked.kill_every, killed)),
    ]
    await asyncio.gather(*(traffic.caller() for _ in range(asked.connections)))
    for ill in ills:
        if ill.done():
            ill.result()
        ill.cancel()


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--requests", type=int, default=100_000)
    given.add_argument("--connections", type=int, default=96)
    given.add_argument("--workers", type=int, default=2)
    given.add_argument("--kill-every", type=int, default=4000, help="calls between two kills")
    given.add_argument("--seed", type=int, default=1)
    asked = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="detente-killed-") as name:
        folder = Path(name)
        command = [
            sys.executable,
            "-m",
            "detente",
            "serve",
            str(prepared(folder)),
            "--sandbox",
            "--port",
            "0",
            "--json",
        ]
        command += ["--at", "2026-06-15T09:00Z", "--workers", str(asked.workers), "--journal", str(folder / "journal")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline() or b"{}")
            place = urlsplit(ready["address"])
            assert place.hostname is not None
            assert place.port is not None
            chance, killed = random.Random(asked.seed), list[int]()
            traffic = Traffic((place.hostname, place.port), ready["keys"], asked.requests, chance)
            begin = time.monotonic()
            uvloop.run(run(traffic, asked, process.pid, ready["control"], killed))
            seconds = time.monotonic() - begin
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        finally:
            process.kill()
            process.stdout.close()
        said = (folder / "log").read_text(encoding="utf-8")
        raise SystemExit(told(traffic, killed, asked.connections, seconds, code, said, folder / "journal"))


def told(
    traffic: Traffic, killed: list[int], connections: int, seconds: float, code: int, said: str, journal: Path
) -> int:
    """Print the summary and the verdict; the exit code."""
    try:
        found = list(records(journal))
    except JournalError as error:
        print(f"BROKEN: {error}")
        return 1
    replies = Counter((reply.kind.name, reply.status, ended(reply)) for reply in traffic.seen.values())
    print(f"{len(traffic.seen):,} whole replies in {seconds:.0f} s, {traffic.lost:,} lost with their worker")
    print(f"{len(killed)} workers killed; {len(list(journal.glob('*.torn-*')))} torn ends set aside")
    for (name, status, how), times in sorted(replies.items()):
        print(f"  {name:<8}{status:>5}  {how:<12}{times:>8,}")
    print(f"{len(found):,} records")
    for outcome, times in Counter(record.outcome for record in found).most_common():
        print(f"  {outcome:<27}{times:>8,}")
    print(f"  {'after another failed':<27}{sum(len(r.attempts) > 1 and r.outcome == 'complete' for r in found):>8,}")
    wrong = [*broken(traffic.seen, found)]
    wrong += [f"{times} replies of status {status} have no id, or one twice" for status, times in traffic.odd.items()]
    if traffic.lost > len(killed) * connections:
        wrong.append(f"{traffic.lost} calls were lost, more than {len(killed)} kills explain")
    if code:
        wrong.append(f"the gateway ended with exit code {code}")
    if "Traceback" in said or "not answered" in said:
        wrong.append(f"the gateway met a defect: {said[-3000:]}")
    if not killed:
        wrong.append("no worker was killed, so that nothing is proved; ask for more requests")
    for what in wrong[:20]:
        print(f"BROKEN: {what}")
    print(f"{len(wrong):,} breaches" if wrong else "every whole reply has its record, and none is untrue")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
