"""Thought that is counted beside the reply, and not as a part of it: what was used is what the total says."""

from __future__ import annotations

import json

import pytest

from detente.providers.openai_usage import tokens_of, tokens_of_response
from detente.providers.wire import Tokens

XAI = (32, 9, 135, 94), Tokens(32, 103, reasoning=94)
"""As xAI documents it: 32 + 9 + 94 = 135."""
GOOGLE = (20, 198, 623, None), Tokens(20, 603, reasoning=405)
"""Of 623 tokens 405 were thought, and no member says so."""
COUNTED: list[tuple[tuple[int, int, int | None, int | None], Tokens | None]] = [
    XAI,
    GOOGLE,
    ((21, 0, 81, 60), Tokens(21, 60, reasoning=60)),
    ((10, 5, 15, 3), Tokens(10, 5, reasoning=3)),  # OpenAI's own: a part
    ((10, 5, None, 3), Tokens(10, 5, reasoning=3)),
    ((10, 5, 0, None), Tokens(10, 5)),  # a total that nobody filled in
    ((10, 5, 20, 3), Tokens(10, 5, reasoning=3)),  # a total that nothing explains says nothing
    ((10, 5, None, 50), None),
    ((10, 5, 15, 50), None),
    ((10, 5, 2**60, None), None),
]


@pytest.mark.parametrize(("counts", "tokens"), COUNTED, ids=str)
def test_thought_is_counted_once(counts: tuple[int, int, int | None, int | None], tokens: Tokens | None) -> None:
    given, made, total, thought = counts
    details = None if thought is None else {"reasoning_tokens": thought}
    chat = {"prompt_tokens": given, "completion_tokens": made, "completion_tokens_details": details}
    response = {"input_tokens": given, "output_tokens": made, "output_tokens_details": details}
    assert tokens_of(json.dumps(chat | {"total_tokens": total}).encode()) == tokens
    assert tokens_of_response(json.dumps(response | {"total_tokens": total}).encode()) == tokens
