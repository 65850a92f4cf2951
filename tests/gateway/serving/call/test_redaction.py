"""Our own credential in what a provider says: whichever way JSON spells it, it is not there afterwards."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.serving.call.redaction import SHORTEST, STRUCK, sought, struck_bytes

LETTERS = [chr(letter) for letter in range(0x21, 0x7F)]


@st.composite
def spelled(draw: st.DrawFn, secret: str) -> str:
    """A secret within a string of JSON: each letter as it is where that is allowed, or escaped."""
    found = []
    for letter in secret:
        ways = [f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]
        ways += [letter] if letter not in '"\\' else []
        ways += [f"\\{letter}"] if letter in '/"\\' else []
        found.append(draw(st.sampled_from(ways)))
    return "".join(found)


@settings(max_examples=100)
@given(st.data())
def test_a_secret_is_struck_however_json_spells_it(data: st.DataObject) -> None:
    secret = data.draw(st.text(LETTERS, min_size=SHORTEST, max_size=16))
    before, after = data.draw(st.sampled_from([("", ""), ("caf\\u00e9 ", "\\n"), ("\\\\", "u0041")]))
    said = f'{{"content":"{before}{data.draw(spelled(secret))}{after}"}}'
    assert secret in json.loads(said)["content"]
    assert json.loads(struck_bytes(said.encode(), sought((secret,)))) == json.loads(
        f'{{"content":"{before}{STRUCK}{after}"}}'
    )


def test_what_is_no_secret_is_left_as_it_is() -> None:
    behind = rb'{"content":"\\u0041bcdefgh"}'  # a backslash, and letters that only look like an escape
    assert struck_bytes(behind, sought(("Abcdefgh",))) == behind
    said = rb'{"content":"https:\/\/a.b\/c \u00e9 sk\/ab\u002bcd"}'
    assert struck_bytes(said, sought(("sk/ab+cd=ef.gh_ij", "short"))) == said
