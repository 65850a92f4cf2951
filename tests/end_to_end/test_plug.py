"""The story of the gateway: a plug is pulled, and calls go on where the clauses permit it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import Gateway
from tests.waiting import until

SWEDEN = {"azure-ptu-gpt-4.1-mini", "azure-gpt-4.1-mini"}
BEDROCK = {"aws-nova-pro", "aws-claude-haiku-4.5"}
HI: Any = [{"role": "user", "content": "What does my policy cover?"}]


@pytest.fixture(scope="module")
def assistant(enterprise: Gateway) -> Iterator[openai.OpenAI]:
    with of_openai(enterprise, "assistant") as found:
        yield found


def places(assistant: openai.OpenAI, calls: int = 4) -> set[str]:
    """Where calls of the workload run, whole ones and streams. Any that is not served is an error."""
    found = set()
    for n in range(calls):
        if n % 2:
            with assistant.chat.completions.with_streaming_response.create(
                model="assistant", messages=HI, stream=True
            ) as raw:
                found.add(raw.headers["x-detente-deployment"])
                last = [chunk.choices[0].finish_reason for chunk in raw.parse() if chunk.choices][-1]
        else:
            reply = assistant.chat.completions.with_raw_response.create(model="assistant", messages=HI)
            found.add(reply.headers["x-detente-deployment"])
            last = reply.parse().choices[0].finish_reason
        assert last == "stop"
    return found


def test_a_plug_is_pulled_and_put_back(enterprise: Gateway, assistant: openai.OpenAI) -> None:
    assert places(assistant) == {"azure-ptu-gpt-4.1-mini"}, "what is paid for already comes first"

    outage = enterprise.fault("azure/swedencentral", "down")
    try:
        assert places(assistant) <= BEDROCK

        with pytest.raises(openai.APIStatusError) as refused:
            assistant.chat.completions.create(model="gpt-4.1-mini", messages=HI)
        assert refused.value.status_code in (502, 503)
        body: Any = refused.value.body
        detail = body["detente"]
        assert detail["clause"] == "eu-residency"
        assert detail["text"] == "Personal data is processed in the European Union."
        assert [(d["deployment"], d["clause"]) for d in detail["denied"]] == [
            ("azure-gpt-4.1-mini-global", "eu-residency")
        ]
        asked = {attempt["deployment"] for attempt in detail["tried"]} | set(detail.get("resting", ()))
        assert asked == SWEDEN
        assert "eu-residency" in body["message"]
        assert refused.value.response.headers["x-detente-clause"] == "eu-residency"
        record = enterprise.record(detail["request"])
        assert (record.outcome, record.deployment, record.cost) == ("failed", None, None)
        assert [(d.deployment, d.clause) for d in record.denied] == [("azure-gpt-4.1-mini-global", "eu-residency")]

        with of_openai(enterprise, "search") as search, pytest.raises(openai.APIStatusError) as lost:
            search.embeddings.create(model="search", input="flood")
        assert "azure-embedding-3-large" in lost.value.message
        assert lost.value.code in ("unreachable", "unavailable")
    finally:
        enterprise.mended(outage)

    until(lambda: places(assistant, 1) == {"azure-ptu-gpt-4.1-mini"}, "traffic does not come back")
    assert places(assistant) == {"azure-ptu-gpt-4.1-mini"}
    with of_openai(enterprise, "search") as search:
        until(lambda: _found(search), "search does not come back")

    served = {r.deployment for r in enterprise.records() if r.workload == "assistant" and r.deployment is not None}
    assert served <= SWEDEN | BEDROCK, "no call of theirs ever left the Union"
    assert enterprise.calls("azure-gpt-4.1-mini-global") == []


def _found(search: openai.OpenAI) -> bool:
    try:
        return len(search.embeddings.create(model="search", input="flood").data) == 1
    except openai.InternalServerError:
        return False


def test_what_is_not_personal_may_go_to_the_us_by_the_paths_of_before(enterprise: Gateway) -> None:
    """The legacy deployment in the US is the cheapest that the developers' calls may use."""
    with of_openai(enterprise, "coding") as coding:
        reply = coding.chat.completions.with_raw_response.create(model="gpt-4.1", messages=HI)
        assert reply.headers["x-detente-deployment"] == "azure-gpt-4.1-global"


@pytest.mark.parametrize("labels", ["data=personal", "case=4711", "data"])
def test_labels_of_a_call_change_none_of_its_workloads_and_are_known(enterprise: Gateway, labels: str) -> None:
    with of_openai(enterprise, "coding") as coding, pytest.raises(openai.BadRequestError) as refused:
        coding.chat.completions.create(model="gpt-4.1", messages=HI, extra_headers={"x-detente-labels": labels})
    assert refused.value.param == "x-detente-labels"
    assert labels.partition("=")[0] in refused.value.message
