"""Every fault of the sandbox against every wire, by the table in ``failures``: what the caller sees, and what is kept.

All scenes are played side by side, once in a run of the tests; each test looks at what came of one.
"""

from __future__ import annotations

import asyncio
import json
import pickle
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from detente.ledger.journals.record import Record
from tests.end_to_end.failures import AFTER, PATHS, SCENES, Scene, case
from tests.end_to_end.serving import Gateway, serving
from tests.end_to_end.wires import written
from tests.once import made_once
from tests.waiting import PATIENCE, attempts

AT_ONCE = 24
"""Calls that are worked on at a time. Those who hang work on nothing, and do it all at a time."""
USED_NOTHING = {"throttled", "credential", "unreachable"}
TEXT = "sandbox:tokens=40"
LAST = {"responses": "response.completed", "messages": "message_stop"}
"""What marks a stream as complete, where it is not ``[DONE]``."""


class Seen(NamedTuple):
    """A reply, as its caller saw it."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def events(self) -> list[Any]:
        """The data of its events."""
        found = [line[6:] for line in self.body.split("\n") if line.startswith("data: ")]
        return [text if text == "[DONE]" else json.loads(text) for text in found]


class Played(NamedTuple):
    """What came of a scene: the reply, its record, and who served the same call once the fault was over."""

    seen: Seen
    record: Record
    after: str


def body_of(scene: Scene) -> dict[str, Any]:
    """The same call, on the path that the scene is about."""
    asked: dict[str, Any] = {"model": scene.id, "stream": scene.stream}
    if scene.wire == "responses":
        return {**asked, "input": TEXT}
    if scene.wire == "messages":
        return {**asked, "messages": [{"role": "user", "content": TEXT}], "max_tokens": 100}
    return {**asked, "messages": [{"role": "user", "content": TEXT}]}


async def play(scene: Scene, client: httpx.AsyncClient, answered: set[str]) -> tuple[Seen, str]:
    async def call() -> Seen:
        path, body = PATHS.get(scene.wire, "/v1/chat/completions"), body_of(scene)
        try:
            reply = await client.post(path, json=body)
        except httpx.RemoteProtocolError as error:
            # Held up between connecting and asking for longer than the gateway waits: it asks again, as clients do.
            # That the gateway had no call of it shows in its journal.
            if "without sending a response" not in str(error):
                raise
            reply = await client.post(path, json=body)
        answered.add(reply.headers["x-detente-request-id"])
        return Seen(reply.status_code, dict(reply.headers), reply.text)

    first = await call()
    async for _ in attempts(pause=0.05):  # a deployment rests after a 429
        again = await call()
        if again.headers.get("x-detente-deployment") == scene.id:
            break
    return first, again.headers.get("x-detente-deployment", again.body)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """What came of each scene: those who hang take as long as they may, and one process of a run waits for it."""

    def play_all(folder: Path) -> None:
        with serving(written(folder / "case", case()), folder, "--sandbox") as gateway:
            found = asyncio.run(all_scenes(gateway))
        (folder / "played").write_bytes(pickle.dumps(found))

    came: dict[str, Played] = pickle.loads((made_once(tmp_path_factory, "failures", play_all) / "played").read_bytes())
    return came


async def all_scenes(gateway: Gateway) -> dict[str, Played]:
    answered: set[str] = set()
    headers = {"authorization": f"Bearer {gateway.keys['everything']}"}
    turn = asyncio.Semaphore(AT_ONCE)
    fresh = httpx.Limits(max_keepalive_connections=0)  # one that was kept may be closed as it is used again
    async with httpx.AsyncClient(
        base_url=gateway.address, headers=headers, trust_env=False, timeout=PATIENCE, limits=fresh
    ) as client:

        async def one(scene: Scene) -> tuple[Seen, str]:
            async with nullcontext() if scene.hangs else turn:
                return await play(scene, client, answered)

        found = await asyncio.gather(*map(one, SCENES))
    records = {record.id: record for record in gateway.records()}
    assert records.keys() == answered, "each call that came was answered"
    return {
        scene.id: Played(seen, records[seen.headers["x-detente-request-id"]], after)
        for scene, (seen, after) in zip(SCENES, found, strict=True)
    }


@pytest.mark.parametrize("scene", SCENES, ids=[scene.said for scene in SCENES])
def test_what_comes_of_a_failure(scene: Scene, played: dict[str, Played]) -> None:
    seen, record, after = played[scene.id]
    assert [d.deployment for d in record.denied] == [f"{scene.id}-outside"], "no clause is ever broken"
    if not scene.fails or scene.saved:
        serves(scene, seen, record)
    elif scene.row.when == "after":
        breaks_off(scene, seen, record)
    else:
        refuses(scene, seen, record)
    assert after == scene.id, "once the fault is over, calls come back"


def serves(scene: Scene, seen: Seen, record: Record) -> None:
    """The caller notices nothing."""
    by = f"{scene.id}-spare" if scene.saved else scene.id
    assert seen.status == 200, seen.body
    assert (seen.headers["x-detente-deployment"], record.deployment) == (by, by)
    attempts = [(scene.id, scene.row.failure)] if scene.saved else []
    assert [(a.deployment, a.outcome) for a in record.attempts] == [*attempts, (by, "served")]
    assert record.outcome == "complete"
    assert record.usage is not None
    assert record.usage.output == 40
    if scene.stream:
        assert ends(scene, seen)
        assert "error" not in [kind(event) for event in seen.events]


def breaks_off(scene: Scene, seen: Seen, record: Record) -> None:
    """The caller has begun to hear: the stream ends with an error, and looks like nothing else."""
    assert seen.status == 200
    assert record.deployment == seen.headers["x-detente-deployment"] == scene.id
    assert [(a.deployment, a.outcome) for a in record.attempts] == [(scene.id, scene.row.failure)]
    assert record.outcome == "cut"
    assert record.usage is None, "unknown is not zero"
    assert record.cost is None
    assert record.pieces == said(scene, seen) == AFTER, "what was delivered is counted"
    assert not ends(scene, seen)
    assert kind(seen.events[-1]) == "error", seen.body[-500:]


def refuses(scene: Scene, seen: Seen, record: Record) -> None:
    """Nobody else may serve it: the caller is told what happened, and why nobody else may."""
    assert seen.status == scene.row.status, seen.body
    error = json.loads(seen.body)["error"]
    assert "x-detente-deployment" not in seen.headers
    assert error["detente"]["tried"] == [{"deployment": scene.id, "outcome": scene.row.failure}]
    assert error["detente"]["clause"] == "in-the-union"
    assert error["detente"]["text"] == "All data stay in the Union."
    assert "in-the-union" in error["message"]
    assert (record.outcome, record.status, record.deployment) == ("failed", scene.row.status, None)
    assert [(a.deployment, a.outcome) for a in record.attempts] == [(scene.id, scene.row.failure)]
    if scene.row.failure in USED_NOTHING:
        assert record.usage is not None
        assert (record.usage.input, record.usage.output) == (0, 0)
    else:
        assert record.usage is None


def kind(event: Any) -> str:
    """What an event is, whichever shape it has."""
    if not isinstance(event, dict):
        return str(event)
    if "error" in event or event.get("type") in ("error", "response.failed"):
        return "error"
    return str(event.get("type", "chunk"))


def ends(scene: Scene, seen: Seen) -> bool:
    """Whether the stream looks complete."""
    return LAST.get(scene.wire, "[DONE]") in [kind(event) for event in seen.events]


def said(scene: Scene, seen: Seen) -> int:
    """Pieces of text that arrived."""
    if scene.wire == "responses":
        return sum(kind(event) == "response.output_text.delta" for event in seen.events)
    if scene.wire == "messages":
        return sum(kind(event) == "content_block_delta" for event in seen.events)
    chunks = [event for event in seen.events if kind(event) == "chunk"]
    return sum(bool(c["choices"] and c["choices"][0]["delta"].get("content")) for c in chunks)
