"""A case that changes while calls are under way: it is taken over without one of them noticing, or not at all."""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.builders import Data
from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import Gateway, meanwhile, serving
from tests.end_to_end.wires import AZURE, CLAUDE, GPUS, WIRES, written
from tests.waiting import until

HI: Any = [{"role": "user", "content": "sandbox:echo back"}]


def without(model: str) -> Data:
    """The case without a model: nobody offers it, and the workload does not run on it."""
    (workload,) = WIRES["workloads"]
    models = [name for name in workload["runs-on"]["models"] if name != model]
    offered = {section: [one for one in WIRES[section] if one["id"] != model] for section in ("offers", "deployments")}
    return {**WIRES, **offered, "workloads": [{**workload, "runs-on": {"models": models}}]}


class Caller:
    """Calls again and again, whole replies and streams by turns; any that is not whole is an error."""

    def __init__(self, gateway: Gateway, seen: Counter[str]) -> None:
        self.client = of_openai(gateway, "everything")
        self.seen, self.calls = seen, 0

    def __call__(self) -> None:
        self.calls += 1
        model = (AZURE, CLAUDE)[self.calls // 2 % 2]
        create: Any = self.client.chat.completions.with_streaming_response.create
        if self.calls % 2:
            with create(model=model, messages=HI) as raw:
                said = raw.parse().choices[0].message.content
        else:
            with create(model=model, messages=HI, stream=True) as raw:
                said = "".join(c.choices[0].delta.content or "" for c in raw.parse() if c.choices)
        assert said == "sandbox:echo back"
        self.seen[raw.headers["x-detente-request-id"]] += 1


def known(gateway: Gateway, model: str) -> set[bool]:
    """Whether the workers know a model; each connection may be another worker's."""
    found = set()
    for _ in range(8):
        with of_openai(gateway, "everything") as client:
            found.add(model in [m.id for m in client.models.list()])
    return found


def test_changes_are_taken_over_under_load_and_bad_ones_are_not(tmp_path: Path) -> None:
    folder = written(tmp_path / "case", WIRES)
    seen: Counter[str] = Counter()
    with serving(folder, tmp_path, "--sandbox", "--workers", "2") as gateway, ExitStack() as closing:
        for _ in range(3):
            caller = Caller(gateway, seen)
            closing.enter_context(caller.client)
            closing.enter_context(meanwhile(caller))

        written(folder, without(GPUS))
        until(lambda: known(gateway, GPUS) == {False}, "the changed case is not read")
        with of_openai(gateway, "everything") as client, pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model=GPUS, messages=HI)

        before = gateway.said().count("the case was read again")
        gateway.tell(signal.SIGHUP)
        until(lambda: gateway.said().count("the case was read again") >= before + 2, "SIGHUP is not heard by all")

        bad = json.loads(json.dumps(WIRES))
        bad["deployments"][0]["offer"] = "nothing"
        bad["deployments"][1]["offer"] = "nowhere"
        written(folder, bad)
        gateway.heard("the changed case is rejected; the previous one stays in force")
        gateway.heard("2 mistakes")
        assert known(gateway, GPUS) == {False}

        written(folder, WIRES)
        until(lambda: known(gateway, GPUS) == {True}, "the mended case is not read")

    assert seen, "there was load"
    assert set(seen.values()) == {1}
    records = {record.id: record for record in gateway.records()}
    assert all(records[id_].outcome == "complete" for id_ in seen), "every reply has its record"
