"""Responses of models that have only chat, built on, read and deleted through the gateway."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.call.kept_turns import KeptTurns
from detente.gateway.surfaces.responses_kept import PREFIX
from detente.live.key import hash_of, make
from tests.gateway.caller import KEY, Answer
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, SERVED, Provider, play
from tests.gateway.stage import SERVING, Stage, one
from tests.waiting import AGES, so, turns

PATH = "/v1/responses"
OTHER = make("other-key", bytes(range(32)))


class CountedTurns(KeptTurns):
    """Counts who began to wait: whoever sees it counted sees the deadline set."""

    waits = 0

    async def _beside(self, act: Any) -> Any:
        self.waits += 1
        return await super()._beside(act)


def stage(folder: Path, south: Provider, **serving: Any) -> Stage:
    keys = [
        {"id": name, "workload": "chat", "hash": hash_of(key)}
        for name, key in (("chat-key", KEY), ("other-key", OTHER))
    ]
    case = one(south, keys=keys, serving=SERVING | serving)
    return Stage(folder, case, kept=CountedTurns(folder / "turns", wait=AGES))


async def respond(on: Stage, text: str, previous: str | None = None, key: str = KEY, **more: Any) -> Answer:
    return await on.ask({"model": "m", "input": text, "previous_response_id": previous, **more}, path=PATH, key=key)


def test_each_turn_is_sent_alone_streamed_or_not_and_its_model_hears_all(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED, FLOW, SERVED) as south, stage(tmp_path, south) as on:
            first = (await respond(on, "one")).json
            assert (first["id"][: len(PREFIX)], first["store"], first["previous_response_id"]) == (PREFIX, True, None)
            streamed = await respond(on, "two", first["id"], stream=True)
            second = streamed.events[-1]["response"]
            assert (second["previous_response_id"], second["output"][0]["content"][0]["text"]) == (first["id"], "hello")
            await respond(on, "three", second["id"])
            said = [(message["role"], message["content"]) for message in south.asked[2]["messages"]]
            assert said == [
                ("user", "one"),
                ("assistant", "hello"),
                ("user", "two"),
                ("assistant", "hello"),
                ("user", "three"),
            ]

    run(main())


def test_a_kept_response_is_read_listed_and_deleted_by_its_key_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, south) as on:
            made = (await respond(on, "one")).json
            path = f"{PATH}/{made['id']}"
            assert (await on.ask(path=path, method="GET", key=KEY)).json == made
            items = (await on.ask(path=f"{path}/input_items", method="GET", key=KEY)).json["data"]
            assert [item["content"][0]["text"] for item in items] == ["one"]
            for method in ("GET", "DELETE"):
                assert (await on.ask(path=path, method=method, key=OTHER)).status == 404
            refused = await respond(on, "two", made["id"], OTHER)
            assert (refused.status, refused.json["error"]["param"]) == (400, "previous_response_id")
            gone = (await on.ask(path=path, method="DELETE", key=KEY)).json
            assert gone == {"id": made["id"], "object": "response", "deleted": True}
            assert (await on.ask(path=path, method="GET", key=KEY)).status == 404
            assert (await respond(on, "two", made["id"])).status == 400
            assert len(south.asked) == 1
            read = [record for record in on.records if record.path.endswith("{id}") and record.status == 200]
            assert {(record.outcome, record.usage and record.usage.input, record.deployment) for record in read} == {
                ("complete", 0, None)
            }

    run(main())


def test_what_is_wrong_with_a_question_about_a_kept_response_is_said(tmp_path: Path) -> None:
    """Each is a 400 with the member that is wrong, and is recorded."""
    wrong = ("limit=0", "limit=101", "limit=x", "after=zz", "order=zork", "stream=true")

    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, south) as on:
            made = (await respond(on, "one")).json
            path = f"{PATH}/{made['id']}"
            for query in wrong:
                answer = await on.ask(path=f"{path}/input_items?{query}", method="GET", key=KEY)
                assert (answer.status, answer.json["error"]["param"]) == (400, query.partition("=")[0])
            for query in ("stream=true", "stream=%74rue&include[]=x"):
                streamed = await on.ask(path=f"{path}?{query}", method="GET", key=KEY)
                assert (streamed.status, "leave out `stream`" in streamed.json["error"]["message"]) == (400, True)
            assert (await on.ask(path=f"{path}?stream=false", method="GET", key=KEY)).status == 200
            refused = [record for record in on.records if record.outcome == "refused"]
            assert [record.status for record in refused] == [400] * 8

    run(main())


def test_a_response_is_deleted_alone(tmp_path: Path) -> None:
    """What was built on it is read, and built on, as before."""

    async def main() -> None:
        async with play(SERVED, SERVED, SERVED) as south, stage(tmp_path, south) as on:
            first = (await respond(on, "one")).json["id"]
            second = (await respond(on, "two", first)).json["id"]
            assert (await on.ask(path=f"{PATH}/{first}", method="DELETE", key=KEY)).status == 200
            assert (await on.ask(path=f"{PATH}/{first}", method="GET", key=KEY)).status == 404
            assert (await respond(on, "another", first)).status == 400
            assert (await on.ask(path=f"{PATH}/{second}", method="GET", key=KEY)).status == 200
            assert (await respond(on, "three", second)).status == 200
            said = [message["content"] for message in south.asked[2]["messages"]]
            assert said == ["one", "hello", "two", "hello", "three"]

    run(main())


@pytest.mark.parametrize(
    ("asked", "serving"), [({"store": False}, {}), ({}, {"kept-responses": {"age": "0 s"}})], ids=["caller", "case"]
)
def test_nothing_is_kept_where_the_caller_or_the_case_says_so(tmp_path: Path, asked: Any, serving: Any) -> None:
    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, south, **serving) as on:
            made = (await respond(on, "one", **asked)).json
            assert (made["store"], made["id"].startswith(PREFIX)) == (False, False)
            refused = await respond(on, "two", made["id"])
            assert "send the whole conversation as `input`" in refused.json["error"]["message"]
            assert not (tmp_path / "turns").exists()

    run(main())


def test_a_call_is_served_where_its_turn_cannot_be_kept(tmp_path: Path) -> None:
    """The operator is told, and the next turn is asked to send everything."""
    told: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said))
        (tmp_path / "turns").mkdir()
        async with play(SERVED) as south, stage(tmp_path, south) as on:
            made = await respond(on, "one")
            assert made.status == 200
            refused = await respond(on, "two", made.json["id"])
            assert (refused.status, "send the whole conversation" in refused.json["error"]["message"]) == (503, True)
            await so(lambda: len(told) == 2)

    run(main())


@contextmanager
def held(file: Path) -> Iterator[sqlite3.Connection]:
    """The file of turns while another worker writes to it, for as long as it takes."""
    with closing(sqlite3.connect(file, isolation_level=None)) as writing:
        writing.execute("begin immediate")
        yield writing


def test_others_are_served_while_a_call_waits_for_its_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, south) as on:
            first = (await respond(on, "one")).json
            with held(tmp_path / "turns") as writing:
                second = asyncio.create_task(respond(on, "two", first["id"]))  # waits to be found
                third = asyncio.create_task(respond(on, "three"))  # waits to be kept
                await so(lambda: len(south.asked) == 2)
                for _ in range(3):
                    assert (await on.ask()).status == 200
                assert not second.done()
                assert not third.done()
                writing.execute("rollback")
            answers = [(await second).json, (await third).json]
            assert [answer["previous_response_id"] for answer in answers] == [first["id"], None]
            for answer in answers:
                assert (await respond(on, "four", answer["id"])).status == 200

    run(main())


def test_nobody_waits_for_turns_longer_than_is_stated(tmp_path: Path) -> None:
    """The reply is given all the same, and the operator is told that it is not kept."""
    told: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said))
        async with play(SERVED) as south, stage(tmp_path, south) as on:
            kept = on.kept
            assert isinstance(kept, CountedTurns)
            first = (await respond(on, "one")).json
            with held(tmp_path / "turns"):
                second = asyncio.create_task(respond(on, "two"))
                await so(lambda: kept.waits == 2)
                deleted = asyncio.create_task(on.ask(path=f"{PATH}/{first['id']}", method="DELETE", key=KEY))
                await so(lambda: kept.waits == 3)
                on.passes(AGES / 2)
                await turns()
                assert [call.done() for call in (second, deleted)] == [False, False]
                on.passes(AGES)
                assert (await second).status == 200
                found = await deleted
                assert (found.status, "cannot be read now" in found.json["error"]["message"]) == (503, True)
            await so(lambda: len(told) == 2)

    run(main(), plain=True)
