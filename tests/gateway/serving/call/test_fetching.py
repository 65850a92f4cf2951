"""Files that callers send by their address: fetched within a case's bounds, for deployments that cannot, or refused."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.call.fetching import AT_ONCE, type_of
from detente.gateway.serving.call.kept_turns import KeptTurns
from detente.gateway.upstream.trust import Trust
from detente.gateway.upstream.visits import Visits
from tests.builders import Data
from tests.gateway.caller import KEY, Answer
from tests.gateway.http.peer import Peer, reply, run
from tests.gateway.script import SERVED, http, play, refusal
from tests.gateway.stage import SERVING, Stage, one, two
from tests.waiting import so

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
PNG, PDF = b"\x89PNG\r\n\x1a\n" + bytes(20), b"%PDF-1.7 " + bytes(20)
IMAGE, DOCUMENT = reply(PNG, "content-type: image/png"), reply(PDF, "content-type: application/pdf")
SAID = {"role": "assistant", "content": [{"text": "hello"}]}
CONVERSE = http(
    {
        "output": {"message": SAID},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15},
    }
)
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


class Names:
    """All names lead to this machine, but for some."""

    def __init__(self, **others: str) -> None:
        self.others = {name.replace("_", "."): address for name, address in others.items()}

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return [self.others.get(host, "127.0.0.1")]


def stage(folder: Path, data: Data, hosts: Peer, names: Names | None = None, **fetch: Any) -> Stage:
    """A gateway that may fetch from `files.example`, which is played on loopback."""
    port = hosts.port
    stated = {"hosts": [f"files.example:{port}", f"*.cdn.example:{port}"], "http": True} | fetch
    data["serving"] = SERVING | {"fetch": stated}
    return Visiting(folder, data, names or Names())


class Visiting(Stage):
    def __init__(self, folder: Path, data: Data, names: Names) -> None:
        super().__init__(folder, data, kept=KeptTurns(folder / "turns"))
        self.names = names

    async def __aenter__(self) -> Stage:
        await super().__aenter__()
        inside = {"127.0.0.1"}
        self.app.calls.fetching.visits = Visits(Trust(), resolve=self.names.resolve, public=lambda at: at in inside)
        return self


def bedrock(data: Data, **more: Any) -> Data:
    """South is a Claude at Bedrock, by Converse."""
    at = data["deployments"][0]["endpoint"].removesuffix("/v1")
    data["deployments"][0] |= {"kind": "bedrock", "endpoint": at, "name": CLAUDE, "api": "converse"} | more
    return data


def image(url: str) -> Data:
    return {"type": "image_url", "image_url": {"url": url}}


def asks(*parts: Data, **more: Any) -> Data:
    return {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, *parts]}], **more}


def leads(to: str) -> bytes:
    return reply(b"", f"location: {to}", status="302 Found")


def told(answer: Answer) -> str:
    found: str = answer.json["error"]["message"]
    return found


# -- where it works ---------------------------------------------------------------------------------------------------
BY_ADDRESS: dict[str, Any] = {
    CHAT: lambda at: asks(image(f"{at}/a.png"), {"type": "file", "file": {"file_data": f"{at}/b.pdf"}}),
    MESSAGES: lambda at: asks(
        {"type": "image", "source": {"type": "url", "url": f"{at}/a.png"}},
        {"type": "document", "source": {"type": "url", "url": f"{at}/b.pdf"}},
        max_tokens=9,
    ),
    RESPONSES: lambda at: {
        "model": "m",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": f"{at}/a.png"},
                    {"type": "input_file", "file_url": f"{at}/b.pdf"},
                ],
            }
        ],
    },
}


@pytest.mark.parametrize("path", BY_ADDRESS)
def test_bedrock_is_sent_the_files_themselves(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(CONVERSE) as south:
            hosts.answers = {b"/a.png": [IMAGE], b"/b.pdf": [DOCUMENT]}
            async with stage(tmp_path, bedrock(one(south)), hosts) as on:
                answer = await on.ask(BY_ADDRESS[path](f"http://files.example:{hosts.port}"), path=path)
                assert answer.status == 200, answer.json
                _, shown, read = south.asked[0]["messages"][0]["content"]
                assert shown == {"image": {"format": "png", "source": {"bytes": base64.b64encode(PNG).decode()}}}
                assert read["document"]["source"] == {"bytes": base64.b64encode(PDF).decode()}
                assert sorted(head.split(b" ")[1] for head, _ in hosts.requests) == [b"/a.png", b"/b.pdf"]
                assert KEY.encode() not in b"".join(head for head, _ in hosts.requests)

    run(main())


def test_claude_in_its_own_shape_at_bedrock_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Peer([DOCUMENT]) as hosts,
            play(http({"message": "x"}, "503 Busy")) as south,
            stage(tmp_path, bedrock(one(south), api="invoke"), hosts) as on,
        ):
            source = {"type": "url", "url": f"http://files.example:{hosts.port}/b"}
            await on.ask(asks({"type": "document", "source": source}, max_tokens=9), path=MESSAGES)
            (sent,) = south.asked
            assert sent["messages"][0]["content"][1] == {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": base64.b64encode(PDF).decode(),
                },
            }

    run(main())


def test_who_fetches_itself_is_sent_the_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(SERVED) as south, stage(tmp_path, one(south), hosts) as on:
            asked = asks(image(f"http://files.example:{hosts.port}/a"))
            assert (await on.ask(asked)).status == 200
            assert south.asked[0]["messages"] == asked["messages"]
            assert hosts.requests == []

    run(main())


def test_each_file_is_fetched_once_however_many_are_asked(tmp_path: Path) -> None:
    async def main() -> None:
        busy = http(refusal("overloaded"), "503 Busy")
        async with Peer([IMAGE]) as hosts, play(busy) as south, play(CONVERSE) as north:
            data = bedrock(two(south, north))
            data["deployments"][1] |= {"kind": "bedrock", "endpoint": north.base, "name": CLAUDE, "api": "converse"}
            async with stage(tmp_path, data, hosts) as on:
                shown = image(f"http://files.example:{hosts.port}/a")
                answer = await on.ask(asks(shown, shown))
                assert answer.headers["x-detente-deployment"] == "north-m"
                assert len(hosts.requests) == 1
                assert south.asked == north.asked

    run(main())


def test_what_is_kept_of_a_turn_is_the_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Peer([IMAGE]) as hosts,
            play(CONVERSE) as south,
            stage(tmp_path, bedrock(one(south)), hosts) as on,
        ):
            part = {"type": "input_image", "image_url": f"http://files.example:{hosts.port}/a"}
            asked = {"model": "m", "input": [{"role": "user", "content": [part]}]}
            first = (await on.ask(asked, path=RESPONSES, key=KEY)).json
            listed = await on.ask(path=f"{RESPONSES}/{first['id']}/input_items", method="GET", key=KEY)
            assert listed.json["data"][0]["content"] == [part]
            again = {"model": "m", "input": "and?", "previous_response_id": first["id"]}
            assert (await on.ask(again, path=RESPONSES, key=KEY)).status == 200
            assert len(hosts.requests) == 2
            assert "image" in south.asked[1]["messages"][0]["content"][0]

    run(main())


def test_a_redirect_within_what_is_allowed_is_followed(tmp_path: Path) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(CONVERSE) as south:
            then = leads("./d e")
            hosts.answers = {
                b"/a": [leads(f"http://eu.cdn.example:{hosts.port}/b?c")],
                b"/b?c": [then],
                b"/d%20e": [IMAGE],
            }
            async with stage(tmp_path, bedrock(one(south)), hosts) as on:
                assert (await on.ask(asks(image(f"http://files.example:{hosts.port}/a")))).status == 200

    run(main())


# -- where it does not ------------------------------------------------------------------------------------------------
def test_nothing_is_fetched_unless_the_case_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(CONVERSE) as south, Stage(tmp_path, bedrock(one(south))) as on:
            for path, body in BY_ADDRESS.items():
                answer = await on.ask(body(f"http://127.0.0.1:{hosts.port}"), path=path)
                assert answer.status == 400
                assert "`fetch: { hosts: [files.example.com] }`" in told(answer)
            assert south.requests == hosts.requests == []

    run(main())


WRONG: dict[str, tuple[list[Any], str]] = {
    "not there": ([reply(b"no", status="404 Not Found")], "its host answered 404"),
    "a page": ([reply(b"<html>", "content-type: image/png")], "what came is no PNG, JPEG, GIF or WebP image"),
    "a document": ([DOCUMENT], "what came is no PNG, JPEG, GIF or WebP image"),
    "nothing": ([reply(b"")], "what came is no PNG, JPEG, GIF or WebP image"),
    "too large, as it says": ([reply(PNG + bytes(2000))], "the files of a call may have 1,000 bytes, all together"),
    "too large": (
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"400\r\n" + PNG.ljust(1024) + b"\r\n", "silence"],
        "the files of a call may have 1,000 bytes, all together",
    ),
    "compressed": ([reply(PNG, "content-encoding: gzip")], "compressed its body"),
    "cut": ([reply(PNG)[:-3], "close"], "closed the connection within its reply"),
    "without an end": ([b"HTTP/1.1 200 OK\r\n\r\n" + PNG, "close"], "its host does not say how long it is"),
    "closed": (["reset"], "closed the connection before it replied"),
    "no http": ([b"SSH-2.0-OpenSSH\r\n", "close"], "cannot be read as HTTP/1.1"),
    "elsewhere": ([leads("http://evil.example/")], "`evil.example` is none of the hosts"),
    "a file of ours": ([leads("file:///etc/passwd")], "its address is none of the web"),
    "inside": ([leads("http://in.cdn.example:PORT/")], "an address that is not public"),
    "nowhere": ([leads("http://[")], "its address redirects to what is no valid address"),
    "in a circle": ([leads("/a")], "its address redirects more than 3 times"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_had_is_told_with_its_place_and_the_remedy(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(CONVERSE) as south:
            script, why = WRONG[name]
            port = str(hosts.port).encode()
            hosts.scripts = ([step.replace(b"PORT", port) if isinstance(step, bytes) else step for step in script],)
            names = Names(in_cdn_example="10.0.0.1")
            async with stage(tmp_path, bedrock(one(south)), hosts, names, bytes=1000) as on:
                answer = await on.ask(asks(image(f"http://files.example:{hosts.port}/a?secret=x")))
                assert (answer.status, answer.json["error"]["param"]) == (400, "messages[0].content[1]")
                assert why in told(answer)
                assert told(answer).endswith("send it within the call, in base64")
                assert "secret" not in answer.body.decode()
                assert south.requests == []
                (record,) = on.records
                assert (record.outcome, record.status) == ("refused", 400)

    run(main())


def test_all_files_of_a_call_share_its_bounds(tmp_path: Path) -> None:
    async def main() -> None:
        async with Peer([IMAGE]) as hosts, play(CONVERSE) as south:
            at = f"http://files.example:{hosts.port}"
            async with stage(tmp_path, bedrock(one(south)), hosts, count=3, bytes=70) as on:
                answer = await on.ask(asks(*(image(f"{at}/{n}") for n in range(4))))
                assert "the call holds 4 files by address, and the case allows 3" in told(answer)
                assert hosts.requests == []
                answer = await on.ask(asks(*(image(f"{at}/{n}") for n in range(3))))  # 28 bytes each
                assert "may have 70 bytes, all together" in told(answer)
                assert (await on.ask(asks(*(image(f"{at}/{n}") for n in range(2))))).status == 200

    run(main())


def test_another_deployment_serves_where_a_file_cannot_be_had(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Peer([reply(b"", status="403 Forbidden")]) as hosts,
            play(CONVERSE) as south,
            play(SERVED) as north,
            stage(tmp_path, bedrock(two(south, north)), hosts) as on,
        ):
            asked = asks(image(f"http://files.example:{hosts.port}/a"))
            answer = await on.ask(asked)
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")
            assert north.asked[0]["messages"] == asked["messages"]  # it fetches by itself

    run(main())


@pytest.mark.parametrize("steps", [["silence"], [b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n" + PNG, "silence"]])
def test_a_slow_host_holds_up_nobody_but_its_own_call_and_not_for_long(tmp_path: Path, steps: list[Any]) -> None:
    async def main() -> None:
        async with (
            Peer(steps) as hosts,
            play(CONVERSE) as south,
            stage(tmp_path, bedrock(one(south)), hosts, time="900 s") as on,
        ):
            slow = asyncio.create_task(on.ask(asks(image(f"http://files.example:{hosts.port}/a"))))
            await so(lambda: hosts.silent)
            assert (await on.ask(asks())).status == 200
            on.passes(901)
            assert "it had not come within 900 s" in told(await slow)
            await hosts.left()

    run(main(), plain=True)


def test_a_caller_who_leaves_meanwhile_takes_the_file_along_and_is_recorded(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Peer(["silence"]) as hosts,
            play(CONVERSE) as south,
            stage(tmp_path, bedrock(one(south)), hosts, time="900 s") as on,
        ):
            caller = await on.caller()
            body = json.dumps(asks(image(f"http://files.example:{hosts.port}/a"))).encode()
            caller.send(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\n"
                b"content-length: %d\r\n\r\n%b" % (KEY.encode(), len(body), body)
            )
            await so(lambda: hosts.silent)
            await caller.leave()
            await hosts.left()
            await on.idle()
            (record,) = on.records
            assert (record.outcome, record.status, record.attempts) == ("abandoned", 499, ())

    run(main())


def test_no_more_are_fetched_at_a_time_than_a_worker_holds(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with (
            Peer([gate, IMAGE]) as hosts,
            play(CONVERSE) as south,
            stage(tmp_path, bedrock(one(south)), hosts, time="900 s") as on,
        ):
            at = f"http://files.example:{hosts.port}"
            asked = [asks(*(image(f"{at}/{call}/{n}") for n in range(8))) for call in range(4)]
            calls = [asyncio.create_task(on.ask(one)) for one in asked]
            await so(lambda: hosts.open == AT_ONCE)
            assert hosts.most_open == AT_ONCE
            gate.set()
            assert [(await call).status for call in calls] == [200] * 4
            assert hosts.most_open == AT_ONCE

    run(main())


@pytest.mark.parametrize(
    ("begins", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"%PDF-1.4", "application/pdf"),
        (b"<svg xmlns=", None),
        (b"BM....", None),
        (b"", None),
    ],
)
def test_a_file_is_what_it_begins_as(begins: bytes, kind: str | None) -> None:
    assert type_of(begins) == kind
