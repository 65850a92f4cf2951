"""Names in a JSON text, found without parsing it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from detente.providers.quoted import quoted

holds = quoted("tool_calls", "a+b")


@given(st.text(), st.booleans())
def test_no_text_can_look_like_a_member(said: str, named: bool) -> None:
    body = [{"content": f'"tool_calls": {said} "a+b"'}, {"tool_calls" if named else "tool_call": []}]
    assert bool(holds(json.dumps(body).encode())) is named


def test_a_name_is_no_pattern() -> None:
    assert holds(b'{"a+b": 1}')
    assert not holds(b'{"aab": 1}')
