"""The gateway's paths: what callers are told of labels, models and mistakes, and what changes meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.gateway.deciding.policy import Policy
from detente.ledger.journals.record import TokenCounts
from detente.live.key import hash_of, make
from tests.builders import Data, agreement, work
from tests.gateway.caller import HELLO, KEY, request
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, Provider, http, play
from tests.gateway.stage import DEADLINES, Stage, authorities, one, two

# -- labels -----------------------------------------------------------------------------------------------------------
STAYS = {"id": "stays", "kind": "residency", "within": ["EU"], "of": {"data": "personal"}}


def labelled(south: Provider, north: Provider) -> Data:
    """The workload's data is public; a key of another workload's stands for personal data."""
    return two(
        south,
        north,
        agreement(STAYS, party="self"),
        workloads=[work(labels={"data": "public"}), work("other", labels={"data": "personal", "team": "ops"})],
    )


def test_labels_of_a_request_are_checked_recorded_and_never_change_what_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(SERVED) as north,
            Stage(tmp_path, labelled(south, north)) as stage,
        ):
            answer = await stage.ask(x_detente_labels="team=ops , data=public")
            assert answer.status == 200
            assert stage.records[0].labels == {"data": "public", "team": "ops"}
            for stated, told in {
                "data=personal": "the key stands for `data: public`",
                "tem=ops": "did you mean `team`?",
                "team=opps": "did you mean `ops`?",
                "team": "`team` is not a label",
                "team=ops,team=sales": "stated twice",
                "": "is not a label",
            }.items():
                answer = await stage.ask(x_detente_labels=stated)
                assert (answer.status, answer.json["error"]["param"]) == (400, "x-detente-labels")
                assert told in answer.json["error"]["message"]
            assert len(south.requests) == 1
            assert [r.outcome for r in stage.records[1:]] == ["refused"] * 6

    run(main())


def test_labels_in_two_headers_are_read_as_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(SERVED) as north,
            Stage(tmp_path, labelled(south, north)) as stage,
        ):
            caller = await stage.caller()
            caller.send(
                request().replace(b"\r\nhost", b"\r\nX-Detente-Labels: team=ops\r\nx-detente-labels: a\r\nhost", 1)
            )
            answer = await caller.answer()
            assert answer.status == 400
            assert "`a` is not a label" in answer.json["error"]["message"]
            await caller.leave()

    run(main())


# -- mistakes of callers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (b"", "not a JSON object", None),
        (b"[]", "not a JSON object", None),
        (b'{"model": "m"', "not a JSON object", None),
        (b"\xff\xfe", "not a JSON object", None),
        (b"{}", "`model` is missing", "model"),
        ({"model": 3, "messages": []}, "`model` is not text", "model"),
        ({"model": "m" * 2_000_000, "messages": []}, "`model` is longer than 500", "model"),
        ({"model": "m"}, "`messages` is missing", "messages"),
        ({"model": "m", "messages": "hi"}, "`messages` is not a list", "messages"),
        ({**HELLO, "stream": "yes"}, "`stream` is neither", "stream"),
        ({**HELLO, "max_tokens": 0}, "`max_tokens` is 0; write 1 or more", "max_tokens"),
        ({**HELLO, "max_tokens": 1.5}, "`max_tokens` is not a whole number", "max_tokens"),
        ({**HELLO, "stream_options": {}}, "`stream_options` without `stream: true`", "stream_options"),
        ({**HELLO, "stream": True, "stream_options": 1}, "`stream_options` is not an object", "stream_options"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, body: Any, message: str, param: str | None
) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(body)
            error = answer.json["error"]
            assert (answer.status, error["param"], error["type"]) == (400, param, "invalid_request_error")
            assert message in error["message"]
            assert south.requests == []
            (record,) = stage.records
            assert (record.outcome, record.status, record.key) == ("refused", 400, "chat-key")

    run(main())


def test_a_model_that_nobody_serves_and_one_that_a_feature_keeps_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = one(south)
            data["deployments"][0]["lacks"] = ["tools"]
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask({**HELLO, "model": "M"})
                assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
                assert answer.json["error"]["message"] == "no deployment serves `M`; did you mean `m`?"
                answer = await stage.ask({**HELLO, "tools": [{"type": "function"}]})
                assert answer.status in (400, 403)
                assert "south-m cannot do tools" in answer.json["error"]["message"]
                assert (await stage.ask({**HELLO, "tools": []})).status == 200

    run(main())


def test_nothing_answers_what_is_no_path(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(path="/v1/completions")
            assert (answer.status, answer.json["error"]["type"]) == (404, "not_found_error")
            assert stage.records == []
            answer = await stage.ask(path="/v1/chat/completions?api-version=2024-10-21")
            assert answer.status == 200  # a query is passed over

    run(main())


# -- while it serves --------------------------------------------------------------------------------------------------
def test_a_changed_case_holds_from_the_next_call_on(tmp_path: Path) -> None:
    async def main() -> None:
        other = make("new-key", b"\1" * 32)
        async with play(SERVED) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            caller = await stage.caller()
            caller.send(request())
            assert (await caller.answer()).headers["x-detente-deployment"] == "south-m"
            only = {"id": "only", "kind": "exclusivity", "text": "Only on North."}
            data = two(south, north, agreement(only), serving={"deadlines": DEADLINES, "headers": False})
            data["keys"].append({"id": "new-key", "workload": "chat", "hash": hash_of(other)})
            changed = Policy.of(Case.of(data))
            stage.app.follow(changed, authorities(changed))
            caller.send(request(key=other))
            answer = await caller.answer()  # on the connection of before
            assert answer.status == 200
            assert "x-detente-deployment" not in answer.headers
            assert [r.deployment for r in stage.records] == ["south-m", "north-m"]
            assert stage.records[0].case == stage.policy.hash != changed.hash == stage.records[1].case
            await caller.leave()
            gone = Policy.of(Case.of(two(south, north) | {"keys": []}))
            stage.app.follow(gone, authorities(gone))
            assert (await stage.ask()).status == 401

    run(main())


def test_metrics_tell_what_was_served_denied_and_failed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(http(b"", "503 Busy"), SERVED) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            await stage.ask()
            await stage.ask()
            text = (await stage.page("/metrics")).body.decode()
            for line in (
                'detente_requests_total{deployment="north-m",outcome="complete",workload="chat"} 1.0',
                'detente_requests_total{deployment="south-m",outcome="complete",workload="chat"} 1.0',
                'detente_tokens_total{deployment="north-m",kind="input",workload="chat"} 10.0',
                'detente_tokens_total{deployment="north-m",kind="output",workload="chat"} 5.0',
                'detente_upstream_failures_total{deployment="south-m",kind="unavailable"} 1.0',
                'detente_upstream_resting{deployment="south-m"} 0.0',
                'detente_cost_total{deployment="south-m",workload="chat"} 3e-05',
            ):
                assert line in text, text
            assert KEY not in text

    run(main())


# -- what clients of several makers ask -------------------------------------------------------------------------------
def test_models_are_listed_as_who_asks_reads_them_and_have_other_names(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            listed = await stage.ask(path="/v1/models", method="GET", anthropic_version="2023-06-01")
            assert [(entry["type"], entry["id"]) for entry in listed.json["data"]] == [
                ("model", "m"),
                ("model", "chat"),
            ]
            one_of = await stage.ask(path="/v1/models/m-20250101", method="GET", anthropic_version="2023-06-01")
            assert one_of.json["id"] == "m"
            gone = await stage.ask(path="/v1/models/x", method="GET", anthropic_version="2023-06-01")
            assert (gone.status, gone.json["error"]["type"]) == (404, "not_found_error")
            answer = await stage.ask({**HELLO, "model": "m-20250101[1m]"})
            assert (answer.status, stage.records[-1].model) == (200, "m-20250101[1m]")

    run(main())


EDITS: Data = {"edits": [{"type": "clear_tool_uses_20250919"}]}
COUNT: Data = {
    "model": "m",
    "messages": [{"role": "user", "content": "a" * 400}],
    "tools": [],
    "context_management": EDITS,
}


@pytest.mark.parametrize("counts", [True, False])
def test_tokens_are_counted_by_who_would_be_asked_and_else_estimated(tmp_path: Path, counts: bool) -> None:
    async def main() -> None:
        script = http({"input_tokens": 123}) if counts else http({"type": "error"}, "500 Internal Server Error")
        async with play(script) as south, play(SERVED) as north:
            data = two(south, north)
            data["deployments"][0] |= {"kind": "anthropic", "endpoint": south.base, "name": "claude-haiku-4-5"}
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(COUNT | {"max_tokens": 9, "top_k": 5}, path="/v1/messages/count_tokens")
                assert answer.status == 200
                assert (answer.json["input_tokens"] == 123) == counts
                assert answer.headers.get("x-detente-estimated") == (None if counts else "input_tokens")
                assert answer.headers.get("x-detente-deployment") == ("south-m" if counts else None)
                (record,) = stage.records
                assert (record.outcome, record.usage) == ("complete", TokenCounts(0, 0))
            head, body = south.requests[0]
            assert head.startswith(b"POST /v1/messages/count_tokens HTTP/1.1\r\n")
            assert json.loads(body) == COUNT | {"model": "claude-haiku-4-5"}  # no limit, of which there is none
            assert north.requests == []

    run(main())


def test_tokens_are_estimated_and_nobody_is_asked(tmp_path: Path) -> None:
    async def main() -> None:
        async with play() as south, Stage(tmp_path, one(south)) as stage:
            path = "/v1/messages/count_tokens?beta=true"
            body = {"model": "m", "messages": [{"role": "user", "content": "a" * 400}]}
            answer = await stage.ask(body, path=path)
            assert 90 < answer.json["input_tokens"] < 130
            assert answer.headers["x-detente-estimated"] == "input_tokens"
            assert (await stage.ask({**body, "model": "x"}, path=path)).status == 404
            assert south.requests == []
            assert (stage.records[0].deployment, stage.records[0].outcome) == (None, "complete")

    run(main())
