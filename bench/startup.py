"""Commands as a user runs them, from the shell: `detente --help`, `check` and `plan`.

    python bench/startup.py [--runs 5]

Wall-clock and CPU seconds of whole processes, the median of the runs after one that warms up; each also against the
same interpreter doing nothing (`python -c pass`), since machines differ.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from instance import ROOT, SIZES, write

ENTERPRISE = ROOT / "examples" / "enterprise"


def timed(command: list[str], runs: int) -> tuple[float, float]:
    """Median wall-clock and CPU seconds."""
    walls, works = [], []
    for _ in range(runs + 1):
        before, begin = os.times(), time.perf_counter()
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        walls.append(time.perf_counter() - begin)
        after = os.times()
        works.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if ran.returncode not in (0, 1):  # 1: an answer that is not "yes"
            raise SystemExit(f"`{' '.join(command)}` ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
    return statistics.median(walls[1:]), statistics.median(works[1:])


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--runs", type=int, default=5)
    runs = given.parse_args().runs
    detente = [sys.executable, "-m", "detente"]
    with tempfile.TemporaryDirectory() as folder:
        small = str(write(SIZES["S"].case(), Path(folder) / "S"))
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "detente --help": [*detente, "--help"],
            "detente check S": [*detente, "check", small],
            "detente plan S": [*detente, "plan", small],
        }
        if ENTERPRISE.is_dir():
            commands["detente check examples/enterprise"] = [*detente, "check", str(ENTERPRISE)]
        header = f"{'command':<36}{'wall s':>9}{'CPU s':>9}{'x nothing':>11}"
        print(f"  {header}\n  {'-' * len(header)}")
        nothing = 0.0
        for name, command in commands.items():
            wall, work = timed(command, runs)
            nothing = nothing or wall
            print(f"  {name:<36}{wall:>9.3f}{work:>9.3f}{wall / nothing:>11.1f}", flush=True)


if __name__ == "__main__":
    main()
