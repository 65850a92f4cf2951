"""The sandbox as a server: every wire answers, its ports, its control endpoint, what it refuses to read."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys

import pytest

from detente.case.case import Case
from detente.sandbox import Addresses, Sandbox, SandboxError, environment, redirected
from tests.sandbox.playing import CASE, NAMES, Played, Raw, chat_of, played, request
from tests.waiting import PATIENCE

CHATS = ("ptu", "mini", "us", "oss", "vllm", "nova")


@pytest.mark.parametrize("deployment", CHATS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_deployment_answers_on_its_own_wire(sandbox: Played, deployment: str, stream: bool) -> None:
    reply = sandbox.chat(deployment, stream=stream)
    assert reply.status == 200, reply.body
    assert reply.complete
    assert reply.body


def test_a_place_is_a_port(sandbox: Played) -> None:
    assert sandbox.port("mini") == sandbox.port("ptu") != sandbox.port("us")
    assert set(sandbox.addresses.places) == {
        ("azure", "swedencentral"),
        ("azure", "eastus2"),
        ("aws", "eu-central-1"),
        ("nord", "falun"),
    }
    assert len({*sandbox.addresses.places.values(), sandbox.addresses.control}) == 5


def test_the_same_prompt_gets_the_same_answer_and_another_seed_another() -> None:
    texts = []
    for seed in (1, 1, 2):
        with played(seed=seed) as found:
            texts.append(found.chat("vllm").json["choices"][0]["message"]["content"])
    assert texts[0] == texts[1] != texts[2]


def test_deployments_are_pointed_at_the_sandbox(sandbox: Played) -> None:
    declared = Case.of(CASE).declared
    there = {d.id: d for d in redirected(declared.deployments, sandbox.addresses)}
    assert set(there) == {d.id for d in declared.deployments}
    assert there["vllm"].endpoint == f"{sandbox.addresses.places['nord', 'falun']}/v1"
    assert there["nova"].endpoint == sandbox.addresses.places["aws", "eu-central-1"]
    assert there["nova"].credential.aws == "default"
    assert there["mini"].credential.env in environment()
    assert there["mini"].name == "mini"
    assert Addresses.from_json(sandbox.addresses.to_json()) == sandbox.addresses


def test_what_is_not_played_is_not_redirected(sandbox: Played) -> None:
    few = Addresses({}, {"mini": sandbox.at("mini")}, sandbox.addresses.control)
    assert [d.id for d in redirected(Case.of(CASE).declared.deployments, few)] == ["mini"]


def test_deployments_of_one_name_are_told_apart_by_their_address() -> None:
    twin = {**CASE["deployments"][1], "id": "twin", "endpoint": "https://other.openai.azure.com"}
    with played(deployments=[*CASE["deployments"], twin]) as found:
        assert found.at("twin").endswith("/at/twin")
        path, body = chat_of("mini", "Hello")
        assert found.call("twin", f"/at/twin{path}", body).status == 200
        assert [len(found.recent(name)) for name in ("twin", "mini")] == [1, 0]
        assert found.call("twin", f"/at/nobody{path}", body).status == 404


def test_it_listens_on_loopback_alone() -> None:
    declared = Case.of(CASE).declared
    with pytest.raises(SandboxError, match="loopback alone"):
        Sandbox(declared, host="0.0.0.0")
    with pytest.raises(SandboxError, match="no deployments"):
        Sandbox(Case.of({**CASE, "deployments": []}).declared)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def start() -> None:
            async with Sandbox(Case.of(CASE).declared, port=port):
                raise AssertionError

        with pytest.raises(SandboxError, match=f"port {port} cannot be had"):
            asyncio.run(start())


def test_two_sandboxes_do_not_share_a_port(sandbox: Played) -> None:
    async def start() -> None:
        async with Sandbox(Case.of(CASE).declared, port=sandbox.port("us")):
            raise AssertionError

    with pytest.raises(SandboxError, match=f"port {sandbox.port('us')} cannot be had"):
        asyncio.run(start())


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"model": 1}', b'{"model": "mini"}', b"\xff", b"[" * 5000])
@pytest.mark.parametrize("deployment", ["mini", "vllm", "oss", "nova"])
def test_a_body_that_is_wrong_is_refused(sandbox: Played, deployment: str, body: bytes) -> None:
    path, _ = chat_of(deployment, "")
    reply = sandbox.call(deployment, path, body)
    assert reply.status == (404 if b"mini" in body and deployment in ("vllm", "oss") else 400)
    assert reply.json


def test_a_head_or_a_body_without_end_is_refused(sandbox: Played) -> None:
    port = sandbox.port("mini")
    endless = b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000
    assert Raw(sandbox.send(port, endless)).status == 400
    assert Raw(sandbox.send(port, b"nonsense\r\n\r\n")).status == 400
    path = "/openai/v1/chat/completions"
    many = b"POST " + path.encode() + b" HTTP/1.1\r\nhost: a\r\ncontent-length: 32000001\r\n\r\n"
    assert Raw(sandbox.send(port, many + b" " * 32_000_001)).status == 413


def test_a_client_that_leaves_is_noticed_and_its_part_recorded(sandbox: Played) -> None:
    slow = {**CASE["deployments"][9], "play": {"first-token": "1 ms", "speed": "100 tok per second"}}
    with played(deployments=[slow]) as found:
        path, body = chat_of("vllm", "sandbox:tokens=2000", stream=True)
        port = found.port("vllm")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request(port, path, body, "POST"))
            while b'"content":"' not in connection.recv(4096).replace(b'"content":""', b""):
                pass
        record = found.ended("vllm")
        assert record["outcome"] == "abandoned"
        assert 0 < record["output"] < 2000


def test_control_tells_what_is_going_on(sandbox: Played) -> None:
    sandbox.chat("us")
    state = sandbox.control("GET", "/").json
    assert state["addresses"]["azure/eastus2"] == sandbox.at("us")
    assert {d["deployment"] for d in state["deployments"]} == set(NAMES)
    record = sandbox.recent("us")[-1]
    assert record["outcome"] == "served"
    assert (record["status"], record["input"]) == (200, 2)
    assert record["output"] > 0
    assert "Hello" not in sandbox.control("GET", "/calls").body.decode()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"{", "not JSON"),
        ({"on": "azure", "kind": "dwn"}, "`dwn` is not allowed here"),
        ({"on": "azur", "kind": "down"}, "nothing here is called `azur`"),
        ({"on": "azure", "kind": "down", "after": 3}, "strikes before any content"),
        ({"on": "azure", "kind": "down", "lasts": "5"}, "is not a duration"),
        ([], "found a list"),
        ({"on": "azure", "kind": "down", "until": 3}, "unknown key `until`"),
    ],
)
def test_a_fault_that_is_wrong_is_refused_in_words(sandbox: Played, given: object, message: str) -> None:
    reply = sandbox.control("POST", "/faults", given)
    assert reply.status == 400
    assert message in reply.json["mistakes"][0]["message"]
    assert reply.json["mistakes"][0]["remedy"]


def test_faults_are_added_told_and_taken_back() -> None:
    with played() as found:
        first = found.fault("mini", "unavailable")
        assert found.control("POST", "/faults", {"id": first, "on": "mini", "kind": "cut"}).status == 409
        found.fault("vllm", "stall", silence="1 s", chance="50%", id="mine")
        told = found.control("GET", "/faults").json["faults"]
        assert [fault["id"] for fault in told] == [first, "mine"]
        assert told[1]["chance"] == "50%"
        assert found.chat("mini").status == 503
        assert found.control("DELETE", f"/faults/{first}").json == {"removed": 1}
        assert found.control("DELETE", f"/faults/{first}").status == 404
        assert found.chat("mini").status == 200
        assert found.control("DELETE", "/faults").json == {"removed": 1}
        assert found.control("GET", "/nowhere").status == 404
        for _ in range(200):
            found.fault("mini", "cut")
        assert found.control("POST", "/faults", {"on": "mini", "kind": "cut"}).status == 409


SERVES = """
import json, sys
from detente.case.case import Case
from detente.sandbox import run
run(Case.of(json.load(sys.stdin)).declared, ready=lambda there: print(json.dumps(there.to_json()), flush=True))
"""


def test_it_serves_until_it_is_told_to_stop() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(CASE).encode())
        process.stdin.close()
        found = Played(Addresses.from_json(json.loads(process.stdout.readline())))
        assert found.chat("mini").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_case_is_played_by_asyncio_s_own_loop_too() -> None:
    async def ask() -> int:
        async with Sandbox(Case.of(CASE).declared) as sandbox:
            assert sandbox.addresses
            found = Played(sandbox.addresses)
            added = await asyncio.to_thread(found.fault, "azure/eastus2", "down")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.to_thread(found.chat, "us")
            await asyncio.to_thread(found.control, "DELETE", f"/faults/{added}")
            return (await asyncio.to_thread(found.chat, "mini")).status

    assert asyncio.run(ask()) == 200
