"""What the commands that say what something is worth share: what they are asked, and how an answer is shown and saved.

Owns: the options that all of them take, and the order in which an answer is saved, printed and told about. Not here:
which command asks what (``price``, ``leverage``, ``compare``, ``simulate``), and words (``report``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from detente.cli.command import console, load, must_take_files, time_left, told
from detente.cli.conflict import show_conflict
from detente.cli.options import CASE, JSON, READING, SCENARIO, TIME_LIMIT, WITH, GivenPath, gap_of

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.outcomes.saved import SavedAnswer
    from detente.results.conflict import Conflict

OUT = click.option("--out", type=GivenPath(path_type=Path), help="Save the answer into this folder, with a page.")
GAP = click.option(
    "--gap", default="0.1%", show_default=True, help="Plan to this gap first; what is found is no surer than that."
)
FIRST, LAST = (CASE, READING, SCENARIO, WITH), (OUT, TIME_LIMIT, GAP, JSON)
"""The options that stand before those of a command itself, and after them."""


@dataclass(frozen=True)
class AnswerRequest:
    """What every one of these commands is asked: of which case, how surely, for how long, and where the answer goes."""

    case: Path
    reading: str | None
    scenario: str | None
    beside: tuple[Path, ...]
    out: Path | None
    time_limit: float | None
    gap: str
    as_json: bool

    @property
    def least_gap(self) -> float:
        """The gap, as a part of 1. Raises ClickException."""
        return gap_of(self.gap)

    @property
    def seconds(self) -> float | None:
        """How many are left of the time limit."""
        return time_left(self.time_limit)

    def loaded(self, name: str) -> Case:
        """The case. A gap that is none, and a folder that cannot take an answer of this name, are told before."""
        gap_of(self.gap)
        found = load(self.case, self.reading, self.scenario, self.beside)
        if self.out is not None:
            must_take_files(self.out, *(f"{name}.{kind}" for kind in ("json", "html", "parquet")))
        return found


def asked(own: Callable[..., int]) -> Callable[..., int]:
    """A command that takes these options as one ``AnswerRequest``, and its own options by their names."""
    names = [each.name for each in fields(AnswerRequest)]

    @wraps(own)
    def run(**given: Any) -> int:
        return own(AnswerRequest(**{name: given.pop(name) for name in names}), **given)

    inside = run.__dict__.pop("__click_params__", [])  # click keeps options in the order in which they are put on
    for option in reversed(LAST):
        run = option(run)
    run.__dict__["__click_params__"] += inside
    for option in reversed(FIRST):
        run = option(run)
    return run


Some = TypeVar("Some", bound="SavedAnswer")


class AnswerView(Generic[Some]):
    """How one kind of answer is shown: in a terminal, and as a page."""

    def __init__(self, view: Callable[[Some, Any], None], page: Callable[[Some], str]) -> None:
        self.view, self.page = view, page

    def show(self, found: Some | Conflict, request: AnswerRequest, currency: str) -> int:
        """Save an answer, print it, and say what hindered the saving: it is shown all the same.

        Returns 0; 1 where no plan obeys every clause and the conflict is shown in place of an answer.
        """
        from detente.results.conflict import Conflict

        if isinstance(found, Conflict):
            show_conflict(found, currency, request.as_json)
            return 1
        trouble = None if request.out is None else self._saved(found, request.out)
        if request.as_json:
            click.echo(found.to_json())
        else:
            self.view(found, console())
        return told(trouble)

    def _saved(self, found: Some, out: Path) -> OSError | None:
        from detente.values.file import write

        try:
            for file in found.save(out):
                click.echo(f"wrote {file}", err=True)
            page = out / f"{found.FILE}.html"
            write(page, self.page(found).encode())
            click.echo(f"wrote {page}: open it in a browser", err=True)
            click.echo(f"where a figure comes from: detente explain {out} ADDRESS", err=True)
        except OSError as error:
            return error
        return None
