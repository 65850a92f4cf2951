"""What a caller is told where nobody serves its call: status, sentence, the clause that decided, who was tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from detente.case.case import Case
from detente.contract.reach.verdict import Reason, Verdict
from detente.gateway.deciding.admit import Admission, Candidate, admit
from detente.gateway.deciding.choose import Order
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.serving.call.job import Job
from detente.gateway.serving.call.mishap import LATE
from detente.gateway.serving.call.refusal import explained
from detente.gateway.surfaces import SURFACES
from detente.ledger.journals.record import Attempt
from detente.live.request import Request
from detente.providers.wire import Refusal, failure
from tests.builders import agreement
from tests.gateway.stage import NOON, case_data

BASES = dict.fromkeys(("south", "north"), "http://a.example")
ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}
NEITHER = [agreement(ONLY), agreement({**ONLY, "id": "other", "text": "Only on South."}, party="south")]


def job(*agreements: Any, order: Order | None = None) -> Job:
    policy = Policy.of(Case.of(case_data(BASES, *agreements)))
    moment, workload = Moment(policy, NOON), policy.workloads["chat"]
    (held,) = moment.keys
    made = Job(
        id="req_1",
        surface=SURFACES[b"/v1/chat/completions"],
        held=held,
        moment=moment,
        at=NOON + timedelta(0),
        began=0.0,
        until=1.0,
        labels=workload.labels,
        load=Load(),
    )
    made.admission = admit(policy, Request("chat", "inference", tuple(workload.labels.items()), "m"), NOON)
    if order is not None:
        made.order = order
    return made


def permitted(given: Job) -> tuple[Candidate, ...]:
    return given.admission.permitted


def test_a_call_that_clauses_forbid_everywhere_names_clause_and_text() -> None:
    status, error, wait = explained(job(*NEITHER), None)
    assert (status, wait) == (403, None)
    assert (error["type"], error["code"]) == ("permission_error", "clause")
    assert error["message"].endswith("[only]")
    detail = error["detente"]
    assert (detail["request"], detail["clause"], detail["text"]) == ("req_1", "only", "Only on North.")
    assert {(d["deployment"], d["clause"]) for d in detail["denied"]} == {("south-m", "only"), ("north-m", "other")}
    assert detail["tried"] == []


def test_a_call_that_facts_keep_from_everybody_names_what_decided_in_both_places() -> None:
    given = job()
    facts = [
        Candidate(c.deployed, Verdict("deny", Reason("of-south", "no price")), fact=True) for c in permitted(given)
    ]
    given.admission = Admission(tuple(facts))
    status, error, _ = explained(given, None)
    assert (status, error["message"], error["detente"]["clause"]) == (403, "no price [of-south]", "of-south")


def test_a_failure_is_told_with_what_was_tried_and_why_nobody_else_might() -> None:
    given = job(agreement(ONLY))
    given.attempts.append(Attempt("north-m", "throttled", 1.0, 429))
    status, error, wait = explained(given, failure("throttled", 429, "busy", retry_after=7.0))
    assert (status, wait) == (429, 7.0)
    assert error["message"] == "busy; south-m may not serve it: everything runs only on north, so not on south [only]"
    assert error["detente"]["tried"] == [{"deployment": "north-m", "outcome": "throttled"}]


def test_a_request_that_is_itself_wrong_is_told_as_its_provider_told_it() -> None:
    wrong = failure("refused", 400, "too hot")
    status, error, wait = explained(job(agreement(ONLY)), wrong)
    assert (status, error["message"], wait) == (400, "too hot", None)
    assert "detente" not in wrong.error  # what others are told stays as it is


def test_a_call_that_came_to_nobody_in_time_is_told_so() -> None:
    status, error, _ = explained(job(), LATE)
    assert (status, error["code"]) == (504, "timeout")
    assert "total deadline passed" in error["message"]
    assert error["detente"]["clause"] is None


def test_what_cannot_be_said_anywhere_is_told_by_member() -> None:
    given = job()
    given.cannot += [(c, Refusal("`seed` is not known there", "seed")) for c in permitted(given)]
    status, error, _ = explained(given, None)
    assert (status, error["param"], error["message"]) == (400, "seed", "south-m: `seed` is not known there")
    assert [c["deployment"] for c in error["detente"]["cannot"]] == ["south-m", "north-m"]


def test_where_all_rest_it_says_who_and_when_to_come_back() -> None:
    given = job()
    given.order = Order((), permitted(given), 2.5)
    status, error, wait = explained(given, None)
    assert (status, wait) == (503, 2.5)
    assert error["detente"]["resting"] == ["south-m", "north-m"]
    given.cannot.append((permitted(given)[0], Refusal("no")))
    assert explained(given, None)[0] == 503  # one that rests might do it
