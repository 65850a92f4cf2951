"""What decoding of JSON raises is said once, and is all of it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from detente.providers.unreadable import UNREADABLE

PACKAGE = Path(__file__).parents[2] / "detente"


@pytest.mark.parametrize("said", [b"{", b"[1e999]", b'"\xff"', '"\ud800"', b"[" * 100_000])
def test_it_is_raised_of_whatever_cannot_be_read(said: bytes | str) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(said)


def test_nobody_lists_it_anew() -> None:
    listed = re.compile(r"\(msgspec\.DecodeError, (?:Unicode|Recursion)")
    texts = {str(file.relative_to(PACKAGE)): file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}
    assert [name for name, text in texts.items() if listed.search(text)] == ["providers/unreadable.py"]
