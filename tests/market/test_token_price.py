"""The list price of tokens: worked by hand, and the same for the gateway's whole numbers as for a plan's fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.gateway.deciding.policy import Policy, cost
from detente.market.offer import TokenPrices
from detente.market.token_price import list_price
from detente.planner.formulation.formulate import formulate
from detente.providers.wire import Tokens
from detente.values.money import NANOS
from tests.builders import build, day, tokens, work
from tests.gateway.stage import deployment

MTOK = 10**6


def prices(input: object, output: object, **more: object) -> TokenPrices:
    """Prices per Mtok in USD."""
    stated = {"input": input, "output": output, **{k: v for k, v in more.items() if k == "cached-input"}}
    data: dict[str, Any] = {key: f"{price} USD per Mtok" for key, price in stated.items()}
    return TokenPrices.model_validate(data | {k: v for k, v in more.items() if k == "batch"})


def test_each_token_has_its_price() -> None:
    stated = prices(3, 15, **{"cached-input": "0.3"})
    assert list_price(stated, 2, 10, Fraction(1, 2)) == Fraction("16.5")  # 2 x 3 + 10 x 0.3 + 0.5 x 15
    assert [price.amount for price in stated.each] == [3, Decimal("0.3"), 15]


def test_cached_input_costs_as_input_where_no_price_is_stated_and_nothing_where_it_is_free() -> None:
    assert list_price(prices(3, 15), 0, 10, 0) == 30
    assert list_price(prices(3, 15, **{"cached-input": 0}), 0, 10, 0) == 0


@pytest.mark.parametrize(("share", "expected"), [({}, 18), ({"batch": "50%"}, 9), ({"batch": "100%"}, 18)])
def test_batch_use_costs_the_stated_share(share: dict[str, str], expected: int) -> None:
    stated = prices(3, 15, **share)
    assert list_price(stated, 1, 0, 1, batch=True) == expected
    assert list_price(stated, 1, 0, 1) == 18


amounts = st.decimals(0, 200, places=4).map(str)
counts = st.integers(0, 3 * 10**6)


@st.composite
def priced(draw: Any) -> dict[str, str]:
    """An offer's prices as written."""
    keys = ["input", "output", *draw(st.sampled_from([[], ["cached-input"]]))]
    return {key: f"{draw(amounts)} USD per Mtok" for key in keys}


@given(priced(), counts, counts, counts)
def test_the_gateway_charges_the_list_price_to_the_last_nano(
    written: dict[str, str], fresh: int, cached: int, output: int
) -> None:
    used = [Fraction(count, MTOK) for count in (fresh, cached, output)]
    exact = list_price(TokenPrices.model_validate(written), *used)
    assert cost(rates_of(deployed(written)), Tokens(fresh + cached, output, cached=cached)) == round(exact * NANOS)


@settings(max_examples=25)
@given(priced(), st.integers(0, 100), st.integers(0, 100))
def test_the_plan_and_the_gateway_charge_the_same_for_the_same_work(
    written: dict[str, str], output: int, cached: int
) -> None:
    case = deployed(written, mix={"output": f"{output}%", "cached": f"{cached}%"})
    made, read = output * MTOK // 100, (100 - output) * cached * MTOK // 10_000
    planned = formulate(case).prices.of_use[0][0]
    assert planned is not None
    assert cost(rates_of(case), Tokens(MTOK - made, made, cached=read)) == round(planned * NANOS)


def deployed(written: dict[str, str], **more: Any) -> Case:
    """A workload on one offer at these prices."""
    there = [deployment("d", "north-api", "http://a.example")]
    return build([tokens("north", 1) | {"price": written}], [work(**more)], deployments=there)


def rates_of(case: Case) -> tuple[int, int, int]:
    """What the gateway charges by."""
    found = Policy.of(case).deployed[0].rates(day("2026-01-10"))
    assert found is not None
    return found
