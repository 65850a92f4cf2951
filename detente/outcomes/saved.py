"""An answer as one JSON document, and its rows as a table beside it.

Owns: writing and reading, alike for all. Not here: what an answer says, and its head (``results.head``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import TypeAdapter

from detente.results.head import AnswerHead
from detente.values.file import write_with
from detente.values.json_text import parsed
from detente.values.parquet import as_parquet

Status = Literal["complete", "time-limit", "interrupted"]
"""Whether all was found that was asked for, or what stopped it."""


@dataclass(frozen=True, slots=True)
class SettledAnswer(AnswerHead):
    """An answer, and whether it is whole. Where Python shows it, it is one line: its rows may be a page each."""

    status: Status

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.case}: {self.status})"


@dataclass(frozen=True, slots=True, repr=False)
class SavedAnswer(SettledAnswer):
    """The base of answers: how their files are called, and which of their rows' columns are what."""

    FILE: ClassVar[str]
    TEXT: ClassVar[tuple[str, ...]]
    WHOLE: ClassVar[tuple[str, ...]] = ()
    FLAGS: ClassVar[tuple[str, ...]] = ()
    """Columns of text, of whole numbers, of yes and no; all others are exact decimals."""

    def rows(self) -> list[dict[str, Any]]:
        """Plain dicts, for a data frame."""
        raise NotImplementedError

    def to_json(self) -> str:
        """One JSON document; money as decimal strings without exponent."""
        return _adapter(type(self)).dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The answer that ``to_json`` wrote. Raises ValueError."""
        parsed(text)  # nothing in it is said twice
        found: Self = _adapter(cls).validate_json(text)
        if found.format != cls.FORMAT:
            raise ValueError(f"it is `{found.format}`, not `{cls.FORMAT}`")
        return found

    def save(self, folder: str | Path) -> list[Path]:
        """Write it as JSON, and its rows, if any, as Parquet where pyarrow is installed. Returns what was written.

        Raises OSError; then the old ones are still there.
        """
        document, table = (Path(folder) / f"{self.FILE}.{kind}" for kind in ("json", "parquet"))
        rows = self.rows()
        exact = [name for name in (rows[0] if rows else ()) if name not in (*self.TEXT, *self.WHOLE, *self.FLAGS)]
        content = as_parquet(rows, exact=exact, whole=self.WHOLE, flags=self.FLAGS) if rows else None
        write_with(document, f"{self.to_json()}\n".encode(), {table: content})
        return [document] if content is None else [document, table]


_ADAPTERS: dict[type[SavedAnswer], TypeAdapter[Any]] = {}


def _adapter(kind: type[SavedAnswer]) -> TypeAdapter[Any]:
    """Made once a kind: that takes longer than reading one."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
