"""What the commands that say what something is worth share: options, and how an answer is shown and saved.

Owns: `--out`, `--gap`, and the order in which an answer is saved, printed and told about. Not here: which command asks
what (``price``, ``leverage``, ``compare``, ``simulate``), and words (``report``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from detente.cli.command import console, must_take_files, told

if TYPE_CHECKING:
    from detente.outcomes.saved import SavedAnswer

OUT = click.option("--out", type=click.Path(path_type=Path), help="Save the answer into this folder, with a page.")
GAP = click.option(
    "--gap", default="0.1%", show_default=True, help="Plan to this gap first; what is found is no surer than that."
)

Some = TypeVar("Some", bound="SavedAnswer")


class AnswerView(Generic[Some]):
    """How one kind of answer is shown: in a terminal, and as a page."""

    def __init__(self, view: Callable[[Some, Any], None], page: Callable[[Some], str]) -> None:
        self.view, self.page = view, page

    def show(self, found: Some, out: Path | None, *, as_json: bool) -> int:
        """Save an answer, print it, and say what hindered the saving: it is shown all the same. Returns 0."""
        trouble = None if out is None else self._saved(found, out)
        if as_json:
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
        except OSError as error:
            return error
        return None


def must_take(out: Path | None, name: str) -> None:
    """Refuse a folder that cannot take an answer's files, before anything is planned."""
    if out is not None:
        must_take_files(out, *(f"{name}.{kind}" for kind in ("json", "html", "parquet")))
