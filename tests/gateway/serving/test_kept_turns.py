"""Turns that are kept: found by whoever made them, on any worker, within their bounds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.serving.kept_turns import NOTHING_KEPT, KeptTurns
from detente.gateway.surfaces.surface import KeptTurn
from detente.live.serving import KeptResponses

BOUNDS = KeptResponses(count=3, bytes=100, age="10 s")  # type: ignore[arg-type]  # as a case writes it


def turn(name: str, previous: str = "", size: int = 10) -> KeptTurn:
    return KeptTurn(name, previous, b"i" * (size // 2), b"r" * (size - size // 2))


def names(kept: KeptTurns, name: str, now: float, key: str = "k") -> list[str]:
    return [found.id for found in kept.recall(key, name, BOUNDS, now)]


def test_a_conversation_is_found_whole_by_its_key_on_any_worker_and_by_nobody_else(tmp_path: Path) -> None:
    one, other = KeptTurns(tmp_path / "turns"), KeptTurns(tmp_path / "turns")
    one.keep("k", turn("a"), BOUNDS, 1.0)
    other.keep("k", turn("b", "a"), BOUNDS, 2.0)
    one.keep("k", turn("c", "a"), BOUNDS, 3.0)
    assert names(one, "b", 4.0) == ["a", "b"] == names(other, "b", 4.0)
    assert names(other, "c", 4.0) == ["a", "c"]
    assert one.recall("k", "b", BOUNDS, 4.0)[1] == turn("b", "a")
    assert names(one, "b", 4.0, key="another") == []
    one.keep("another", turn("d", "b"), BOUNDS, 4.0)  # what it builds on is not its own
    assert names(one, "d", 4.0, key="another") == []
    one.close()
    other.close()


def test_what_is_deleted_is_gone_and_so_is_what_builds_on_it(tmp_path: Path) -> None:
    kept = KeptTurns(tmp_path / "turns")
    kept.keep("k", turn("a"), BOUNDS, 1.0)
    kept.keep("k", turn("b", "a"), BOUNDS, 1.0)
    kept.forget("another", "a")
    assert names(kept, "b", 1.0) == ["a", "b"]
    kept.forget("k", "a")
    assert names(kept, "a", 1.0) == names(kept, "b", 1.0) == []
    kept.close()


def test_what_is_built_on_stays_and_what_is_not_goes(tmp_path: Path) -> None:
    """Ten seconds after its last use."""
    kept = KeptTurns(tmp_path / "turns")
    kept.keep("k", turn("a"), BOUNDS, 0.0)
    kept.keep("k", turn("b", "a"), BOUNDS, 5.0)
    assert names(kept, "b", 9.0) == ["a", "b"]
    assert names(kept, "b", 18.9) == ["a", "b"]  # nine seconds after it was built on
    assert names(kept, "b", 28.9) == []
    kept.close()


def test_a_key_takes_no_more_than_its_bounds_and_nobody_elses(tmp_path: Path) -> None:
    kept = KeptTurns(tmp_path / "turns")
    kept.keep("other", turn("o"), BOUNDS, 0.0)
    for at, name in enumerate("abcd"):
        kept.keep("k", turn(name), BOUNDS, float(at))
    assert [name for name in "abcd" if names(kept, name, 4.0)] == ["b", "c", "d"]  # three of them
    kept.keep("k", turn("e", size=85), BOUNDS, 5.0)  # 85 and 10 bytes are within 100
    assert [name for name in "abcde" if names(kept, name, 5.0)] == ["d", "e"]
    kept.keep("k", turn("f", size=101), BOUNDS, 6.0)
    assert names(kept, "f", 6.0) == []
    assert names(kept, "o", 6.0, key="other") == ["o"]
    kept.close()


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(st.tuples(st.sampled_from("kl"), st.integers(1, 60), st.integers(0, 4)), max_size=25),
    count=st.integers(1, 4),
    most=st.integers(1, 120),
)
def test_bounds_hold_whatever_is_kept(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, int, int]], count: int, most: int
) -> None:
    """The newest that fit, by a model in a few lines: newest first, while both bounds hold."""
    bounds = KeptResponses(count=count, bytes=most)
    kept = KeptTurns(tmp_path_factory.mktemp("kept") / "turns")
    model: dict[str, list[tuple[str, int]]] = {"k": [], "l": []}
    for at, (key, size, _) in enumerate(turns):
        kept.keep(key, turn(f"{at:03}", size=size), bounds, float(at))
        newest: list[tuple[str, int]] = []
        bytes_ = 0
        for name, held in [(f"{at:03}", size), *model[key]]:
            bytes_ += held
            if bytes_ > most or len(newest) == count:
                break
            newest.append((name, held))
        model[key] = newest
    if kept._opened is not None:
        found = kept._opened.execute("select key, id from turns order by id desc").fetchall()
        assert sorted(found) == sorted((key, name) for key, held in model.items() for name, _ in held)
    kept.close()


def test_nothing_is_kept_without_a_file_or_where_a_case_says_so(tmp_path: Path) -> None:
    never = KeptResponses(age="0 s")  # type: ignore[arg-type]
    kept = KeptTurns(tmp_path / "turns")
    assert kept.keeps(BOUNDS)
    assert not kept.keeps(never)
    assert not NOTHING_KEPT.keeps(BOUNDS)
    assert NOTHING_KEPT.recall("k", "a", BOUNDS, 0.0) == () == kept.recall("k", "a", never, 0.0)
    with pytest.raises(sqlite3.Error):
        NOTHING_KEPT.keep("k", turn("a"), BOUNDS, 0.0)
    assert list(tmp_path.iterdir()) == []
