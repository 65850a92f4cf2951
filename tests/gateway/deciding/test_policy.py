"""A case and its plan as the gateway uses them: shares, periods, prices to the last digit, turns, limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError, PlanError
from detente.gateway.deciding.keyring import Keyring
from detente.gateway.deciding.moment import MAX_REMEMBERED, Moment
from detente.gateway.deciding.policy import Deployed, Policy, cost
from detente.live.key import hash_of
from detente.live.request import Request
from detente.market.offer import TokenOffer, TokenPrices
from detente.market.token_price import list_price
from detente.providers.wire import Tokens
from detente.results.plan_rows import PeriodRow
from detente.values.money import NANOS
from detente.values.period import Horizon
from tests.builders import Data, agreement, data_of, day, gpus, solved, tokens, work
from tests.gateway.caller import KEY
from tests.gateway.stage import deployment

AT = day("2026-03-10")
THERE = [deployment("south-m", "south-api", "http://a.example"), deployment("north-m", "north-api", "http://b.example")]


def data(*agreements: Data, **head: Any) -> Data:
    offers = head.pop("offers", [tokens("south", 2), tokens("north", 3)])
    workloads = head.pop("workloads", [work(labels={"team": "sales"})])
    months = head.pop("months", 6)
    return data_of(offers, workloads, *agreements, deployments=THERE, months=months) | head


def policy(*agreements: Data, **head: Any) -> Policy:
    return Policy.of(Case.of(data(*agreements, **head)))


# -- a plan -----------------------------------------------------------------------------------------------------------
def test_a_plan_s_shares_in_its_periods() -> None:
    quarter = {"id": "part", "kind": "share", "at-least": "25%", "from": "2026-02-01"}
    case = Case.of(data(agreement(quarter), months=2))
    given = Policy.of(case, solved(case))
    january, february = given.period(day("2026-01-15")), given.period(day("2026-02-15"))
    assert given.shares("chat", january) == {"south-api": 1.0}
    assert given.shares("chat", february) == {"south-api": 0.75, "north-api": 0.25}
    assert given.shares("other", january) == {}
    assert given.shares("chat", None) == {}
    assert given.plan == case.hash
    assert Policy.of(case).shares("chat", january) == {}


def test_a_plan_of_another_case_is_refused() -> None:
    case, other = Case.of(data()), Case.of(data(offers=[tokens("south", 2), tokens("north", 4)]))
    with pytest.raises(PlanError, match="made of another case"):
        Policy.of(case, solved(other))


def ptu(provider: str = "north", **more: object) -> Data:
    return {
        "id": f"{provider}-ptu",
        "kind": "provisioned",
        "provider": provider,
        "region": {"north": "dublin", "south": "texas"}[provider],
        "model": "m",
        "price": "300 USD per unit-month",
        "throughput": "60 ktok per minute",
        "output-ratio": 4,
        "term": "1 month",
    } | more


def test_what_a_plan_buys_is_prepaid_and_what_it_does_not_buy_is_denied() -> None:
    at, after = day("2026-01-10"), day("2026-02-10")
    here = [deployment("ptu", "north-ptu", "http://b.example"), THERE[0]]
    for price, units in (("300 USD per unit-month", 1), ("9000 USD per unit-month", 0)):
        case = Case.of(data(offers=[tokens("south", 2), ptu(price=price)], deployments=here, months=1))
        deployed = Policy.of(case, solved(case)).deployed[0]
        assert (deployed.units(at), deployed.prepaid(at)) == (units, units > 0)
        assert (deployed.units(after), deployed.prepaid(after)) == (0, False), "what was bought has an end"
        assert deployed.per_minute(at) == (60_000 * units if units else None)
        assert deployed.output_weight == 4
        assert deployed.rates(at) == (0, 0, 0)
    unplanned = Policy.of(case).deployed[0]
    assert (unplanned.units(at), unplanned.prepaid(at), unplanned.per_minute(at)) == (None, True, None)


# -- periods ----------------------------------------------------------------------------------------------------------
def periods(**horizon: str) -> Policy:
    rows = [
        PeriodRow(p.index, p.start, p.end, p.span_start, p.span_end, Decimal(1))
        for p in Horizon.model_validate(horizon).periods()
    ]
    return replace(policy(), periods=tuple(rows))


MOMENTS = st.datetimes(datetime(2025, 12, 20), datetime(2026, 3, 10)).map(lambda d: d.replace(tzinfo=AT.tzinfo))
PLAIN = {
    every: periods(start="2026-01-01", end="2026-03-01", every=every) for every in ("hour", "day", "week", "month")
}
WEEK = periods(start="2026-01-01", end="2026-03-01", every="hour", typical="week")


@given(st.sampled_from(sorted(PLAIN)), MOMENTS)
def test_a_moment_lies_in_the_one_period_that_holds_it(every: str, at: datetime) -> None:
    given = PLAIN[every]
    held = [row.index for row in given.periods if row.start <= at < row.end]
    assert given.period(at) == (held[0] if held else None)
    assert (given.period(at) is not None) == (day("2026-01-01") <= at < day("2026-03-01"))


@given(MOMENTS)
def test_a_moment_has_the_like_hour_of_its_month_s_typical_week(at: datetime) -> None:
    found = WEEK.period(at)
    if not day("2026-01-01") <= at < day("2026-03-01"):
        assert found is None
        return
    assert found is not None
    row = WEEK.periods[found]
    assert row.index == found
    assert (row.span_start.month, row.start.weekday(), row.start.hour) == (at.month, at.weekday(), at.hour)


# -- money ------------------------------------------------------------------------------------------------------------
def priced(**prices: str) -> Deployed:
    stated = {name.replace("_", "-"): f"{value} USD per Mtok" for name, value in prices.items()}
    return policy(offers=[tokens("south", 2) | {"price": stated}, tokens("north", 3)]).deployed[0]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (Tokens(0, 0), "0"),
        (Tokens(1_000_000, 0), "2.5"),
        (Tokens(10, 5), "0.00007505"),
        (Tokens(10, 5, cached=8), "0.000056050"),
        (Tokens(10, 5, written=7), "0.00007505"),  # written to a cache: as input
        (Tokens(10, 5, reasoning=5), "0.00007505"),  # a part of the output, and not beside it
        (Tokens(1, 0), "0.0000025"),
    ],
)
def test_a_cost_to_the_last_digit(tokens: Tokens, expected: str) -> None:
    rates = priced(input="2.5", cached_input="0.125", output="10.01").rates(AT)
    assert rates is not None
    assert cost(rates, tokens) == Decimal(expected) * NANOS


def test_cached_input_without_a_price_of_its_own_costs_as_input() -> None:
    rates = priced(input="2.5", output="10").rates(AT)
    assert rates is not None
    assert cost(rates, Tokens(10, 0, cached=10)) == cost(rates, Tokens(10, 0))


PRICE = st.integers(0, 10**15).map(lambda n: f"{Decimal(n).scaleb(-12):f} USD per Mtok")
COUNT = st.integers(0, 10**7)
PRICED = priced(input="1", output="1")


@given(PRICE, PRICE | st.none(), PRICE, COUNT, COUNT, st.floats(0, 1))
def test_a_call_costs_what_the_plan_and_the_bill_say(
    fresh: str, cached: str | None, output: str, given: int, made: int, part: float
) -> None:
    """The gateway's whole numbers against the one list price, to the last nano-unit, rounded once half to even."""
    stated = {"input": fresh, "output": output} | ({"cached-input": cached} if cached else {})
    rates = replace(PRICED, offer=TokenOffer.model_validate(tokens("south", 2) | {"price": stated})).rates(AT)
    assert rates is not None
    read = int(given * part)
    mtok = (Fraction(n, 10**6) for n in (given - read, read, made))
    exact = list_price(TokenPrices.model_validate(stated), *mtok)
    assert cost(rates, Tokens(given, made, cached=read)) == round(exact * NANOS)


def test_a_price_that_cannot_be_billed_is_a_mistake_of_the_case() -> None:
    assert priced(input="0.000000000001", output="1").rates(AT) == (1, 1, 10**12)
    with pytest.raises(CaseError, match="finer than can be billed"):
        priced(input="0.0000000000001", output="1")


# -- limits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        (None, None),
        ("60 Mtok per hour", 1_000_000.0),
        ("0 Mtok per hour", 0.0),
        ({"2026-03-11": "60 Mtok per hour"}, 0.0),  # not stated yet: as the plan counts it
        ({"2026-03-10": "60 Mtok per hour"}, 1_000_000.0),
    ],
)
def test_a_limit_at_a_moment(capacity: object, expected: float | None) -> None:
    more = {} if capacity is None else {"capacity": capacity}
    assert policy(offers=[tokens("south", 2, **more), tokens("north", 3)]).deployed[0].per_minute(AT) == expected


# -- who may ask what ----------------------------------------------------------------------------------------------
def test_models_and_what_stands_for_them() -> None:
    given = policy(
        offers=[tokens("south", 2), tokens("north", 3), tokens("north", 9, id="large-api", model="large")],
        workloads=[work(), work("other") | {"runs-on": {"models": ["m", "large"]}}],
        deployments=[*THERE, deployment("large", "large-api", "http://b.example")],
    )
    assert given.models(given.workloads["chat"]) == {"m": "south north", "chat": "detente"}
    assert given.models(given.workloads["other"]) == {"m": "south north", "large": "north", "other": "detente"}
    assert [d.id for d in given.asked(given.workloads["chat"], "chat")] == ["south-m", "north-m"]
    assert [d.id for d in given.asked(given.workloads["other"], "other")] == ["south-m", "north-m", "large"]
    assert given.asked(given.workloads["chat"], "other") == ()


def test_a_workload_s_name_that_is_a_model_s_means_the_model() -> None:
    given = policy(
        offers=[tokens("south", 2), tokens("north", 3, model="chat")],
        workloads=[work() | {"runs-on": {"models": ["m", "chat"]}}],
    )
    assert [d.id for d in given.asked(given.workloads["chat"], "chat")] == ["north-m"]


def test_a_key_stands_for_its_workload_s_labels_and_its_own() -> None:
    given = policy(
        workloads=[work(labels={"team": "sales"}), work("other", labels={"team": "ops", "data": "personal"})],
        keys=[{"id": "k", "workload": "chat", "hash": hash_of(KEY), "labels": {"data": "public"}}],
    )
    (held,) = Keyring(given)
    assert (held.key.id, held.labels, held.presented) == ("k", {"team": "sales", "data": "public"}, None)
    assert given.labels == {"team": frozenset({"sales", "ops"}), "data": frozenset({"personal", "public"})}


def test_capacity_by_the_hour_needs_a_name_for_its_model_and_has_no_price_a_call() -> None:
    given = policy(
        offers=[tokens("south", 2), gpus("north", 2)],
        workloads=[work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "1 Mtok per GPU-hour"}}}],
        deployments=[deployment("cluster", "north-gpus", "http://c.example", model="m")],
    )
    (cluster,) = given.deployed
    assert (cluster.model, cluster.rates(AT), cluster.per_minute(AT), cluster.prepaid(AT)) == ("m", None, None, True)
    assert cluster.places[0]["accelerator"] == "H100"
    assert cluster.host == "c.example"


# -- moments -------------------------------------------------------------------------------------------------------
ONLY = {"id": "only", "kind": "exclusivity"}
ASK = Request("chat", "inference", (("team", "sales"),), "m")


def test_turns_are_when_anything_begins_ends_or_changes() -> None:
    price = {"2026-01": {"input": "2 USD per Mtok", "output": "2 USD per Mtok"}}
    price |= {"2026-05-05": {"input": "1 USD per Mtok", "output": "1 USD per Mtok"}}
    south = tokens("south", 2, capacity={"2026-06-06": "1 Mtok per hour"}, until="2026-07-01") | {"price": price}
    given = policy(agreement(ONLY | {"from": "2026-03-03", "until": "2026-04-04"}), offers=[south, tokens("north", 3)])
    dates = ["2026-01-01", "2026-03-03", "2026-04-04", "2026-05-05", "2026-06-06", "2026-07-01"]
    assert given.turns == tuple(map(day, dates))


def test_a_moment_ends_at_the_next_hour_or_turn() -> None:
    given = policy(agreement(ONLY | {"from": "2026-03-03"}))
    turn = day("2026-03-03")
    assert Moment(given, turn - timedelta(minutes=30)).until == turn
    assert Moment(given, turn).until == turn + timedelta(hours=1)
    assert Moment(given, turn + timedelta(minutes=59, seconds=59)).until == turn + timedelta(hours=1)


@given(
    st.datetimes(datetime(2025, 12, 20), datetime(2026, 8, 1)).map(lambda d: d.replace(tzinfo=AT.tzinfo)),
    st.floats(0, 1),
)
def test_whatever_holds_at_a_moment_holds_until_it_ends(at: datetime, part: float) -> None:
    moment = Moment(DATED, at)
    within = at + (moment.until - at) * part * 0.999
    later = Moment(DATED, within)
    assert moment.at <= within < moment.until
    assert (later.until, later.rates, later.period) == (moment.until, moment.rates, moment.period)
    before, after = (m.admission(ASK).candidates for m in (moment, later))
    assert [c.verdict.permission for c in before] == [c.verdict.permission for c in after]


DATED = policy(
    agreement(ONLY | {"from": "2026-03-03", "until": "2026-04-04"}),
    offers=[tokens("south", {"2026-02": 2, "2026-05-05": 1}, until="2026-06-10"), tokens("north", 3)],
)


def test_admissions_are_remembered_and_bounded() -> None:
    moment = Moment(policy(), AT)
    assert moment.admission(ASK) is moment.admission(ASK)
    for n in range(MAX_REMEMBERED + 5):
        moment.admission(ASK._replace(pinned=f"d{n}"))
    assert len(moment._known) <= MAX_REMEMBERED


def test_prices_for_ordering_are_those_of_the_workload_s_mix() -> None:
    price = {"input": "1 USD per Mtok", "output": "9 USD per Mtok", "cached-input": "0.5 USD per Mtok"}
    given = policy(
        offers=[tokens("south", 2) | {"price": price}, tokens("north", 3)],
        workloads=[work(mix={"output": "10%", "cached": "50%"}), work("talk", mix={"output": "90%"})],
    )
    moment = Moment(given, AT)
    listen, talk = (moment.prices(given.workloads[name]) for name in ("chat", "talk"))
    assert listen["south-m"] < listen["north-m"]
    assert talk["south-m"] > talk["north-m"]
    assert listen["south-m"] == int(Fraction(45 * 1 + 45 * Fraction(1, 2) + 10 * 9, 100) * 10**12)
