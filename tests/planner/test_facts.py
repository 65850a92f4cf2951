"""Facts in a conflict: what is no clause and plays a part, alone or only together, and what nobody sells."""

from __future__ import annotations

from detente.planner.check import check
from tests.builders import Data, agreement, build, compute, gpus, refused, tokens, work

ONLY: Data = {"id": "only", "kind": "exclusivity"}
SERVED = "`{}` must be served: it has no `value`, so it cannot go unserved"


def test_a_provider_that_may_serve_and_sells_nothing_that_would() -> None:
    """Exclusivity of the north, which has other accelerators only; the south has the right ones, and may not."""
    offers = [gpus("north", 2, accelerator="A100"), gpus("south", 3)]
    other = compute("render", **{"runs-on": {"accelerators": {"A100": 1}}})
    case = build(offers, [compute(), other], agreement(ONLY), months=1)
    found = refused(case)
    assert [clash.term for clash in found.clauses] == ["only"]
    assert found.facts == (
        SERVED.format("research"),
        "`north` sells nothing that `research` runs on (H100) where it may run",
    )
    assert check(case).conflict == found


def test_facts_that_matter_only_together() -> None:
    """Two workloads must be in the north, which has room for half of each: nothing alone cures it, and all is named."""
    offers = [
        tokens("north", 3, capacity="1 Mtok per hour"),
        tokens("north", 3, id="north-other", model="n", capacity="1 Mtok per hour"),
        tokens("south", 2),
        tokens("south", 2, id="south-other", model="n"),
    ]
    mail = work("mail", "1500 Mtok per month", **{"runs-on": {"models": ["n"]}})
    found = refused(build(offers, [work("chat", "1500 Mtok per month"), mail], agreement(ONLY), months=1))
    assert [clash.term for clash in found.clauses] == ["only"]
    demand, capacity = found.facts  # one of the two that collide with the clause; the other does as well
    assert demand == "`mail` must be served: it has no `value` (1.50 k Mtok in all)"
    assert capacity == "`north-other` has no more capacity (1 Mtok per hour: 744.00 Mtok in all)"


def test_an_offer_that_ends_is_not_said_to_be_full() -> None:
    early = tokens("north", 3, until="2026-03-01")
    found = refused(build([early, tokens("south", 2)], [work()], agreement(ONLY), months=4))
    assert found.facts == (
        SERVED.format("chat"),
        "`north-api` is not on offer, or has no price, in Mar 2026 – Apr 2026",
    )
