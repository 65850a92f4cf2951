"""The model: its answers follow from the prompt, the settings and the seed, and its counts can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from detente.sandbox import embedding
from detente.sandbox.ask import Ask, Tool
from detente.sandbox.cache import MIN_TOKENS, STEP, Kept, PrefixCache, Replies
from detente.sandbox.played_model import generate, markers
from detente.sandbox.tokens import count, cut, pieces

CITY = Tool("city", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
asks = st.builds(
    Ask,
    prompt=st.text(max_size=40),
    last=st.sampled_from(["", "Hello", "sandbox:tool", "sandbox:tools", "sandbox:tokens=40", "sandbox:echo Hé"]),
    tools=st.sampled_from([(), (CITY,), (CITY, Tool("other", {"type": "object"}))]),
    forced=st.just(None),
    parallel=st.booleans(),
    schema=st.sampled_from([None, {}, {"type": "object", "properties": {"n": {"type": "integer"}}}]),
    most=st.one_of(st.none(), st.integers(1, 60)),
    stop=st.sampled_from([(), (".",)]),
    n=st.integers(1, 3),
    reasoning=st.sampled_from([None, "low", "high", "none"]),
)


@given(asks, st.integers(0, 9))
def test_an_answer_keeps_to_what_was_asked(ask: Ask, seed: int) -> None:
    choices = generate(ask, seed)
    assert choices == generate(ask, seed)
    assert len(choices) == ask.n
    for choice in choices:
        assert ask.most is None or choice.tokens <= ask.most
        assert sum(beat.tokens for beat in choice.beats()) == choice.tokens
        assert (choice.finish == "tools") <= bool(choice.calls)
        assert len(choice.calls) <= (2 if ask.parallel else 1)
        if choice.finish == "stopped":
            assert "." not in choice.text


@given(st.text(max_size=50), st.integers(0, 20))
def test_a_token_is_four_characters(text: str, most: int) -> None:
    assert "".join(pieces(text)) == text
    assert len(list(pieces(text))) == count(text)
    assert count(cut(text, most)) == min(most, count(text))


def test_markers_ask_for_a_kind_of_answer() -> None:
    ask = Ask("x", last="please sandbox:tokens=40 and sandbox:tool=city, not sandbox:toolbox")
    assert markers(ask) == {"tokens": "40", "tool": "city"}
    assert generate(ask, 0)[0].tokens == 40
    assert generate(replace(ask, last="sandbox:echo this"), 0)[0].text == "sandbox:echo this"
    assert generate(replace(ask, last="sandbox:filtered-reply"), 0)[0].finish == "filtered"
    assert generate(replace(ask, last="x" * 9), 0)[0].finish == "stop"


def test_a_tool_is_called_again_after_each_result_so_many_times() -> None:
    tool = Tool("look", {"type": "object", "properties": {}})
    prompt, made = "Work sandbox:tool=look:3", []
    for _ in range(5):
        (choice,) = generate(Ask(prompt, last=prompt if "look{" not in prompt else "", tools=(tool,)), 0)
        made.append([call.name for call in choice.calls])
        prompt += "\nlook{}\nfound"
    assert made == [["look"], ["look"], ["look"], [], []]
    assert not generate(Ask("sandbox:tool=look:3", tools=(tool,), barred=True), 0)[0].calls
    assert not generate(Ask("sandbox:tool=other:3", tools=(tool,)), 0)[0].calls


@given(st.text("ab", min_size=0, max_size=200), st.integers(1, 300), st.integers(1, 256))
def test_vectors_have_length_one_and_begin_alike(text: str, long: int, short: int) -> None:
    found = embedding.vector("m", text, long)
    assert abs(sum(x * x for x in found) - 1) < 1e-5
    part = embedding.vector("m", text, min(short, long))
    scale = sum(x * x for x in found[: len(part)]) ** 0.5
    assert all(abs(x - y / scale) < 1e-4 for x, y in zip(part, found, strict=False))


@given(st.integers(0, 3 * MIN_TOKENS * 4), st.integers(0, 3 * MIN_TOKENS * 4))
def test_a_beginning_that_was_read_is_cached_in_steps(common: int, rest: int) -> None:
    cache = PrefixCache()
    assert cache.read("x" * common + "y" * rest) == 0
    cached = cache.read("x" * common + "z" * rest)
    assert cached % STEP == 0
    shared = common // (4 * STEP) * STEP
    assert cached == (shared if shared >= MIN_TOKENS else 0) or (rest == 0 and cached <= common)


def test_replies_are_remembered_within_bounds() -> None:
    replies = Replies()
    for at in range(1_200):
        replies.keep(f"r{at}", Kept(b"", "x"))
    assert replies.get("r199") is None
    assert replies.get("r200") is not None
    replies.keep("large", Kept(b"", "x" * 31_999_900))
    assert replies.get("r200") is None
    assert replies.get("r1199") is not None
    replies.keep("larger", Kept(b"", "x" * 32_000_001))
    assert replies.get("larger") is None
    assert replies.drop("large")
    assert not replies.drop("large")
