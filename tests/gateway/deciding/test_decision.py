"""A decision, whole: the same for live calls and for ``explain``, and what is asked of nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.case.case import Case
from detente.gateway.deciding.decision import Rejection, cannot, decide, read
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.surfaces import SURFACES
from detente.providers.wire import failure
from tests.builders import Data, agreement, tokens, work
from tests.gateway.caller import HELLO
from tests.gateway.stage import NOON, case_data

CHAT, EMBEDDINGS = SURFACES[b"/v1/chat/completions"], SURFACES[b"/v1/embeddings"]
BASES = dict.fromkeys(("south", "north"), "http://a.example")
ONLY = {"id": "only", "kind": "exclusivity"}


def decided(
    data: Data, surface: Any = CHAT, load: Load | None = None, now: float = 0.0, **members: Any
) -> RoutingDecision:
    policy = Policy.of(Case.of(data))
    body = HELLO if surface is CHAT else {"model": "m", "input": "hi"}
    asked = read(surface, json.dumps(body | members).encode())
    workload = policy.workloads["chat"]
    return decide(Moment(policy, NOON), load or Load(), surface, asked, workload, workload.labels, now)


def refused(*given: Any, **members: Any) -> Rejection:
    with pytest.raises(Rejection) as caught:
        decided(*given, **members)
    return caught.value


def order(found: RoutingDecision) -> list[str]:
    return [c.candidate.deployed.id for c in found.order.choices]


# -- whom to ask ------------------------------------------------------------------------------------------------------
def test_who_is_permitted_is_ordered_and_who_is_not_is_told() -> None:
    assert order(decided(case_data(BASES))) == ["south-m", "north-m"]
    found = decided(case_data(BASES, agreement(ONLY)))
    assert order(found) == ["north-m"]
    assert [c.deployed.id for c in found.admission.denied] == ["south-m"]
    assert found.request.facts["team"] == "sales"


def test_what_is_known_of_deployments_decides_and_a_new_gateway_knows_nothing() -> None:
    load, data = Load(), case_data(BASES)
    policy = Policy.of(Case.of(data))
    load.limits(policy, NOON)
    load.failed(policy.deployed[0], "chat", failure("throttled", 429, "no", retry_after=5), 0, 0.0)
    found = decided(data, load=load, now=1.0)
    assert order(found) == ["north-m"]
    assert [c.deployed.id for c in found.order.resting] == ["south-m"]
    assert order(decided(data, load=load, now=6.0)) == ["south-m", "north-m"]


def test_what_cannot_be_said_is_told_and_does_not_change_the_order() -> None:
    data = case_data(BASES)
    asked = read(CHAT, json.dumps({**HELLO, "stream": True, "stream_options": {}}).encode())
    (south, _) = decided(data).admission.permitted
    assert cannot(CHAT, south, asked) is None
    signed = [{"role": "assistant", "reasoning_signature": "x"}]
    assert "Claude" in str(cannot(CHAT, south, read(CHAT, json.dumps({**HELLO, "messages": signed}).encode())))


# -- asked of nobody --------------------------------------------------------------------------------------------------
def test_a_body_that_cannot_be_read_and_a_model_that_nobody_serves() -> None:
    with pytest.raises(Rejection) as caught:
        read(CHAT, b"{}")
    assert (caught.value.status, caught.value.error["param"]) == (400, "model")
    unknown = refused(case_data(BASES), model="n")
    assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")


# -- vectors ----------------------------------------------------------------------------------------------------------
def vectors(*models: str, serves: tuple[str, ...] = ("embeddings",)) -> Data:
    """South serves the first model, North the second."""
    offers = [tokens(p, n + 2, model=m) for n, (p, m) in enumerate(zip(BASES, models, strict=True))]
    workload = work() | {"runs-on": {"models": sorted({*models, "m"})}}
    data = case_data(BASES, offers=offers, workloads=[workload])
    for deployment, what in zip(data["deployments"], (*serves, "embeddings"), strict=False):
        deployment["serves"] = [what]
    return data


def test_a_name_for_two_models_is_no_name_for_vectors() -> None:
    found = refused(vectors("a", "b"), EMBEDDINGS, model="chat")
    assert (found.status, found.error["param"], found.error["code"]) == (400, "model", "model_ambiguous")
    assert "ask for `a` or `b`" in str(found.error["message"])
    assert order(decided(vectors("a", "b"), EMBEDDINGS, model="b")) == ["north-m"]


def test_a_name_for_one_model_of_vectors_stands_for_it() -> None:
    assert order(decided(vectors("a", "a"), EMBEDDINGS, model="chat")) == ["south-m", "north-m"]
    assert order(decided(vectors("a", "b", serves=("chat",)), EMBEDDINGS, model="chat")) == ["north-m"]


def test_a_name_for_two_models_is_a_name_for_texts() -> None:
    data = vectors("a", "b")
    for deployment in data["deployments"]:
        deployment["serves"] = ["chat"]
    assert order(decided(data, model="chat")) == ["south-m", "north-m"]
