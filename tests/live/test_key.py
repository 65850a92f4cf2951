"""Keys: what is shown once, what a case holds of it, and that nothing else opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detente.live.key import SECRET_BYTES, Key, hash_of, make, opens

IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
RANDOM = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


def key(name: str, secret: str) -> Key:
    return Key(id=name, workload="chat", hash=hash_of(secret))


@given(IDS, RANDOM, IDS, RANDOM)
def test_a_key_opens_itself_and_no_other(a: str, first: bytes, b: str, second: bytes) -> None:
    mine, theirs = make(a, first), make(b, second)
    known = {a: key(a, mine)}
    assert opens(known, mine) is known[a]
    assert (opens(known, theirs) is known[a]) == (theirs == mine)
    assert opens({b: key(b, theirs)} | known, mine) is known[a]


@given(IDS, RANDOM, st.data())
def test_a_key_that_is_changed_anywhere_does_not_open(name: str, random: bytes, data: st.DataObject) -> None:
    secret = make(name, random)
    at = data.draw(st.integers(0, len(secret) - 1))
    other = data.draw(st.characters(codec="latin-1").filter(lambda c: c != secret[at]))
    known = {name: key(name, secret)}
    for wrong in (secret[:at] + other + secret[at + 1 :], secret[:at], secret + other, f" {secret}"):
        assert opens(known, wrong) is None


@given(st.text(max_size=80))
def test_any_text_is_looked_at_without_error(presented: str) -> None:
    assert opens({"chat-key": key("chat-key", make("chat-key", bytes(32)))}, presented) is None


def test_a_key_is_one_word_that_a_header_may_hold_and_names_its_id() -> None:
    secret = make("a_b.c-d", bytes(range(224, 256)))
    assert secret == "dtk_a_b.c-d_4OHi4-Tl5ufo6err7O3u7.Dx8vP09fb3-Pn6-.z9.v8"
    assert opens({"a_b.c-d": key("a_b.c-d", secret)}, secret) is not None


def test_a_case_holds_the_hash_and_never_the_key() -> None:
    secret = make("chat-key", b"\x07" * 32)
    held = key("chat-key", secret)
    assert secret not in repr(held) + str(held) + held.model_dump_json()
    with pytest.raises(ValidationError):
        Key(id="chat-key", workload="chat", hash=secret)
    with pytest.raises(ValidationError):
        Key(id="chat-key", workload="chat", hash="sha256:" + "0" * 63)


def test_the_hash_of_nobody_opens_nothing() -> None:
    """The dummy that an unknown id is compared with is no way in."""
    assert opens({}, "") is None
    assert opens({}, "dtk_nobody_x") is None
