"""What every answer is besides its rows: one line where Python shows it."""

from __future__ import annotations

from detente.case.case import Case
from detente.outcomes.choices.comparison import Comparison
from detente.outcomes.deals.deal import DealAnswer
from detente.outcomes.deals.sign import sign
from detente.outcomes.draws.simulation import Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.saved import SettledAnswer
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import NumberSweep
from tests.builders import two_clouds
from tests.outcomes.deals.test_sign import world


def test_an_answer_and_a_conflict_are_one_line() -> None:
    found = sign(Case.of(world()), "deal")
    assert repr(found) == f"DealAnswer({found.case}: complete)"
    conflict = found.readings[1].conflict
    assert conflict is not None
    assert repr(conflict).startswith("Conflict(")
    assert repr(conflict).endswith(f": {len(conflict.relaxations)} ways out)")
    assert {clash.term for clash in conflict.clauses} == {"floor", "only"}
    assert all(clash.term in repr(conflict) for clash in conflict.clauses)
    assert repr(price(two_clouds())) == "ClausePrices(test: complete)"


def test_no_kind_of_answer_shows_all_that_it_holds() -> None:
    for kind in (ClausePrices, Comparison, DealAnswer, Leverage, NumberSweep, Simulation):
        assert kind.__repr__ is SettledAnswer.__repr__
