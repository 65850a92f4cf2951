"""Leverage as tests ask for it: work worth 5 USD per Mtok, which North and South can do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from detente.case.case import Case
from detente.outcomes.leverage.leverage import Leverage, ProviderLeverage, ProviderLoss
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.leverage.loss import Away
from tests.builders import EXACT, D, Data, tokens, work

OFFERS = [tokens("north", 3), tokens("south", 2)]
VALUED = work(value="5 USD per Mtok")
"""1000 Mtok a month for six months, each worth 5 USD."""


def found(case: Case, *providers: str, away: Away | None = None, curves: bool = False) -> Leverage:
    answer = leverage(case, providers, away, curves=curves, gap=EXACT)
    assert isinstance(answer, Leverage), answer
    return answer


def of(answer: Leverage, name: str) -> ProviderLeverage:
    return next(each for each in answer.providers if each.provider == name)


def loss(case: Case, name: str, away: Away | None = None) -> ProviderLoss:
    return of(found(case, name, away=away), name).loss


def cost(each: ProviderLoss) -> Decimal | None:
    return None if each.cost is None else each.cost.amount


def floor(amount: str, **more: object) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount, "windows": {"every": "term"}} | more


def without(case: Case, provider: str) -> Case:
    """The case as it would be written: no such offers, no clauses with it."""
    gone = [t.id for t in case.terms if t.validity.counterparty == provider]
    offers = tuple(o for o in case.offers if o.provider != provider)
    declared = case.declared.model_copy(update={"offers": offers})
    return replace(case, declared=declared).under(without=gone)


def near(one: Decimal | None, other: object) -> bool:
    return one is not None and abs(one - Decimal(str(other))) < D("0.01")
