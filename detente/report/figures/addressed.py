"""Asking for a figure: of which saved answer it is, by its address, and what is said of it.

Owns: reading saved answers, one or several plans side by side, looking an address up, and the words around a figure.
Not here: which figures there are (a file an answer).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from detente.errors import CaseError, PlanError
from detente.outcomes.choices.comparison import Comparison
from detente.outcomes.draws.simulation import MAX_BYTES, Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.sweep import NumberSweep
from detente.report.figures.check import CheckedWays, check_figures
from detente.report.figures.comparison import comparison_figures
from detente.report.figures.deal import SignedDeal, deal_figures
from detente.report.figures.figure import RULES, NamedFigure, Operand, at, written
from detente.report.figures.leverage import leverage_figures
from detente.report.figures.plan import plan_figures
from detente.report.figures.plans import plans_figures
from detente.report.figures.prices import price_figures
from detente.report.figures.simulation import simulation_figures
from detente.report.figures.sweep import sweep_figures
from detente.report.numerals import listed
from detente.report.plans.explanation import Explanation, Line
from detente.results.plan import Plan
from detente.values.file import read
from detente.values.json_text import parsed

MAX_OPERANDS = 12
"""So many of what goes into a figure are told; all stand in ``--json``."""

MAX_NEAR = 6

READERS: dict[str, Callable[[bytes], Iterator[NamedFigure]]] = {
    "prices": lambda text: price_figures(ClausePrices.from_json(text)),
    "sweep": lambda text: sweep_figures(NumberSweep.from_json(text)),
    "leverage": lambda text: leverage_figures(Leverage.from_json(text)),
    "comparison": lambda text: comparison_figures(Comparison.from_json(text)),
    "simulation": lambda text: simulation_figures(Simulation.from_json(text)),
    "check": lambda text: check_figures(CheckedWays.from_json(text)),
    "deal": lambda text: deal_figures(SignedDeal.from_json(text)),
    "plan": lambda text: plan_figures(Plan.from_json(text)),
}
"""By what an answer's file is called, without its ending; its format is ``detente-`` and that, with a version."""


@dataclass(frozen=True)
class SavedFigures:
    """The figures of one saved answer, by their addresses; or of a plan and those ``beside`` it."""

    file: Path
    reading: str | None
    figures: dict[str, NamedFigure]
    beside: tuple[Path, ...] = ()

    @property
    def named(self) -> str:
        """What people call it: its file, or those of all plans."""
        files = [str(file) for file in (self.file, *self.beside)]
        return listed(files, len(files)) if self.beside else self.file.name

    def under(self, address: str) -> list[NamedFigure]:
        """Those whose addresses begin with one; all for an empty one."""
        return [each for name, each in self.figures.items() if not address or name.startswith(f"{address}/")]


def saved_answers(path: Path) -> list[Path]:
    """The saved answers that a path names: itself, or those in the folder; none where it is something else, a case say.

    A folder with YAML in it is a case, whatever was saved beside that.

    Raises OSError.
    """
    if path.is_dir() and next(path.glob("*.y*ml"), None) is not None:
        return []
    if path.is_dir():
        return [file for name in READERS if (file := path / f"{name}.json").is_file()]
    return [path] if path.suffix == ".json" and path.is_file() and _kind(read(path, MAX_BYTES)) is not None else []


def saved_figures(file: Path) -> SavedFigures:
    """The figures of a saved answer. Raises OSError, PlanError."""
    text = read(file, MAX_BYTES)
    kind = _kind(text)
    if kind is None:
        raise PlanError(f"{file} is no saved answer of this version: ask and save it again")
    try:
        found = {each.address: each for each in READERS[kind](text)}
    except ValueError as error:
        raise PlanError(f"{file} cannot be read as a saved answer: {_first(error)}; ask and save it again") from None
    return SavedFigures(file, parsed(text).get("reading"), found)


def side_by_side(paths: Sequence[Path]) -> SavedFigures:
    """The figures of several saved plans, and of what stands between the first and the others.

    Raises OSError, PlanError: for a file or folder that holds no plan, too.
    """
    files = [path / "plan.json" if path.is_dir() else path for path in paths]
    for file in files:
        if file.is_file() and _kind(read(file, MAX_BYTES)) not in (None, "plan"):
            raise PlanError(f"{file} holds no plan: only plans stand side by side; ask for a figure of it alone")
    found = {each.address: each for each in plans_figures([Plan.load(file) for file in files])}
    return SavedFigures(files[0], None, found, tuple(files[1:]))


def _kind(text: bytes) -> str | None:
    """Which answer a document is; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    name = str(found.get("format", "")) if isinstance(found, dict) else ""
    kind = name.removeprefix("detente-").partition("/")[0]
    return kind if kind in READERS and name.startswith("detente-") else None


def _first(error: ValueError) -> str:
    """What is wrong first, on one line."""
    return next(iter(str(error).splitlines()), "it is empty")


def figure_explained(answers: Sequence[SavedFigures], address: str) -> Explanation | list[NamedFigure]:
    """What a figure is and how it comes about; for an address that others begin with, those.

    Raises
    ------
    CaseError
        Where no answer has such a figure: with those that are near; or where several have it.
    """
    wanted = at(*address.split("/")) if address else ""
    having = [each for each in answers if wanted in each.figures]
    if len(having) > 1:
        files = listed([f"`{each.file}`" for each in having], len(having))
        raise CaseError.of_parameter("subject", f"`{wanted}` is a figure of {files}", "name one of these files")
    if having:
        return _explained(having[0], having[0].figures[wanted])
    within = [figure for each in answers for figure in each.under(wanted)]
    if within:
        return within
    names = [name for each in answers for name in each.figures]
    near = _near(wanted, names)
    every = f"without an address all {len(names):,} are listed"
    remedy = f"did you mean {listed([f'`{name}`' for name in near], MAX_NEAR)}? ({every})" if near else every
    files = listed([each.named for each in answers])
    said = f"there is no figure `{wanted}` in {files}"
    raise CaseError.of_parameter("subject", said, remedy)


def _near(wanted: str, names: Sequence[str]) -> list[str]:
    """Addresses that are like one, or that hold all of its names."""
    parts = [part for part in wanted.split("/") if part]
    holding = [name for name in names if parts and all(part in name.split("/") for part in parts)]
    return list(dict.fromkeys([*holding[:MAX_NEAR], *get_close_matches(wanted, names, MAX_NEAR, 0.5)]))[:MAX_NEAR]


def _explained(answer: SavedFigures, figure: NamedFigure) -> Explanation:
    headline = f"`{figure.address}`: {figure.rounded}"
    exactly = figure.written
    if exactly != figure.rounded:
        headline += f" (exactly {exactly})"
    return FigureExplanation(figure.address, "figure", answer.reading, headline, tuple(_lines(figure)), figure)


def _lines(figure: NamedFigure) -> Iterator[Line]:
    yield Line(figure.says)
    if figure.rule is not None:
        yield Line(f"it is {RULES[figure.rule]}:")
        yield from (Line(_operand(each)) for each in figure.operands[:MAX_OPERANDS])
        if len(figure.operands) > MAX_OPERANDS:
            yield Line(f"and {len(figure.operands) - MAX_OPERANDS:,} more, which `--json` has")
    if figure.origin:
        yield Line(f"from: {figure.origin}")
    if figure.ask:
        yield Line(f"why: `detente explain CASE {figure.ask}` tells which work moves, and which clauses bind then")


def _operand(each: Operand) -> str:
    weight = "" if each.weight is None else f", weight {written(each.weight, 'of 1')}"
    where = f" (`{each.address}`)" if each.address else ""
    return f"{each.name}: {written(each.value, each.unit)}{weight}{where}"


@dataclass(frozen=True)
class FigureExplanation(Explanation):
    """What a figure is, with its value and everything that goes into it."""

    figure: NamedFigure

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return super().as_json() | figure_json(self.figure)


def figure_json(figure: NamedFigure) -> dict[str, Any]:
    """A figure for programs: exact, as decimal strings."""
    return {
        "address": figure.address,
        "value": str(figure.value) if isinstance(figure.value, str) else f"{figure.value:f}",
        "unit": figure.unit,
        "says": figure.says,
        "origin": figure.origin,
        "rule": figure.rule,
        "operands": [
            {
                "name": each.name,
                "value": f"{each.value:f}",
                "unit": each.unit,
                "weight": None if each.weight is None else f"{each.weight:f}",
                "address": each.address,
            }
            for each in figure.operands
        ],
    }
