"""What holds for every connection of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detente.gateway.http import protocol


@pytest.fixture(autouse=True, scope="module")
def _hasty() -> Iterator[None]:
    """A refused connection is closed at once, and not after the time in which its caller reads the refusal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "LINGER", 0.0)
        yield
