"""What is kept and told of a reply: known use and cost, unknown use, and the parts that calls of a kind share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.gateway.deciding.admit import admit
from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.serving.call.job import Job, Served
from detente.gateway.serving.call.mishap import unknown_use
from detente.gateway.serving.call.recorder import Recorder
from detente.gateway.serving.observing.metrics import Metrics
from detente.gateway.surfaces import SURFACES
from detente.ledger.journals.journal import Journal
from detente.ledger.journals.record import Attempt, Record, TokenCounts
from detente.live.request import Request
from detente.providers.wire import Tokens, failure
from tests.builders import PROVIDERS, agreement
from tests.gateway.stage import NOON, case_data, deployment, recorded

BASES = dict.fromkeys(("south", "north"), "http://a.example")
ONLY = {"id": "only", "kind": "exclusivity"}


def _attempt(outcome: Any) -> Attempt:
    known = outcome == "served"
    used = None if known else "unknown" if outcome == "abandoned" else unknown_use(failure(outcome, 500, "no"))
    return Attempt("north-m", outcome, 1.0, used=used)


class Kept:
    """A recorder and its journal."""

    def __init__(self, folder: Path, *agreements: Any, **head: Any) -> None:
        self.folder, self.journal = folder, Journal(folder)
        self.policy = Policy.of(Case.of(case_data(BASES, *agreements, **head)))
        self.recorder = Recorder(self.journal, Metrics())
        self.moment = Moment(self.policy, NOON)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()

    def job(self, *outcomes: str, team: str = "sales") -> Job:
        labels, (held,) = {"team": team}, self.moment.keys
        surface = SURFACES[b"/v1/chat/completions"]
        made = Job("req_1", surface, held, self.moment, NOON, 5.0, 9.0, labels, Load())
        made.admission = admit(self.policy, Request("chat", "inference", tuple(labels.items()), "m"), NOON)
        made.attempts += [_attempt(outcome) for outcome in outcomes]
        return made

    def choice(self, job: Job) -> RankedCandidate:
        return RankedCandidate(job.admission.permitted[-1], "price")

    @property
    def records(self) -> list[Record]:
        return recorded(self.folder)


def test_where_it_ran_is_stated_only_where_there_is_one_place(tmp_path: Path) -> None:
    places = {"dublin": {"country": "IE"}, "oslo": {"country": "NO"}}
    providers = [*PROVIDERS[1:], {"id": "north", "name": "North", "regions": places}]
    assert PROVIDERS[0]["id"] == "north"
    for regions, expected in (
        ([], ("dublin", ())),
        (["dublin"], ("dublin", ())),
        (["dublin", "oslo"], (None, ("dublin", "oslo"))),
    ):
        there = [deployment("north-m", "north-api", "http://a.example", regions=regions)]
        with Kept(tmp_path / "-".join(["x", *regions]), providers=providers, deployments=there) as kept:
            job = kept.job("served")
            kept.recorder.record(job, Served("complete", 200, kept.choice(job), Tokens(10, 5)), 5.25)
            (record,) = kept.records
            assert (record.region, record.regions) == expected


def test_use_that_is_known_has_its_cost_and_is_disclosed(tmp_path: Path) -> None:
    with Kept(tmp_path, agreement(ONLY)) as kept:
        job = kept.job("served")
        choice = kept.choice(job)
        cost = kept.recorder.record(job, Served("complete", 200, choice, Tokens(10, 5)), 5.25)
        (record,) = kept.records
        assert (cost, record.cost) == ("0.000045000", "0.000045000")
        assert (record.usage, record.ms) == (TokenCounts(10, 5), 250.0)
        assert (record.deployment, record.region, record.why) == ("north-m", "dublin", "price")
        assert [(d.deployment, d.clause) for d in record.denied] == [("south-m", "only")]
        assert kept.recorder.disclosed(job, choice, cost).decode().split("\r\n") == [
            "x-detente-request-id: req_1",
            "x-request-id: req_1",
            "x-detente-deployment: north-m",
            "x-detente-clause: only",
            f"x-detente-cost: 0.000045000 {kept.policy.currency}",
            "",
        ]


def test_use_that_is_not_known_and_a_call_that_was_spilled_have_no_cost(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        job = kept.job("served")
        assert kept.recorder.record(job, Served("complete", 200, kept.choice(job)), 6.0) is None
        spilled = Served("complete", 200, kept.choice(job), Tokens(10, 5), spilled=True)
        assert kept.recorder.record(job, spilled, 6.0) is None
        unknown, moved = kept.records
        assert (unknown.usage, unknown.cost) == (None, None)
        assert (moved.usage, moved.cost, moved.spilled) == (TokenCounts(10, 5), None, True)


@pytest.mark.parametrize(
    ("outcomes", "usage"),
    [
        ((), TokenCounts(0, 0)),
        (("unreachable", "throttled", "credential", "gateway", "refused"), TokenCounts(0, 0)),
        (("throttled", "timeout"), None),
        (("broken",), None),
        (("unavailable",), None),
        (("filtered",), None),
        (("abandoned",), None),
    ],
)
def test_a_call_used_nothing_only_where_every_attempt_did(
    tmp_path: Path, outcomes: tuple[str, ...], usage: TokenCounts | None
) -> None:
    with Kept(tmp_path) as kept:
        kept.recorder.record(kept.job(*outcomes), Served("failed", 503), 6.0)
        assert kept.records[0].usage == usage


def test_calls_of_two_kinds_are_never_recorded_as_one(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        first, other = kept.job("served"), kept.job("served", team="support")
        for job in (first, other, first):
            kept.recorder.record(job, Served("complete", 200, kept.choice(job)), 6.0)
        kept.recorder.record(first, Served("refused", 400), 6.0)
        assert [(r.labels["team"], r.deployment) for r in kept.records] == [
            ("sales", "north-m"),
            ("support", "north-m"),
            ("sales", "north-m"),
            ("sales", None),
        ]


@pytest.mark.parametrize(("sync", "times"), [("each", 1), ("timer", 0)])
def test_a_record_is_forced_to_disk_before_a_reply_only_where_the_case_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: str, times: int
) -> None:
    with Kept(tmp_path, serving={"sync": sync}) as kept:
        forced: list[int] = []
        monkeypatch.setattr(kept.journal, "sync", lambda upto=None: forced.append(1))
        asyncio.run(kept.recorder.durable(kept.job()))
        assert len(forced) == times


def test_headers_can_be_switched_off(tmp_path: Path) -> None:
    with Kept(tmp_path, serving={"headers": False}) as kept:
        job = kept.job()
        assert kept.recorder.disclosed(job, kept.choice(job), None) == b""
