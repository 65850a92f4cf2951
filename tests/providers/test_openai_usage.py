"""What a usage says, and how its caller is told it. Thought that is counted beside the reply is within its total."""

from __future__ import annotations

import json

import msgspec
import pytest

from detente.providers.openai_usage import tokens_of, tokens_of_response, told_usage, told_usage_of_response
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


SHAPED = [
    '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":null,"cost":"0.1"}',
    '{"prompt_tokens":3,"total_tokens":3}',  # of embeddings
    '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}',
    "null",
]
UNREADABLE = [
    '"many"',
    "1.5",
    "[]",
    "{}",
    "true",
    '{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}',
]
UNREADABLE += ['{"prompt_tokens":"x","completion_tokens":2}', '{"prompt_tokens":3.5,"completion_tokens":2.5}']
ODD = [
    '{"prompt_tokens":"3","completion_tokens":2.0}',
    '{"prompt_tokens":3,"completion_tokens":2,"completion_tokens_details":{"audio_tokens":"x"}}',
    '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":[]}',  # as PHP writes {}
    '{"prompt_tokens":3,"completion_tokens":2,"completion_tokens_details":[],"prompt_tokens_details":"x"}',
    '{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":"x","audio_tokens":[]}}',
]


def of_response(usage: str) -> bytes:
    """The same in the words of responses."""
    return usage.replace("prompt_", "input_").replace("completion_", "output_").encode()


@pytest.mark.parametrize("usage", SHAPED)
def test_a_usage_that_clients_can_read_is_told_as_it_came(usage: str) -> None:
    raw = msgspec.Raw(usage.encode())
    assert told_usage(raw)[1] is raw
    if "completion_tokens" in usage:
        raw = msgspec.Raw(of_response(usage))
        assert told_usage_of_response(raw)[1] is raw


@pytest.mark.parametrize("usage", UNREADABLE)
def test_one_that_nobody_can_read_is_told_as_null(usage: str) -> None:
    """Clients add its counts up, and would raise."""
    assert told_usage(msgspec.Raw(usage.encode())) == (None, msgspec.Raw(b"null"))
    assert told_usage_of_response(msgspec.Raw(of_response(usage))) == (None, msgspec.Raw(b"null"))


@pytest.mark.parametrize("usage", ODD)
def test_of_one_that_is_written_oddly_what_can_be_read_is_told(usage: str) -> None:
    tokens, told = told_usage(msgspec.Raw(usage.encode()))
    assert tokens == Tokens(3, 2)
    details = {"prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
    assert json.loads(bytes(told)) == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5} | details
    tokens, told = told_usage_of_response(msgspec.Raw(of_response(usage)))
    assert tokens == Tokens(3, 2)
    assert json.loads(bytes(told)) == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }


def test_of_details_what_can_be_read_is_told() -> None:
    """Of 3 tokens 1 came from a cache; how many were written to it cannot be read, which loses nothing of the rest."""
    odd = {"cached_tokens": "1", "cache_write_tokens": []}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": odd, "completion_tokens_details": 7}
    assert told_usage(msgspec.Raw(json.dumps(usage).encode()))[0] == Tokens(3, 2, 1)
    response = {"input_tokens": 3, "output_tokens": 2, "input_tokens_details": odd, "output_tokens_details": 7}
    assert told_usage_of_response(msgspec.Raw(json.dumps(response).encode()))[0] == Tokens(3, 2, 1)


@pytest.mark.parametrize("total", ["", ',"total_tokens":null'])
def test_a_total_that_is_missing_is_told(total: str) -> None:
    """3 and 2 are 5. Whatever else was stated stays: clients that know it read it."""
    usage = '{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"audio_tokens":1}' + total + "}"
    tokens, told = told_usage(msgspec.Raw(usage.encode()))
    assert (tokens, json.loads(bytes(told))) == (Tokens(3, 2), json.loads(usage) | {"total_tokens": 5})
    tokens, told = told_usage_of_response(msgspec.Raw(of_response(usage)))
    assert (tokens, json.loads(bytes(told))) == (Tokens(3, 2), json.loads(of_response(usage)) | {"total_tokens": 5})
