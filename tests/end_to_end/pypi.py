"""Clients that come from PyPI, in environments of their own: they agree with neither each other nor the tests.

Owns: where they are, and running one of ``packages`` against a gateway. Not here: what is asked of them, and installing
them (``make clients``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.serving import ROOT
from tests.waiting import PATIENCE

ENOUGH = 5 * PATIENCE
"""Seconds for some fifty calls, and to import what they are made with."""
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""LiteLLM asks the world for prices while it is imported, unless it is told not to."""


def interpreter(environment: str) -> Path:
    """The Python of an environment. Skips the test where it is not installed."""
    found = Path(sys.prefix) / environment / "bin" / "python"
    if not found.exists():
        pytest.skip(f"{environment} are not installed: `make clients`")
    return found


def run(environment: str, module: str, **told: str) -> str:
    """What a module of ``packages`` prints, which ends well."""
    program = [str(interpreter(environment)), "-W", "ignore", "-m", f"tests.end_to_end.packages.{module}"]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "NO_PROXY": "127.0.0.1", **QUIET, **told}
    done = subprocess.run(
        program, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=ENOUGH, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout.decode().splitlines()[-1]
