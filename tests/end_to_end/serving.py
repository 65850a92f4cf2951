"""``detente serve`` as a process of its own, as its users start it, and what the tests ask of it.

Owns: starting it, hearing where it listens, its journal, its sandbox's control, and its end. Not here: any case, and
the clients that are pointed at it (``clients``).
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from detente.ledger.journals.frames import Torn, read
from detente.ledger.journals.journal import files
from detente.ledger.journals.record import Record, decoded, ended
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
ENTERPRISE = ROOT / "examples" / "enterprise"
AT = "2026-06-15T09:00Z"
"""A Monday morning on which all of the enterprise's agreements are in force."""


@dataclass
class Gateway:
    """A gateway that runs."""

    process: subprocess.Popen[bytes]
    address: str
    keys: Mapping[str, str]
    control: str
    journal: Path
    log: Path

    # -- what it says ------------------------------------------------------------------------------------------
    def records(self) -> list[Record]:
        """What the journal holds now, worker by worker; a torn end is left out."""
        found = list[Record]()
        for file in files(self.journal):
            found += [decoded(item) for item in read(file) if not isinstance(item, Torn)]
        return list(ended(found))

    def record(self, request: str) -> Record:
        """The one record of a request."""
        (found,) = [record for record in self.records() if record.id == request]
        return found

    def tells_the_end(self, request: str) -> bool:
        """Whether the journal says by now how a request ended."""
        return any(record.id == request and record.outcome != "begun" for record in self.records())

    def said(self) -> str:
        """Its messages so far."""
        return self.log.read_text(encoding="utf-8")

    def heard(self, text: str) -> None:
        """Wait until it says something."""
        until(lambda: text in self.said(), lambda: f"`{text}` is not said, but:\n{self.said()}")

    def page(self, path: str) -> tuple[int, Any]:
        """A page of its own: the status, and the JSON of it."""
        return asked("GET", self.address + path)

    # -- what it is told ---------------------------------------------------------------------------------------
    def fault(self, on: str, kind: str, **more: Any) -> str:
        """Begin a fault in the sandbox; its id."""
        keys = {name.replace("_", "-"): value for name, value in more.items()}
        status, found = asked("POST", f"{self.control}/faults", {"on": on, "kind": kind, **keys})
        assert status == 201, found
        return str(found["id"])

    def mended(self, fault: str = "") -> None:
        """Take a fault back, or all."""
        status, found = asked("DELETE", f"{self.control}/faults{'/' if fault else ''}{fault}")
        assert status == 200, found

    def calls(self, deployment: str) -> list[dict[str, Any]]:
        """The calls that the sandbox remembers of a deployment."""
        _, found = asked("GET", f"{self.control}/calls")
        return list(next(d for d in found["deployments"] if d["deployment"] == deployment)["recent"])

    def tell(self, name: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(name)

    def stop(self) -> None:
        """Stop it as an operator does; it ends well, and nothing of it remains."""
        self.tell(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.said()
        assert "Traceback" not in self.said(), self.said()


def command(case: Path, journal: Path, *options: str) -> list[str]:
    """How it is started."""
    served = [sys.executable, "-m", "detente", "serve", str(case), "--port", "0", "--json", "--at", AT]
    return [*served, "--journal", str(journal), *options]


@contextmanager
def serving(case: Path, folder: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """Serve a case until the block ends; then it must stop well."""
    journal, log = folder / "journal", folder / "log"
    with log.open("wb") as messages:
        process = subprocess.Popen(
            command(case, journal, *options),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            env={**os.environ, "PYTHONWARNINGS": "default", **(env or {})},
        )
    assert process.stdout is not None
    with process, process.stdout as told:
        try:
            if not select.select([told], [], [], PATIENCE)[0]:
                raise AssertionError(f"it does not start: {log.read_text(encoding='utf-8')}")
            ready = json.loads(told.readline() or b"{}")
            assert "address" in ready, log.read_text(encoding="utf-8")
            gateway = Gateway(process, ready["address"], ready.get("keys", {}), ready.get("control", ""), journal, log)
            yield gateway
            if process.poll() is None:
                gateway.stop()
        finally:
            if process.poll() is None:
                process.kill()


def asked(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """One request without a client library: the status, and the JSON that came back."""
    target = urlsplit(url)
    connection = HTTPConnection(target.netloc, timeout=PATIENCE)
    try:
        connection.request(method, target.path or "/", json.dumps(body).encode() if body is not None else None)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Do something again and again, in a thread, while the block runs. The block may stop it; it raises what it met."""
    over, met = threading.Event(), list[BaseException]()

    def repeat() -> None:
        try:
            while not over.is_set():
                act()
        except BaseException as error:
            met.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield over.set
    finally:
        over.set()
        thread.join()
    if met:
        raise met[0]
