"""Why a body cannot be read: the place of what is wrong."""

from __future__ import annotations

import pytest

from detente.gateway.surfaces.chat import members_of
from detente.providers.wire import Refusal

BODIES: dict[str, tuple[bytes, str | None, str]] = {
    "a lone surrogate": (
        b'{"messages": [{"role": "user"}, {"content": [{"text": "bad \\ud83d end"}]}]}',
        "messages[1].content[0].text",
        "`\\ud83d`, at character 4: send both halves",
    ),
    "a name that is one": (b'{"model": "\\udc00"}', "model", "at character 0"),
    "bytes that are no UTF-8": (b'{"model": "\xff"}', None, "byte 11 is no UTF-8"),
    "half a body": (b'{"model": ', None, "at byte 10"),
    "no number": (b'{"a": "\xc3\xa9 \\" NaN", "temperature": NaN}', None, "`NaN` at byte 34 is no JSON"),
    "no end": (b'{"a": [-Infinity], "b": "\\ud83d"}', None, "`-Infinity` at byte 7 is no JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"model": "m"}', None, "begins with a byte order mark (bytes 0 to 2)"),
    "another encoding": ('{"model": "m"}'.encode("utf-16"), None, "byte 0 is no UTF-8"),
    "a name and a long number": (
        b'{"n": ' + b"9" * 5000 + b', "model": "\\udc00"}',
        "model",
        "at character 0",
    ),
    "a list": (b"[]", None, "the body is not a JSON object"),
    "nothing": (b"", None, "the body is not a JSON object"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read_names_the_place(name: str) -> None:
    body, param, words = BODIES[name]
    with pytest.raises(Refusal) as caught:
        members_of(body)
    assert caught.value.param == param
    assert words in caught.value.message
