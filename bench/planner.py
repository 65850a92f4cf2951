"""The planner's speed and memory by size, and against linopy building the same model.

    python bench/planner.py [--sizes XS,S,S3,M10,M] [--seed 1] [--runs 3]

Each figure is measured in a process of its own. Times are CPU seconds (the solver runs on one thread), the least of
the runs; memory is the process's peak (VmHWM). M is built and handed over, not solved: `--solve M` solves it too.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detente.case.case import Case

SOLVED = ("XS", "S", "S3", "M10")
Figures = dict[str, Any]


# -- what runs in a process of its own ------------------------------------------------------------------------------
def _case(size: str, seed: int) -> Case:
    from instance import SIZES

    from detente.case.case import Case

    return Case.of(SIZES[size].case(seed))


def _peak() -> float:
    """Peak resident memory of this process, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Clock:
    """CPU time spent inside some functions, however they call each other."""

    def __init__(self) -> None:
        self.seconds, self.depth, self.since, self.calls = 0.0, 0, 0.0, 0

    def reset(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def net(self) -> float:
        """The time less the clock's own: what it counts for as many calls that do nothing."""
        idle = _Clock()
        nothing = idle._timed(lambda: None)
        for _ in range(self.calls):
            nothing()
        return self.seconds - idle.seconds

    def around(self, owner: Any, *names: str) -> None:
        for name in names:
            setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            if not self.depth:
                self.calls += 1
                self.since = time.process_time()
            self.depth += 1
            try:
                return function(*args, **named)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.process_time() - self.since

        return timed


def child_build(size: str, seed: int, runs: int, arrays: str) -> Figures:
    """Formulate and hand over, several times; then keep what was handed over."""
    from detente.planner.formulation import capacity
    from detente.planner.formulation.draft import Draft
    from detente.planner.formulation.expression import Expr
    from detente.planner.formulation.formulate import formulate
    from detente.planner.formulation.program import LinearProgram
    from detente.planner.formulation.shaping import Shaping
    from detente.planner.solving.model import Model

    case = _case(size, seed)
    modelling = _Clock()
    modelling.around(LinearProgram, "columns", "require", "fix_at_zero", "charge")
    modelling.around(Draft, "define_demand", "grouped", "use_of", "standby_of")
    modelling.around(capacity, "_bought", "_limit")
    modelling.around(Shaping, "_measured", "_units_measured")
    modelling.around(Expr, "__add__", "__sub__", "__mul__", "lag")
    modelling.around(Model, "__init__")
    times = []
    for _ in range(runs):
        case.__dict__.pop("demand", None)  # a cached property: each run starts from the declared case
        modelling.reset()
        begin = time.process_time()
        draft = formulate(case)
        between = time.process_time()
        model = Model(draft.program)
        end = time.process_time()
        times.append((between - begin, end - between, modelling.net()))
    program = draft.program
    import numpy as np

    if arrays:
        lp = model.highs.getLp()
        matrix = lp.a_matrix_
        np.savez(
            arrays,
            cost=lp.col_cost_,
            low=lp.col_lower_,
            high=lp.col_upper_,
            row_low=lp.row_lower_,
            row_high=lp.row_upper_,
            start=np.array(matrix.start_, dtype=np.int32),
            index=np.array(matrix.index_, dtype=np.int32),
            value=matrix.value_,
        )
    return {
        "columns": program.n,
        "rows": program.m,
        "nonzeros": len(model.matrix.value),
        "whole": int(model.integer.sum()),
        "formulate": min(t[0] for t in times),
        "assemble": min(t[1] for t in times),
        "modelling": min(t[2] for t in times),
    }


def child_hold(size: str, seed: int) -> Figures:
    """Peak memory of formulating and handing over, once."""
    from detente.planner.formulation.formulate import formulate
    from detente.planner.solving.model import Model

    model = Model(formulate(_case(size, seed)).program)
    return {"peak": _peak(), "columns": model.program.n}


def child_arrays(arrays: str) -> Figures:
    """Peak memory of the same imports, and HiGHS with the same model from ready arrays."""
    import highspy
    import numpy as np

    import detente.case.case
    import detente.planner.formulation.formulate  # noqa: F401

    given = np.load(arrays)
    columns, rows = len(given["cost"]), len(given["row_low"])
    parts = {name: given[name] for name in given.files}
    highs: Any = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.passModel(
        columns,
        rows,
        len(parts["value"]),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        *(parts[name] for name in ("cost", "low", "high", "row_low", "row_high", "start", "index", "value")),
        np.zeros(columns, dtype=np.int32),
    )
    ready = sum(part.nbytes for part in parts.values()) / 2**20
    return {"peak": _peak() - ready, "ready": ready}


def child_linopy(size: str, seed: int, runs: int) -> Figures:
    """The same model with linopy, from ready labelled arrays."""
    import _linopy

    from detente.planner.formulation.formulate import formulate
    from detente.planner.solving.model import Model

    draft = formulate(_case(size, seed))
    given = _linopy.data(draft, Model(draft.program))
    times = []
    for _ in range(runs):
        begin = time.process_time()
        highs = _linopy.build(given)
        times.append(time.process_time() - begin)
    return {
        "columns": highs.getNumCol(),
        "rows": highs.getNumRow(),
        "nonzeros": highs.getNumNz(),
        "build": min(times),
    }


def child_plan(size: str, seed: int, gap: str = "") -> Figures:
    """Everything from the case in memory to the plan, by phase; to a gap, or to the program's own default."""
    from detente.planner.solve import plan
    from detente.planner.study import GAP
    from detente.results.plan import Plan

    case = _case(size, seed)
    marks: list[tuple[str, float]] = []
    wanted = float(gap) if gap else GAP
    found = plan(case, gap=wanted, progress=lambda text: marks.append((text.split()[0], time.process_time())))
    marks.append(("end", time.process_time()))
    if not isinstance(found, Plan):
        raise SystemExit(f"{size}: no plan obeys every clause: {found}")
    at = dict(reversed(marks))
    return {
        "build": at["solving"] - at["formulating"],
        "solve": at["billing"] - at["solving"],
        "bill": at["end"] - at["billing"],
        "total": at["end"] - at["formulating"],
        "status": found.status,
        "gap": float(found.gap),
        "cost": float(found.cost),
        "unserved": float(found.unserved_cost),
        "peak": _peak(),
    }


# -- the table ------------------------------------------------------------------------------------------------------
def measure(what: str, *args: object) -> Figures:
    """Run one of the above in a new process."""
    command = [sys.executable, __file__, "--child", what, *map(str, args)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"`{' '.join(command)}` failed:\n{ran.stderr}")
    figures: Figures = json.loads(ran.stdout.strip().splitlines()[-1])
    return figures


def exponent(points: list[tuple[float, float]]) -> float:
    """Slope of log(time) over log(columns): 1 is linear growth."""
    logs = [(math.log(x), math.log(max(y, 1e-3))) for x, y in points]
    mean_x, mean_y = (sum(p[i] for p in logs) / len(logs) for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread


def show(title: str, header: str, rows: list[str]) -> None:
    print(f"{title}\n\n  {header}")
    print("  " + "-" * len(header))
    for row in rows:
        print(f"  {row}")
    print(flush=True)


def report(sizes: list[str], solved: set[str], seed: int, runs: int) -> None:
    built: dict[str, Figures] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            arrays = f"{folder}/{size}.npz"
            figures = built[size] = measure("build", size, seed, runs, arrays)
            held, ready = measure("hold", size, seed), measure("arrays", arrays)
            above = (held["peak"] - ready["peak"]) * 2**20 / figures["columns"]
            rows.append(
                f"{size:<5}{figures['columns']:>10,}{figures['rows']:>10,}{figures['nonzeros']:>12,}{figures['whole']:>7,}"
                f"{figures['formulate']:>11.2f}{figures['assemble']:>10.2f}{figures['modelling']:>11.2f}"
                f"{held['peak']:>10.0f}{above:>10.0f}"
            )
            Path(arrays).unlink()
    header = (
        f"{'size':<5}{'columns':>10}{'rows':>10}{'nonzeros':>12}{'whole':>7}"
        f"{'formulate':>11}{'assemble':>10}{'modelling':>11}{'peak MB':>10}{'B/column':>10}"
    )
    show(
        "Building: CPU seconds from the case to HiGHS; peak memory, and bytes a column above the solver's own",
        header,
        rows,
    )

    rows = []
    for size in sizes:
        other, own = measure("linopy", size, seed, runs), built[size]
        if any(other[k] != own[k] for k in ("columns", "rows", "nonzeros")):
            raise SystemExit(f"{size}: linopy's model is another: {other} against {own}")
        whole = own["formulate"] + own["assemble"]
        asked = whole - own["modelling"]
        rows.append(
            f"{size:<5}{other['build']:>9.2f}{own['modelling']:>11.2f}{other['build'] / own['modelling']:>8.1f}"
            f"{asked + other['build']:>16.2f}{whole:>11.2f}{(asked + other['build']) / whole:>8.1f}"
        )
    header = f"{'size':<5}{'linopy':>9}{'ours':>11}{'ratio':>8}{'with linopy':>16}{'ours':>11}{'ratio':>8}"
    show("The same model with linopy: from ready arrays to HiGHS, and from the case to HiGHS", header, rows)

    plans: dict[str, Figures] = {}
    rows = []
    for size in (s for s in sizes if s in solved):
        figures = plans[size] = measure("plan", size, seed)
        rows.append(
            f"{size:<5}{built[size]['columns']:>10,}{figures['build']:>8.2f}{figures['solve']:>9.2f}{figures['bill']:>9.2f}"
            f"{figures['total']:>9.2f}{figures['peak']:>10.0f}  {figures['status']:<9}{figures['gap']:>10.4%}"
        )
    header = f"{'size':<5}{'columns':>10}{'build':>8}{'solve':>9}{'bill':>9}{'total':>9}{'peak MB':>10}"
    header += f"  {'status':<9}{'gap':>10}"
    show(
        "Planning: CPU seconds from the case to the plan; the gap is to a proven bound, whole units included",
        header,
        rows,
    )

    for name in ("build", "solve", "bill", "total"):
        points = [(float(built[s]["columns"]), plans[s][name]) for s in plans]
        if name == "build":
            points = [(float(b["columns"]), b["formulate"] + b["assemble"]) for b in built.values()]
        if len(points) > 1:
            print(f"  {name:<6} grows with columns to the power {exponent(points):.2f}")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--sizes", default="XS,S,S3,M10,M")
    given.add_argument("--solve", default=",".join(SOLVED), help="sizes that are also solved")
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--runs", type=int, default=3)
    given.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.child:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        name, *args = asked.child
        values = [int(a) if a.isdigit() else a for a in args]
        print(json.dumps(globals()[f"child_{name}"](*values)))
    else:
        report(asked.sizes.split(","), set(asked.solve.split(",")), asked.seed, asked.runs)


if __name__ == "__main__":
    main()
