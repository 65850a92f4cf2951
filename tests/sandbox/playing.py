"""A case with every kind of deployment, played on loopback in a thread, for clients of any kind."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvloop

from detente.case.case import Case
from detente.sandbox import Addresses, Sandbox
from tests.real_data import DATA, needs
from tests.waiting import PATIENCE, until

PROTOCOL = DATA / "protocol"
specified = needs(PROTOCOL)

FAST = {"first-token": "0 ms"}
NOVA, TITAN, COHERE = "eu.amazon.nova-pro-v1:0", "amazon.titan-embed-text-v2:0", "cohere.embed-v4:0"
OSS, VLLM = "openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b"


def _tokens(offer: str, provider: str, region: str, model: str, **more: Any) -> dict[str, Any]:
    price = {"input": "1 USD per Mtok", "output": "2 USD per Mtok"}
    base = {"id": offer, "kind": "tokens", "provider": provider, "region": region, "model": model, "price": price}
    return base | more


def _deployment(id_: str, kind: str, offer: str, name: str, **more: Any) -> dict[str, Any]:
    key = {"aws": "default"} if kind == "bedrock" else {"env": "KEY"}
    return {"id": id_, "kind": kind, "offer": offer, "name": name, "credential": key, "play": FAST} | more


SWEDEN = {"endpoint": "https://one.openai.azure.com"}
CASE: dict[str, Any] = {
    "name": "played",
    "horizon": {"start": "2026-01", "end": "2026-04", "every": "month"},
    "providers": [
        {"id": "azure", "name": "Azure", "regions": {"swedencentral": {"country": "SE"}, "eastus2": {"country": "US"}}},
        {"id": "aws", "name": "AWS", "regions": {"eu-central-1": {"country": "DE"}, "eu-west-1": {"country": "IE"}}},
        {"id": "nord", "name": "Nord", "regions": {"falun": {"country": "SE"}}},
    ],
    "offers": [
        {
            "id": "ptu",
            "kind": "provisioned",
            "provider": "azure",
            "region": "swedencentral",
            "model": "mini",
            "throughput": "600 tok per minute",
            "output-ratio": 4,
            "price": "300 USD per unit-month",
            "capacity": "10 units",
        },
        _tokens("mini", "azure", "swedencentral", "mini", capacity="3 Mtok per minute"),
        _tokens("small", "azure", "swedencentral", "mini", capacity="600 tok per minute"),
        _tokens("us", "azure", "eastus2", "mini"),
        _tokens("embed", "azure", "swedencentral", "text-embedding-3-small"),
        _tokens("nova", "aws", "eu-central-1", "nova"),
        _tokens("titan", "aws", "eu-central-1", "titan"),
        _tokens("cohere", "aws", "eu-central-1", "cohere"),
        _tokens("oss", "aws", "eu-central-1", "oss"),
        {
            "id": "h100",
            "kind": "gpu",
            "provider": "nord",
            "region": "falun",
            "accelerator": "h100",
            "price": "2 USD per GPU-hour",
        },
    ],
    "workloads": [
        {
            "id": "all",
            "kind": "inference",
            "demand": "1 Mtok per month",
            "mix": {"output": "50%"},
            "runs-on": {
                "models": ["mini", "text-embedding-3-small", "nova", "titan", "cohere", "oss"],
                "accelerators": {"h100": "30 Mtok per GPU-hour"},
            },
        }
    ],
    "deployments": [
        _deployment("ptu", "azure", "ptu", "mini-ptu", **SWEDEN),
        _deployment("mini", "azure", "mini", "mini", serves=["chat", "responses"], **SWEDEN),
        _deployment("small", "azure", "small", "mini-small", **SWEDEN),
        _deployment("us", "azure", "us", "mini", **SWEDEN),
        _deployment("embed", "azure", "embed", "embed", serves=["embeddings"], **SWEDEN),
        _deployment("nova", "bedrock", "nova", NOVA, regions=["eu-central-1", "eu-west-1"]),
        _deployment("titan", "bedrock", "titan", TITAN, serves=["embeddings"]),
        _deployment("cohere", "bedrock", "cohere", COHERE, serves=["embeddings"]),
        _deployment("oss", "bedrock", "oss", OSS, api="openai"),
        _deployment("vllm", "openai-compatible", "h100", VLLM, model="oss", endpoint="https://llm.example/v1"),
    ],
}


@contextmanager
def played(seed: int = 0, units: dict[str, int] | None = None, **changed: Any) -> Iterator[Played]:
    """A case, played until the block ends."""
    declared = Case.of(CASE | changed).declared
    sandbox = Sandbox(declared, seed=seed, units=units)
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        addresses = asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result(PATIENCE)
        yield Played(addresses)
    finally:
        asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


class Raw:
    """A reply as its bytes tell it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        head, _, self.rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0] else 0
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"

    @property
    def complete(self) -> bool:
        """Whether the framing says that all of it is here."""
        if self.chunked:
            return self.rest.endswith(b"0\r\n\r\n")
        return "content-length" in self.headers and len(self.rest) == int(self.headers["content-length"])

    @property
    def body(self) -> bytes:
        """The body, chunks joined."""
        if not self.chunked:
            return self.rest
        found, rest = b"", self.rest
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            if not size.strip():
                break
            found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return found

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of server-sent events; ``[DONE]`` as text."""
        lines = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]


class Played:
    """A sandbox that runs, and a raw client of it."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses

    def at(self, deployment: str) -> str:
        """The address of a deployment."""
        return self.addresses.deployments[deployment]

    def port(self, deployment: str) -> int:
        return int(self.at(deployment).split(":")[2].split("/")[0])

    def send(self, port: int, data: bytes, timeout: float = PATIENCE) -> bytes:
        """Send bytes, and read until the other side closes."""
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(data)
            found = b""
            with suppress(ConnectionResetError):
                while piece := connection.recv(65_536):
                    found += piece
            return found

    def call(
        self,
        deployment: str,
        path: str,
        body: Any = None,
        method: str = "POST",
        timeout: float = PATIENCE,
        headers: dict[str, str] | None = None,
    ) -> Raw:
        """One request; headers' names may be written with underscores."""
        port = self.port(deployment)
        return Raw(self.send(port, request(port, path, body, method, headers), timeout))

    def chat(self, deployment: str, text: str = "Hello", timeout: float = PATIENCE, **more: Any) -> Raw:
        """A chat with a deployment, by its own wire."""
        path, body = chat_of(deployment, text, **more)
        return self.call(deployment, path, body, timeout=timeout)

    def control(self, method: str, path: str, body: Any = None) -> Raw:
        """A request to the control endpoint."""
        port = int(self.addresses.control.rpartition(":")[2])
        return Raw(self.send(port, request(port, path, body, method)))

    def fault(self, on: str, kind: str, **more: Any) -> str:
        """Add a fault; its id."""
        keys = {key.rstrip("_").replace("_", "-"): value for key, value in more.items()}
        reply = self.control("POST", "/faults", {"on": on, "kind": kind, **keys})
        assert reply.status == 201, reply.body
        return str(reply.json["id"])

    def ended(self, deployment: str) -> dict[str, Any]:
        """The last call that a deployment remembers, once it is over."""
        until(lambda: self.recent(deployment)[-1]["outcome"] != "under way", "the call goes on")
        return self.recent(deployment)[-1]

    def recent(self, deployment: str) -> list[dict[str, Any]]:
        """The calls that a deployment remembers."""
        found = self.control("GET", "/calls").json["deployments"]
        return list(next(d for d in found if d["deployment"] == deployment)["recent"])


KEYS = {"api-key": "sandbox", "authorization": "Bearer sandbox"}


def request(port: int, path: str, body: Any, method: str, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a request that asks to close afterwards."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = KEYS if headers is None else headers
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in named.items() if k != "host")
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{lines}"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


NAMES = {d["id"]: d["name"] for d in CASE["deployments"]}


def chat_of(deployment: str, text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """(path, body) of a chat, as the wire of a deployment writes it."""
    name = NAMES[deployment]
    if deployment == "nova":
        stream = more.pop("stream", False)
        body = {"messages": [{"role": "user", "content": [{"text": text}]}], **more}
        return f"/model/{name.replace(':', '%3A')}/converse{'-stream' if stream else ''}", body
    prefix = "/v1" if deployment == "vllm" else "/openai/v1"
    return f"{prefix}/chat/completions", {"model": name, "messages": [{"role": "user", "content": text}], **more}
