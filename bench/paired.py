"""Two checkouts of the project against each other, figure by figure, in turn: what has a change made slower?

    git worktree add ../before REVISION
    python bench/paired.py ../before [--rounds 5] [--sizes S,M10] [--only build,plan,commands,gateway]

Each figure is measured in a process of its own, the other checkout's and this one's in turn, so that a slow minute of
the machine meets both. A figure is CPU seconds, and its ratio is the median of those of the rounds: above 1, this
checkout is slower. Both plan to the gap that the other reaches, since a search that goes on to a smaller gap is another
answer. The gateway's figure is its CPU time a call over that of the floor of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent.parent
PARTS = ("build", "plan", "commands", "gateway")


@dataclass(frozen=True)
class Figure:
    """One figure of both checkouts: ``measure`` takes one, and what the other said, which is asked first."""

    name: str
    measure: Callable[[Path, Any], tuple[float, Any]]


def run(tree: Path, *command: str) -> str:
    """What a process of that checkout prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(tree)
    given = [sys.executable, *command]
    ran = subprocess.run(given, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1):  # 1: an answer that is not "yes"
        raise SystemExit(f"`{' '.join(given)}` in {tree} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
    return ran.stdout


def child(tree: Path, *args: object) -> dict[str, Any]:
    """The figures of ``bench/planner.py`` in that checkout."""
    found: dict[str, Any] = json.loads(run(tree, "bench/planner.py", "--child", *map(str, args)).splitlines()[-1])
    return found


def building(sizes: Iterable[str]) -> Iterator[Figure]:
    """Formulating a case and handing it over to the solver."""
    for size in sizes:
        for phase in ("formulate", "assemble"):

            def measure(tree: Path, _: Any, size: str = size, phase: str = phase) -> tuple[float, None]:
                return child(tree, "build", size, 1, 1, "")[phase], None

            yield Figure(f"{size}: {phase}", measure)


def planning(sizes: Iterable[str]) -> Iterator[Figure]:
    """From the case to the plan, to the gap that the other checkout reaches."""
    for size in sizes:

        def measure(tree: Path, gap: float | None, size: str = size) -> tuple[float, float]:
            found = child(tree, "plan", size, 1) if gap is None else child(tree, "plan", size, 1, max(gap, 1e-6))
            return found["total"], found["gap"]

        yield Figure(f"{size}: plan", measure)


def commands() -> Iterator[Figure]:
    """Whole processes, from the shell."""
    for args in (["--help"], ["check", "examples/enterprise"], ["check", "examples/frontier-lab"]):

        def measure(tree: Path, _: Any, args: list[str] = args) -> tuple[float, None]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run(tree, "-m", "detente", *args)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, None

        yield Figure(" ".join(["detente", *args]), measure)


def serving() -> Iterator[Figure]:
    """A call's CPU time over the floor's: chat, passed through."""

    def measure(tree: Path, _: Any) -> tuple[float, None]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "figures.json"
            run(tree, "bench/gateway/run.py", "--quick", "--only", "throughput", "--peers", "floor", "--json", str(out))
            each = json.loads(out.read_text(encoding="utf-8"))["micros"]
        return median(each["detente"]) / median(each["floor"]), None

    yield Figure("gateway: a call over the floor", measure)


def compare(figure: Figure, other: Path, rounds: int) -> None:
    """Print one line: medians of both, the median of the ratios, the least and the largest."""
    before, after = [], []
    for turn in range(rounds + 1):
        first, said = figure.measure(other, None)
        second, _ = figure.measure(HERE, said)
        if turn:  # the first warms up
            before.append(first)
            after.append(second)
    ratios = [b / a for a, b in zip(before, after, strict=True)]
    line = f"  {figure.name:<36}{median(before):>10.3f}{median(after):>10.3f}{median(ratios):>8.2f}"
    print(f"{line}   {min(ratios):.2f} to {max(ratios):.2f}", flush=True)


def main() -> None:
    """Print a line a figure."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("other", type=Path, help="another checkout, with what the tests need in this environment")
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument("--sizes", default="S,M10")
    given.add_argument("--only", default=",".join(PARTS), help=f"of: {', '.join(PARTS)}")
    asked = given.parse_args()
    sizes, parts = asked.sizes.split(","), asked.only.split(",")
    makers: dict[str, Callable[[], Iterator[Figure]]] = {
        "build": lambda: building(sizes),
        "plan": lambda: planning(sizes),
        "commands": commands,
        "gateway": serving,
    }
    header = f"{'figure':<36}{'other':>10}{'this':>10}{'ratio':>8}   of the rounds"
    print(f"  {header}\n  {'-' * len(header)}")
    for figure in chain.from_iterable(makers[part]() for part in parts):
        compare(figure, asked.other.resolve(), asked.rounds)


if __name__ == "__main__":
    main()
