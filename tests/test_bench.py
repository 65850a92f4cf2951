"""The bench of the planner runs: it times functions by their names, which may have changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent.parent / "bench" / "planner.py"


def child(*what: str) -> Any:
    """The figures of one of its measurements, on the smallest size."""
    ran = subprocess.run([sys.executable, str(BENCH), "--child", *what], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_what_the_bench_times_is_there() -> None:
    found = child("build", "XS", "1", "1", "")
    assert found["columns"] > 0
    assert 0 < found["modelling"] <= found["formulate"] + found["assemble"]
