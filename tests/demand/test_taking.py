"""What work takes of an offer: worked by hand, and a million tokens of a mix as the mix of its tokens."""

from __future__ import annotations

from fractions import Fraction

from detente.demand.taking import taken_by_tokens, taken_by_work
from tests.builders import REGIONS, Data, build, gpus, tokens, work


def test_tokens_are_taken_as_they_are_of_an_endpoint_and_by_the_rate_of_a_gpu() -> None:
    on_both = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "8 Mtok per GPU-hour"}}}
    case = build([tokens("north", 3), gpus("south", 2)], [on_both])
    (chat,), (api, gpu) = case.workloads, case.offers
    assert taken_by_tokens(chat, api) == (1, 1, 1)
    assert taken_by_tokens(chat, gpu) == (Fraction(1, 8),) * 3
    assert [taken_by_work(chat, offer) for offer in case.offers] == [1, Fraction(1, 8)]


def test_provisioned_throughput_counts_output_by_its_weight_and_cached_input_not_at_all() -> None:
    unit: Data = {"id": "ptu", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m"}
    unit |= {"price": "1 USD per unit-hour", "throughput": "2 Mtok per minute", "output-ratio": 4}
    case = build([unit], [work(mix={"output": "20%", "cached": "50%"})])
    (chat,), (ptu,) = case.workloads, case.offers
    assert taken_by_tokens(chat, ptu) == (1, 0, 4)
    # of a million: 400 k fresh, 400 k cached, 200 k of output that weigh four each
    assert taken_by_work(chat, ptu) == Fraction(4, 10) + Fraction(2, 10) * 4
