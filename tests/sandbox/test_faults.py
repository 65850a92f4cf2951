"""Faults: each kind at the wire, with a client that hides nothing; and the schedule, which is pure."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.live.fault import Fault
from detente.sandbox.faults import Faults
from tests.sandbox.playing import Played, Raw, chat_of, played, request
from tests.waiting import PATIENCE, until

WIRES = ("mini", "oss", "vllm", "nova")


@pytest.fixture(scope="module")
def faulty() -> Any:
    with played() as found:
        yield found


@pytest.fixture(autouse=True)
def _taken_back(faulty: Played) -> Any:
    yield
    faulty.control("DELETE", "/faults")


def pieces_of(reply: Raw) -> int:
    """How many pieces of content a stream held."""
    if "eventstream" in reply.headers["content-type"]:
        return reply.body.count(b"contentBlockDelta")
    deltas = [c["delta"] for e in reply.events if isinstance(e, dict) for c in e.get("choices", ())]
    return sum(bool(delta.get("content")) for delta in deltas)


@pytest.mark.parametrize("deployment", WIRES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("kind", "status"), [("throttled", 429), ("unavailable", 503), ("expired-credential", 0)])
def test_refusals(faulty: Played, deployment: str, stream: bool, kind: str, status: int) -> None:
    faulty.fault(deployment, kind, calls=1)
    reply = faulty.chat(deployment, stream=stream)
    assert reply.status == (status or (403 if deployment in ("nova", "oss") else 401))
    assert reply.complete
    assert reply.json
    assert ("x-amzn-errortype" in reply.headers) == (deployment in ("nova", "oss"))
    assert faulty.recent(deployment)[-1]["outcome"] == "refused"
    assert faulty.chat(deployment, stream=stream).status == 200


def test_throttling_says_when_to_ask_again(faulty: Played) -> None:
    faulty.fault("azure", "throttled", retry_after="1500 ms")
    for deployment in ("mini", "ptu"):
        headers = faulty.chat(deployment).headers
        assert (headers["retry-after-ms"], headers["retry-after"]) == ("1500", "2")
    faulty.fault("nord/falun", "throttled")
    assert faulty.chat("vllm").headers["retry-after"] == "2"
    faulty.fault("aws", "throttled")
    assert "retry-after" not in faulty.chat("nova").headers


@pytest.mark.parametrize("deployment", WIRES)
def test_a_cut_stream_looks_cut(faulty: Played, deployment: str) -> None:
    faulty.fault(deployment, "cut", after=3, calls=1)
    reply = faulty.chat(deployment, stream=True)
    assert reply.status == 200
    assert not reply.complete
    assert b"[DONE]" not in reply.body
    assert pieces_of(reply) == 3
    record = faulty.recent(deployment)[-1]
    assert (record["outcome"], record["output"]) == ("failed", 3)


@pytest.mark.parametrize("deployment", WIRES)
@pytest.mark.parametrize("kind", ["cut", "exception", "malformed"])
def test_without_after_it_strikes_before_any_content(faulty: Played, deployment: str, kind: str) -> None:
    faulty.fault(deployment, kind, calls=1)
    reply = faulty.chat(deployment, stream=True)
    assert reply.status == 200
    if kind == "malformed":
        assert faulty.recent(deployment)[-1]["output"] == 0
    else:
        assert pieces_of(reply) == 0


@pytest.mark.parametrize("deployment", WIRES)
def test_after_more_than_there_is_strikes_before_the_end(faulty: Played, deployment: str) -> None:
    faulty.fault(deployment, "exception", calls=1, after=100_000)
    reply = faulty.chat(deployment, stream=True)
    assert pieces_of(reply) > 3
    assert b'finish_reason":"' not in reply.body
    assert b"messageStop" not in reply.body


def test_an_exception_in_the_words_of_each_wire(faulty: Played) -> None:
    for deployment in WIRES:
        faulty.fault(deployment, "exception", after=1)
    assert faulty.chat("mini", stream=True).events[-1]["error"]["type"] == "server_error"
    assert [type(e) for e in faulty.chat("vllm", stream=True).events[-2:]] == [dict, str]  # vLLM says [DONE] after it
    assert b":exception-type" in faulty.chat("nova", stream=True).body
    assert faulty.chat("nova").status == 200  # there is no stream to fail in
    body = {"model": "mini", "input": "Hi", "stream": True}
    assert faulty.call("mini", "/openai/v1/responses", body).events[-1]["type"] == "error"


@pytest.mark.parametrize("deployment", WIRES)
def test_whole_replies_are_spoiled_too(faulty: Played, deployment: str) -> None:
    faulty.fault(deployment, "malformed", calls=1)
    reply = faulty.chat(deployment)
    assert reply.complete
    with pytest.raises(ValueError, match=r"."):
        assert reply.json
    faulty.fault(deployment, "cut", calls=1)
    reply = faulty.chat(deployment)
    assert reply.status == 200
    assert not reply.complete
    faulty.fault(deployment, "stall", calls=1, silence="1 ms")
    assert faulty.chat(deployment).json


@pytest.mark.parametrize("kind", ["slow-first-byte", "stall"])
@pytest.mark.parametrize("deployment", WIRES)
def test_silence(faulty: Played, deployment: str, kind: str) -> None:
    """Nothing more comes for as long as the fault says; a client that will not wait is noticed."""
    before = 2 if kind == "stall" else 0
    faulty.fault(deployment, kind, silence="10 minutes", **({"after": before} if before else {}))
    path, body = chat_of(deployment, "Hello", stream=True)
    port = faulty.port(deployment)
    piece = b"contentBlockDelta" if deployment == "nova" else b'"delta":{"content":"'
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(request(port, path, body, "POST"))
        seen = b""
        while seen.count(piece) < before:
            seen += connection.recv(65_536)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    record = faulty.ended(deployment)
    assert (record["outcome"], record["output"]) == ("abandoned", before)


def test_silence_ends(faulty: Played) -> None:
    for kind in ("slow-first-byte", "stall"):
        faulty.fault("vllm", kind, silence="20 ms", calls=1)
        reply = faulty.chat("vllm", stream=True)
        assert reply.complete
        assert reply.events[-1] == "[DONE]"


def test_down_refuses_connections_and_drops_those_there_are(faulty: Played) -> None:
    port = faulty.port("us")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as idle:
        added = faulty.fault("azure/eastus2", "down")
        idle.settimeout(PATIENCE)
        with suppress(ConnectionResetError):
            assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        faulty.chat("us")
    assert faulty.chat("mini").status == 200
    assert faulty.control("GET", "/").json["down"] == ["azure/eastus2"]
    faulty.control("DELETE", f"/faults/{added}")
    assert faulty.chat("us").status == 200
    assert faulty.port("us") == port


@pytest.mark.parametrize("lasts", ["1 ms", "2 ms", "5 ms", "300 ms"])
def test_down_for_a_while(faulty: Played, lasts: str) -> None:
    """It goes down, however short, and comes back, whenever the end falls between two looks at the clock."""
    for _ in range(1 if lasts == "300 ms" else 10):
        with socket.create_connection(("127.0.0.1", faulty.port("us")), PATIENCE) as idle:
            faulty.fault("azure/eastus2", "down", lasts=lasts)
            with suppress(ConnectionResetError):
                assert idle.recv(1) == b""
        until(lambda: faulty.chat("us").status == 200, "it does not come back")


def test_the_port_of_what_is_down_stays_held(faulty: Played) -> None:
    faulty.fault("azure/eastus2", "down")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", faulty.port("us")))


def test_down_of_one_deployment_drops_its_calls(faulty: Played) -> None:
    faulty.fault("mini", "down", calls=1)
    path, port = "/openai/v1/chat/completions", faulty.port("mini")
    body = {"model": "mini", "messages": [{"role": "user", "content": "Hi"}]}
    assert faulty.send(port, request(port, path, body, "POST")) == b""
    assert faulty.chat("mini").status == 200


def test_a_schedule_in_a_case() -> None:
    faults = [{"id": "first", "on": "vllm", "kind": "unavailable", "calls": 2}]
    with played(faults=faults) as sandbox:
        assert [sandbox.chat("vllm").status for _ in range(3)] == [503, 503, 200]


# -- the schedule, pure ---------------------------------------------------------------------------------------------
def fault(**keys: Any) -> Fault:
    return Fault.model_validate({"id": "f", "on": "d", "kind": "unavailable", **keys})


def met(faults: Faults, at: float, stream: bool = False) -> bool:
    return faults.meets("d", "p", "r", at, stream=stream) is not None


def test_when_a_fault_is_in_force() -> None:
    faults = Faults((fault(**{"from": "10 s", "lasts": "5 s"}),), 0)
    assert [met(faults, at) for at in (0, 9.9, 10, 14.9, 15)] == [False, False, True, True, False]


def test_a_fault_that_is_added_counts_from_then() -> None:
    faults = Faults((), 0)
    assert faults.add(fault(lasts="5 s"), at=100)
    assert not faults.add(fault(), at=100)
    assert [met(faults, at) for at in (99, 100, 104, 105)] == [False, True, True, False]


@pytest.mark.parametrize(("on", "hit"), [("d", True), ("p", True), ("p/r", True), ("p/q", False), ("e", False)])
def test_what_a_fault_is_on(on: str, hit: bool) -> None:
    assert met(Faults((fault(on=on),), 0), 0) is hit


def test_an_exception_meets_streams_alone() -> None:
    faults = Faults((fault(kind="exception", calls=1),), 0)
    assert [met(faults, 0), met(faults, 0, stream=True), met(faults, 0, stream=True)] == [False, True, False]


def test_calls_may_pass_before_one_is_met() -> None:
    faults = Faults((fault(skips=2, calls=1),), 0)
    assert [met(faults, 0) for _ in range(4)] == [False, False, True, False]


def test_a_place_is_silent_only_where_all_of_its_calls_are_met() -> None:
    assert Faults((fault(kind="down", on="p"),), 0).down("p", "r", 0)
    assert not Faults((fault(kind="down", on="d"),), 0).down("p", "r", 0)
    for some in ({"chance": "50%"}, {"skips": 2}, {"calls": 2}):
        assert not Faults((fault(kind="down", on="p", **some),), 0).down("p", "r", 0)
    edges = Faults((fault(**{"kind": "down", "on": "p", "from": "3 s", "lasts": "4 s"}),), 0)
    assert [edges.next_change(at) for at in (0, 3, 7)] == [3, 7, None]


@given(st.integers(0, 10**6), st.integers(1, 99))
def test_chance_follows_the_seed(seed: int, percent: int) -> None:
    def draws() -> list[bool]:
        faults = Faults((fault(chance=f"{percent}%"),), seed)
        return [met(faults, 0) for _ in range(400)]

    first = draws()
    assert first == draws()
    assert abs(sum(first) / 400 - percent / 100) < 0.2
