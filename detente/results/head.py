"""What every saved answer begins with, a plan as well as prices: of which case it is, and of what format.

Owns: that. Not here: whether it is whole, which each kind of answer says in its own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Of which case an answer is, and under which reading and scenario; after ``format``, it is ``Case.head``."""

    FORMAT: ClassVar[str]

    format: str
    case: str
    title: str
    hash: str
    currency: str
    reading: str | None
    scenario: str | None
