"""Where real data lie, beside the project and never in it: a test that reads some is skipped where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("DETENTE_DATA") or Path(__file__).parents[2] / "shared" / "data")


def needs(path: Path) -> pytest.MarkDecorator:
    """The mark of tests that read a file or folder of the real data."""
    return pytest.mark.skipif(not path.exists(), reason="the real data are not here; set DETENTE_DATA to their folder")
