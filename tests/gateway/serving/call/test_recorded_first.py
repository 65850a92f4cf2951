"""What is recorded, and when: nothing is given out that the journal does not have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.gateway.deciding.policy import Policy
from tests.gateway.caller import STREAM, request
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, HALF, SERVED, completion, http, play
from tests.gateway.stage import DEADLINES, Stage, authorities, one, two
from tests.waiting import so

pytestmark = pytest.mark.usefixtures("unhurried")


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_is_in_the_journal_before_its_last_byte_is_sent(tmp_path: Path, stream: bool) -> None:
    async def main() -> None:
        async with (
            play([*FLOW] if stream else http(completion())) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            seen: list[int] = []
            written = stage.state.connections

            caller = await stage.caller()
            await so(lambda: written)
            (connection,) = written
            send = connection.write

            def watched(data: bytes) -> None:
                if data.endswith(b"0\r\n\r\n") or (not stream and b"hello" in data):
                    seen.append(len(stage.records))
                send(data)

            connection.write = watched
            caller.send(request(STREAM if stream else None))
            assert (await caller.answer()).status == 200
            assert seen == [1]
            await caller.leave()

    run(main())


def _full(fd: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_while_the_journal_cannot_be_written_nothing_is_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        flow = [*HALF, *FLOW[-3:]]
        async with (
            play(http(completion("secret")), flow, http(completion())) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            with monkeypatch.context() as patch:
                patch.setattr("detente.ledger.journals.journal.os.write", _full)
                answer = await stage.ask()
                assert answer.status == 503
                assert b"secret" not in answer.body
                assert "could not be recorded" in answer.json["error"]["message"]
                stage.app.unrecorded = ""
                unseen = await stage.ask(STREAM, south)
                assert unseen.status == 503
                assert b"half" not in unseen.body
                not_ready = await stage.page("/readyz")
                assert not_ready.status == 503
                assert "No space left" in not_ready.json["why"]
                assert (await stage.page("/healthz")).status == 200
                for body in (None, STREAM):  # of those that come later nobody is asked
                    later = await stage.ask(body)
                    assert later.status == 503
                    assert "calls are not forwarded" in later.json["error"]["message"]
                assert len(south.requests) == 2
                stage.app.unrecorded = ""
                assert (await stage.ask(b"{}")).status == 503  # refusals are recorded too
            assert (await stage.ask()).status == 503
            stage.app.unrecorded = ""  # as the worker's probe finds that it can be written again
            assert (await stage.ask()).status == 200
            assert len(south.requests) == 3
            assert (await stage.page("/readyz")).status == 200
            assert [r.outcome for r in stage.records] == ["complete"]

    run(main())


def test_a_stream_whose_end_cannot_be_written_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with play([*HALF, *FLOW[-3:]]) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            head = await caller.head()
            with monkeypatch.context() as patch:
                patch.setattr("detente.ledger.journals.journal.os.write", _full)
                south.heard.set()
                cut = await caller.rest(*head)
            assert not cut.whole
            assert b"[DONE]" not in cut.body
            assert [r.outcome for r in stage.records] == ["begun"]  # that is known of it, and no more
            await caller.leave()

    run(main())


def test_what_a_stream_began_is_on_record_before_its_caller_sees_any_of_it(tmp_path: Path) -> None:
    """Whoever kills the gateway then leaves that much."""

    async def main() -> None:
        async with play([*HALF, *FLOW[4:]]) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            head = await caller.head()
            (begun,) = stage.records
            assert (begun.outcome, begun.status, begun.deployment) == ("begun", 200, "south-m")
            assert begun.usage is None
            south.heard.set()
            await caller.rest(*head)
            (record,) = stage.records  # its end stands for it
            assert (record.id, record.outcome) == (begun.id, "complete")
            await caller.leave()

    run(main())


def test_a_journal_that_is_to_be_synced_before_each_reply_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with play(http(completion())) as south:
            data = one(south, serving={"deadlines": DEADLINES, "sync": "each"})
            async with Stage(tmp_path, data) as stage:
                synced: list[int] = []
                monkeypatch.setattr("detente.ledger.journals.journal.os.fdatasync", synced.append)
                await stage.ask()
                assert len(synced) == 1

    run(main())


def test_a_call_ends_by_the_policy_that_it_began_with(tmp_path: Path) -> None:
    """The case is read again, without the second deployment, while a call is at the first."""

    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([gate, http(b"", "503 Busy")]) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            call = asyncio.create_task(stage.ask())
            await so(lambda: south.requests)
            smaller = Policy.of(Case.of(one(south)))
            stage.app.follow(smaller, authorities(smaller))
            gate.set()
            answer = await call
            assert answer.status in (200, 503)  # served by it, or told why not
            assert len(stage.records) == 1

    run(main())
