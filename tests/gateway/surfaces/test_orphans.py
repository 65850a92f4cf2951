"""A call of a tool without a result, or a result without its call: who tells it, and in whose words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.gateway.surfaces import SURFACES
from detente.providers.wire import Refusal, Wire
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import ANTHROPIC, CLAUDE, MESSAGES, NOVA

HI = {"role": "user", "content": "Hi"}
CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]}
ANSWERED = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "x"}]}
ORPHANS = [[HI, CALLED, HI], [HI, CALLED], [ANSWERED], [HI, CALLED, ANSWERED, HI, ANSWERED]]
SAYS = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: c1."


@pytest.mark.parametrize("turns", ORPHANS[:3], ids=["a call", "the last call", "a result"])
@pytest.mark.parametrize("wire", [ANTHROPIC, CLAUDE], ids=["anthropic", "bedrock"])
def test_in_its_own_shape_a_claude_s_provider_judges(turns: list[Any], wire: Wire) -> None:
    _, asked = replies.asked(MESSAGES, wire, messages=turns)
    sent = wire.encode(asked.call)
    assert (json.loads(sent.body)["messages"], sent.left_out) == (turns, ())


def test_its_400_reaches_the_caller_in_its_own_words() -> None:
    stated = {"type": "error", "error": {"type": "invalid_request_error", "message": SAYS}}
    failed = ANTHROPIC.failed(400, {}, json.dumps(stated).encode())
    assert (failed.kind, failed.status, failed.fails_over) == ("refused", 400, False)
    assert json.loads(SURFACES[MESSAGES.encode()].error(400, failed.error)) == stated


@pytest.mark.parametrize("turns", ORPHANS)
def test_where_it_is_translated_it_is_told_before_it_is_sent(turns: list[Any]) -> None:
    with pytest.raises(Refusal, match=r"a call `c1` without a result|a result of `c1`|second result|cannot continue"):
        NOVA.encode(replies.asked(MESSAGES, NOVA, messages=turns)[1].call)
