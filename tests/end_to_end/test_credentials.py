"""A provider's key that changes while calls are under way: the new one is read, and meanwhile others serve."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from detente.live.key import hash_of, make
from tests.builders import Data
from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import serving
from tests.end_to_end.wires import PROVIDERS, tokens, written
from tests.gateway.script import completion, refusal
from tests.waiting import until

KEY = make("everything", bytes(32))
OLD, NEW = "old-secret-51d8", "new-secret-77ac"


class Provider(ThreadingHTTPServer):
    """Answers whoever presents its key."""

    accepts = OLD

    def __init__(self, said: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said = said


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        known = self.headers["authorization"] == f"Bearer {self.server.accepts}"
        body = json.dumps(completion(self.server.said) if known else refusal("invalid_api_key")).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def provider(said: str) -> Iterator[Provider]:
    with Provider(said) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


def deployment(id_: str, at: Provider, file: Path) -> Data:
    endpoint = f"http://127.0.0.1:{at.server_address[1]}/v1"
    credential = {"file": str(file)}
    return {"id": id_, "kind": "openai-compatible", "offer": id_, "endpoint": endpoint, "credential": credential}


def test_a_key_that_a_provider_no_longer_accepts_is_read_again(tmp_path: Path) -> None:
    file, other = tmp_path / "key", tmp_path / "other"
    file.write_text(OLD, encoding="utf-8")
    other.write_text(OLD, encoding="utf-8")
    with provider("from the first") as first, provider("from the second") as second:
        workload = {
            "id": "everything",
            "kind": "inference",
            "demand": "1 Gtok per day",
            "mix": {"output": "20%"},
            "runs-on": {"models": ["m"]},
        }
        case = {
            "name": "keys",
            "horizon": {"start": "2026-01", "end": "2027-01", "every": "month"},
            "providers": PROVIDERS,
            "offers": [
                tokens("first", "nordgpu", "helsinki", "m", "1"),
                tokens("second", "azure", "swedencentral", "m", "2"),
            ],
            "workloads": [workload],
            "deployments": [deployment("first", first, file), deployment("second", second, other)],
            "keys": [{"id": "everything", "workload": "everything", "hash": hash_of(KEY)}],
        }
        with serving(written(tmp_path / "case", case), tmp_path) as found:
            gateway = replace(found, keys={"everything": KEY})
            with of_openai(gateway, "everything") as client:

                def said() -> str | None:
                    reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
                    return reply.choices[0].message.content

                assert said() == "from the first"
                first.accepts = NEW
                file.write_text(NEW, encoding="utf-8")
                assert said() == "from the second", "nobody waits for a key"
                until(lambda: said() == "from the first", "the new key is not read")
            attempts = [[(a.deployment, a.outcome) for a in record.attempts] for record in gateway.records()]
            assert attempts[0] == attempts[-1] == [("first", "served")]
            assert attempts[1] == [("first", "credential"), ("second", "served")]
            written_down = gateway.said() + "".join(str(record) for record in gateway.records())
            assert OLD not in written_down
            assert NEW not in written_down
