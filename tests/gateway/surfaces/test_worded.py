"""What a deployment cannot be told, in the words of whoever asked."""

from __future__ import annotations

import pytest

from detente.gateway.surfaces import SURFACES
from detente.providers.wire import Refusal

SCHEMA = "states a schema, and Nova cannot enforce one"


@pytest.mark.parametrize(
    ("path", "refusal", "message", "param"),
    [
        (
            b"/v1/chat/completions",
            Refusal.of("response_format", SCHEMA),
            f"`response_format` {SCHEMA}",
            "response_format",
        ),
        (b"/v1/responses", Refusal.of("response_format", SCHEMA), f"`text.format` {SCHEMA}", "text.format"),
        (
            b"/v1/messages",
            Refusal.of("response_format", SCHEMA),
            f"`output_config.format` {SCHEMA}",
            "output_config.format",
        ),
        (
            b"/v1/chat/completions",
            Refusal.of("messages", "holds an image").at("[2]"),
            "`messages[2]` holds an image",
            "messages[2]",
        ),
        (
            b"/v1/responses",
            Refusal.of("messages", "holds a second result of the call `messages`: send one").at("[2]"),
            "`input` holds a second result of the call `messages`: send one",  # so a caller called it
            "input",
        ),
        (
            b"/v1/responses",
            Refusal.of("messages[0].content", "is odd", "messages[0]"),
            "`input[0].content` is odd",
            "input[0]",
        ),
        (
            b"/v1/messages",
            Refusal.of("stop", "has more than 4").adding("; send 4"),
            "`stop_sequences` has more than 4; send 4",
            "stop_sequences",
        ),
        (
            b"/v1/responses",
            Refusal.of("verbosity", "is not supported; leave it out: `lenient: [verbosity]`"),
            "`text.verbosity` is not supported; leave it out: `lenient: [verbosity]`",
            "text.verbosity",
        ),
        (
            b"/v1/messages",
            Refusal("`thinking.budget_tokens` is 2000").adding(", or wait", leaving="reasoning_effort"),
            "`thinking.budget_tokens` is 2000; leave `thinking` out, or wait",
            None,
        ),
        (
            b"/v1/responses",
            Refusal.of("reasoning_effort", "is `low`").adding(", or wait", leaving="reasoning_effort").adding("; x"),
            "`reasoning.effort` is `low`; leave `reasoning.effort` out, or wait; x",
            "reasoning.effort",
        ),
        (
            b"/v1/chat/completions",
            Refusal.of("reasoning_effort", "is `low`").adding(", or wait", leaving="reasoning_effort"),
            "`reasoning_effort` is `low`; leave `reasoning_effort` out, or wait",
            "reasoning_effort",
        ),
        (b"/v1/messages", Refusal.of("stopped", "is none", "tools"), "`stopped` is none", "tools"),
        (b"/v1/messages", Refusal("`stop` is a caller's own word"), "`stop` is a caller's own word", None),
    ],
)
def test_members_are_named_as_the_caller_wrote_them(
    path: bytes, refusal: Refusal, message: str, param: str | None
) -> None:
    found = refusal.worded(SURFACES[path].words)
    assert (found.message, found.param) == (message, param)
