"""`detente serve` as a process, and a provider in threads that it asks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from detente.ledger.journals.record import Record
from tests.builders import Data
from tests.cli.asking import written
from tests.cli.shell import First, detente, started
from tests.gateway.caller import HELLO, KEY
from tests.gateway.script import FLOW, completion
from tests.gateway.stage import SECRET, VARIABLE, case_data, recorded
from tests.waiting import PATIENCE, until


class Provider:
    """Answers chat completions; a stream waits for ``gate`` after its first content."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if asked.get("stream"):
                    with contextlib.suppress(OSError):
                        self.wfile.write(b"".join(FLOW[:3]))
                        outer.gate.wait(PATIENCE)
                        self.wfile.write(b"".join(FLOW[3:]))
                    return
                said = json.dumps(completion()).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


# -- a gateway as a process -------------------------------------------------------------------------------------------
class Gateway:
    """``detente serve`` under way."""

    def __init__(self, case: Path, *arguments: object, first: First | None = None) -> None:
        self.journal, self.printed = case.parent / "journal", Path(tempfile.mkdtemp(dir=case.parent))
        words = ["serve", case, "--port", "0", "--journal", self.journal, *arguments]
        self.process = started([*map(str, words)], case.parent, self.printed, {VARIABLE: SECRET}, first)
        self.port = 0

    @property
    def text(self) -> str:
        """What it has said so far."""
        return (self.printed / "err").read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        return self.process.exitcode is None

    def wait(self, pattern: str) -> re.Match[str]:
        """Until it has said something."""
        until(lambda: re.search(pattern, self.text) or not self.runs, lambda: self.text)
        found = re.search(pattern, self.text)
        assert found is not None, self.text
        return found

    def get(self, path: str) -> tuple[int, bytes]:
        return self._call("GET", path, None)[:2]

    def ask(self, **more: Any) -> tuple[int, bytes, dict[str, str]]:
        return self._call("POST", "/v1/chat/completions", json.dumps({**HELLO, **more}))

    def _call(self, method: str, path: str, body: str | None) -> tuple[int, bytes, dict[str, str]]:
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, {"authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}

    def until(self, holds: Callable[[], bool]) -> None:
        until(holds, lambda: self.text)

    def records(self) -> list[Record]:
        return recorded(self.journal)

    def tell(self, name: signal.Signals) -> None:
        os.kill(self.pid, name)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.tell(how)
        return self.ended()

    def ended(self) -> int:
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, self.text
        return self.process.exitcode

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # workers too, where a test failed
            os.killpg(self.pid, signal.SIGKILL)
        self.process.join()


@contextlib.contextmanager
def gateway(case: Path, *arguments: object, first: First | None = None) -> Iterator[Gateway]:
    made = Gateway(case, *arguments, first=first)
    try:
        made.port = int(made.wait(r"serving on http://127\.0\.0\.1:(\d+)")[1])
        yield made
    finally:
        made.close()


def case_at(folder: Path, provider: Provider, *agreements: Data, **head: object) -> Path:
    return written(folder / "case", case_data({"south": provider.base, "north": provider.base}, *agreements, **head))


def refused(case: Path, *arguments: object) -> str:
    """What it says where it does not start."""
    done = detente("serve", case, "--port", "0", *arguments, cwd=case.parent, more={VARIABLE: SECRET})
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == ""
    return done.stderr


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
