"""Détente runs AI workloads across rival clouds, under contract. Public names, nothing else."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, which would take longer to import than all else here
if TYPE_CHECKING:
    from typing import Any

    from detente.case.case import Case
    from detente.errors import CaseError, DetenteError
    from detente.outcomes.choices.comparing import compare
    from detente.outcomes.choices.comparison import Comparison
    from detente.outcomes.deals.sign import sign
    from detente.outcomes.draws.simulating import simulate
    from detente.outcomes.draws.simulation import Simulation
    from detente.outcomes.leverage.leverage import Leverage
    from detente.outcomes.leverage.leveraging import leverage
    from detente.outcomes.worth.prices import ClausePrices
    from detente.outcomes.worth.pricing import price
    from detente.outcomes.worth.sweep import NumberSweep, sweep
    from detente.planner.check import check
    from detente.planner.solve import plan
    from detente.results.conflict import Conflict
    from detente.results.plan import Plan

    __version__: str

__all__ = [
    "Case",
    "CaseError",
    "ClausePrices",
    "Comparison",
    "Conflict",
    "DetenteError",
    "Leverage",
    "NumberSweep",
    "Plan",
    "Simulation",
    "check",
    "compare",
    "leverage",
    "plan",
    "price",
    "sign",
    "simulate",
    "sweep",
]

_HOMES = {
    "Case": "detente.case.case",
    "CaseError": "detente.errors",
    "DetenteError": "detente.errors",
    "Conflict": "detente.results.conflict",
    "Leverage": "detente.outcomes.leverage.leverage",
    "leverage": "detente.outcomes.leverage.leveraging",
    "Plan": "detente.results.plan",
    "ClausePrices": "detente.outcomes.worth.prices",
    "Comparison": "detente.outcomes.choices.comparison",
    "check": "detente.planner.check",
    "compare": "detente.outcomes.choices.comparing",
    "plan": "detente.planner.solve",
    "price": "detente.outcomes.worth.pricing",
    "sign": "detente.outcomes.deals.sign",
    "Simulation": "detente.outcomes.draws.simulation",
    "simulate": "detente.outcomes.draws.simulating",
    "NumberSweep": "detente.outcomes.worth.sweep",
    "sweep": "detente.outcomes.worth.sweep",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `detente --help` must not load the solver.

    Raises MissingExtraError, an ImportError, where what it needs is not installed.
    """
    if name == "__version__":
        from importlib.metadata import version

        return version("detente")
    if name not in _HOMES:
        raise AttributeError(f"module `detente` has no `{name}`")
    from importlib import import_module

    try:
        return getattr(import_module(_HOMES[name]), name)
    except ImportError as error:
        from detente.errors import MissingExtraError

        raise MissingExtraError.of_live(f"`{name}`", error) from error


def __dir__() -> list[str]:
    """The public names, for completion in a notebook."""
    return [*globals(), *__all__, "__version__"]
