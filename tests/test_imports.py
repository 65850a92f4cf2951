"""The import order (docs/design.md): each module imports only what stands before it; heavy ones wait for their use."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

PACKAGE = Path(__file__).parents[1] / "detente"

# Each room imports only what stands before it, and so does each room inside a room.
ORDER = [
    *("errors", "values", "market", "demand", "contract", "terms", "live", "results", "case", "planner", "ledger"),
    *("providers", "sandbox", "gateway", "outcomes", "report", "cli", "__main__"),
]
INSIDE = {
    "contract": [
        *("combining", "answer", "reach", "case_view", "decisions", "own_money", "metered", "settled", "service_level"),
        *(
            "roles",
            "payer",
            "returning",
            "program",
            "reminder",
            "amounts",
            "stated",
            "clause_text",
            "term",
        ),
        *("rated", "settling", "bases"),
    ],
    "planner": ["formulation", "solving", "answer"],
    "ledger": ["store", "journals", "use", "caps", "books", "bills", "proof"],
    "gateway": ["surfaces", "http", "upstream", "deciding", "replaying", "serving"],
    "gateway/serving": [
        *("clock", "settings", "aside", "observing", "caps", "call"),
        *("paths", "door", "stated_labels", "models_page", "standing_page", "app", "beside", "processes"),
    ],
    "outcomes": [
        *("estimate", "saved", "time_left", "shapley", "baseline", "answered"),
        *("worth", "leverage", "choices", "deals", "draws", "counterpart"),
    ],
    "report": [
        *("numerals", "estimates", "layout", "screen", "csv", "timeline"),
        *("drawing", "plans", "live", "ledger", "outcomes", "figures", "pages", "agenda"),
    ],
}
SIBLINGS = [{"planner", "ledger", "providers"}, {"gateway", "planner"}]
# Public names, imported when they are asked for.
FREE = {"__init__"}
DRAWS = {"outcomes/draws/draws.py", "outcomes/draws/drawn.py", "outcomes/draws/levels.py"}
NUMPY = {"demand/quanta.py", "ledger/use/metered_together.py", "planner", *DRAWS}
HEAVY = {
    "highspy": {"planner/solving/model.py", "planner/solving/posed.py", "planner/solving/solver_run.py"},
    "numpy": NUMPY,
    "rich": {"report", "cli/command.py"},
    "jinja2": {"report"},
    "pyarrow": {"values/parquet.py", "values/sheet.py"},
    "genai_prices": {"market/catalog.py"},
    "msgspec": {"ledger", "providers", "gateway", "report/ledger/journal.py", "sandbox"},
    "httptools": {"gateway", "sandbox"},
    "uvloop": {"gateway/serving/processes/worker.py", "sandbox"},
    "uvicorn": {"gateway/serving/processes/worker.py", "sandbox"},
    "prometheus_client": {"gateway"},
    "botocore": {"providers/bedrock", "sandbox"},
    "sqlite3": {"ledger", "gateway/serving/call/kept_turns.py"},
    "azure": {"providers/entra.py"},
}
AT_TOP = {
    "numpy": NUMPY,
    "highspy": {"planner/solving/model.py", "planner/solving/posed.py", "planner/solving/solver_run.py"},
    "rich": {"report"},
    "jinja2": {"report"},
    "msgspec": {"ledger", "providers", "gateway", "report/ledger/journal.py", "sandbox"},
    "httptools": {"gateway", "sandbox"},
    "uvloop": {"gateway/serving/processes/worker.py"},
    "uvicorn": {"gateway/serving/processes/worker.py", "sandbox"},
    "prometheus_client": {"gateway/serving/observing/metrics.py", "gateway/serving/observing/standing_gauges.py"},
    "botocore": {"providers/bedrock"},
    "sqlite3": {"ledger"},
}

FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(file.relative_to(PACKAGE)) for file in FILES]
MODULES = {".".join(("detente", *Path(name).with_suffix("").parts)).removesuffix(".__init__"): name for name in NAMES}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports(file: Path, *, top: bool = False) -> list[str]:
    """Dotted names of the modules that a file imports: all, or only when it is itself imported."""
    tree = parsed(file)
    found = []
    for node in _run_at_import(tree) if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            module = node.module or ""
            named = [f"{module}.{a.name}" for a in node.names]
            found += [name if module == "detente" or name in MODULES else module for name in named]
    return found


def _run_at_import(tree: ast.Module) -> list[ast.AST]:
    """Nodes outside functions and ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        checking = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if checking or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        found.append(node)
        todo += ast.iter_child_nodes(node)
    return found


def within(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)


def part(name: str) -> str:
    """``terms/share.py`` → ``terms``; ``offer.py`` → ``offer``."""
    return name.partition("/")[0].removesuffix(".py")


def test_every_module_has_its_place_in_the_order() -> None:
    assert {part(name) for name in NAMES} <= {*ORDER, *FREE}
    assert len(set(ORDER)) == len(ORDER)


def test_a_module_imports_only_what_stands_before_it() -> None:
    early = [f"{name} imports {module}" for name in NAMES for module in _out_of_order(name)]
    assert not early, "\n".join(early)


def _out_of_order(name: str) -> Iterator[str]:
    """What a file imports that stands after it, or beside it where siblings are strangers."""
    own = part(name)
    if own in FREE:
        return
    for module in imports(PACKAGE / name):
        root, _, rest = module.partition(".")
        if root != "detente" or not rest:
            continue
        other = rest.partition(".")[0]
        if other == own:
            before = _stands_inside(name, module)
        else:
            before = other in ORDER[: ORDER.index(own)] and not any({other, own} <= group for group in SIBLINGS)
        if not before:
            yield module


def _stands_inside(name: str, module: str) -> bool:
    """In the innermost room that holds both, the same; a file that stands beside its rooms may import them all."""
    mine, others = name.removesuffix(".py").split("/"), [*module.split(".")[1:], ""]
    depth = next(at for at, (one, other) in enumerate(zip(mine, others, strict=False)) if one != other)
    order = INSIDE.get("/".join(mine[:depth]), [])
    return mine[depth] not in order or others[depth] in order[: order.index(mine[depth]) + 1]


def test_no_files_import_each_other_in_a_circle() -> None:
    """Of any length, and also where something is imported for its type alone or within a function."""
    needs = {name: imported_files(PACKAGE / name) for name in NAMES}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def imported_files(file: Path) -> set[str]:
    """The package's own files that a file imports; of ``from a import b``, ``a.b`` where that is a module."""
    found = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found |= {MODULES.get(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = MODULES.get(node.module or "")
            found |= {MODULES.get(f"{node.module}.{alias.name}", whole) for alias in node.names}
    return {name for name in found if name is not None}


def test_kinds_of_terms_never_import_each_other() -> None:
    for file in (PACKAGE / "terms").glob("*.py"):
        if file.name != "__init__.py":
            assert not [m for m in imports(file) if m.startswith("detente.terms")], file.name


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_imports_stand_where_they_are_used(heavy: str) -> None:
    for name in NAMES:
        if heavy in {module.partition(".")[0] for module in imports(PACKAGE / name)}:
            assert within(name, HEAVY[heavy]), f"{name} imports {heavy}"
        if heavy in {module.partition(".")[0] for module in imports(PACKAGE / name, top=True)}:
            assert within(name, AT_TOP.get(heavy, set())), f"{name} imports {heavy} when it is imported"


def loaded(*arguments: str) -> set[str]:
    """The modules that a command loads."""
    return loaded_by("-m", "detente", *arguments)


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a program of Python's loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        timeout=PATIENCE,
        check=True,
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_help_loads_nothing_heavy() -> None:
    assert "click" in loaded("--help")
    assert not loaded("--help") & {*HEAVY, "pydantic", "yaml", "hypothesis"}


def needed(*names: str) -> set[str]:
    """The package's own files that are imported with some."""
    found: set[str] = set()
    todo = [*names]
    while todo:
        found.add(name := todo.pop())
        todo += {MODULES[module] for module in imports(PACKAGE / name, top=True) if module in MODULES} - found
    return found


def test_a_conflict_is_told_without_what_a_plan_is_told_by() -> None:
    """The rows of a plan and the words around them take a tenth of the time of a small `check` to import."""
    found = needed(
        "planner/check.py", "planner/conflict.py", "report/plans/verdict.py", "report/plans/conflict_view.py"
    )
    assert not found & {"results/plan.py", "results/plan_rows.py", "report/plans/digest.py"}


def test_the_schema_needs_no_solver() -> None:
    assert not loaded("schema") & {"highspy", "numpy", "rich", "jinja2", "pyarrow", "genai_prices"}


def test_a_worker_without_a_plan_or_a_ledger_loads_neither() -> None:
    """What it holds in memory for them is as much as for all of its surfaces."""
    found = needed("gateway/serving/processes/worker.py", "gateway/deciding/source.py")
    assert not found & {"results/plan.py", "results/plan_rows.py"}
    assert not {name for name in found if name.startswith("ledger/books/") and name != "ledger/books/__init__.py"}


def test_a_worker_of_the_gateway_needs_no_solver() -> None:
    names = loaded_by("-c", "import detente.gateway.serving.processes.worker")
    assert "httptools" in names
    assert not names & {"highspy", "numpy", "scipy", "rich", "jinja2", "pyarrow", "genai_prices"}
