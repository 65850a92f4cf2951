"""What it takes to move a workload from one provider to another: money, and the time for which it then stays.

Not here: which moves a plan makes (``planner``), and the data that moves with each unit of work (``network``).
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.values.money import Cash
from detente.values.noun import Id, Noun
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Portion


class Moving(Noun):
    """What moving a workload to another provider costs, and how long what has moved stays there at least."""

    cost: Cash | None = Field(default=None, description="of moving all of it once; a part of it costs that part")
    stays: Length | None = Field(default=None, description="how long what came to a provider stays there at least")
    today: dict[Id, Portion] = Field(
        default_factory=dict, description="where it runs when the plan begins, by provider; default: not known"
    )

    @model_validator(mode="after")
    def _something(self) -> Moving:
        if self.cost is None and self.stays is None:
            what = "states neither what a move costs nor how long work stays"
            raise FlawError(what, "write for example `moving: { cost: 40 k USD, stays: 3 months }`")
        total = sum(self.today.values(), Decimal(0))
        if self.today and total != 1:
            what = f"the shares come to {in_percent(total)}"
            raise FlawError(what, "let them come to 100%", ("today",))
        return self

    @property
    def sentence(self) -> str:
        """What it says, as a clause of a sentence."""
        parts = [f"moving all of it to another provider costs {self.cost}"] if self.cost is not None else []
        if self.stays is not None:
            parts.append(f"what came to a provider stays there for {self.stays} at least")
        return ", and ".join(parts)
