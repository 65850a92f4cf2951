"""What a deployment cannot be told, in the words of whoever asked."""

from __future__ import annotations

import pytest

from detente.gateway.surfaces import SURFACES
from detente.providers.wire import Refusal

FORMAT = ("`response_format` states a schema, and Nova cannot enforce one", "response_format")


@pytest.mark.parametrize(
    ("path", "refusal", "message", "param"),
    [
        (b"/v1/chat/completions", FORMAT, *FORMAT),
        (b"/v1/responses", FORMAT, "`text.format` states a schema, and Nova cannot enforce one", "text.format"),
        (
            b"/v1/messages",
            FORMAT,
            "`output_config.format` states a schema, and Nova cannot enforce one",
            "output_config.format",
        ),
        (
            b"/v1/responses",
            ("`messages` hold a second result of the call `messages`: send one", "messages"),
            "`input` hold a second result of the call `input`: send one",
            "input",
        ),
        (b"/v1/responses", ("`messages[0].content` is odd", "messages.0"), "`input[0].content` is odd", "input.0"),
        (b"/v1/messages", ("`stop` has more than 4", None), "`stop_sequences` has more than 4", None),
        (
            b"/v1/responses",
            ("`verbosity` is not supported; leave it out: `lenient: [verbosity]`", "verbosity"),
            "`text.verbosity` is not supported; leave it out: `lenient: [verbosity]`",
            "text.verbosity",
        ),
        (b"/v1/messages", ("`stopped` is none", "tools"), "`stopped` is none", "tools"),
    ],
)
def test_members_are_named_as_the_caller_wrote_them(
    path: bytes, refusal: tuple[str, str | None], message: str, param: str | None
) -> None:
    found = SURFACES[path].worded(Refusal(*refusal))
    assert (found.message, found.param) == (message, param)
