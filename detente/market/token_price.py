"""What tokens cost at list price: written once, for the plan, the gateway and whoever bills.

Owns: ``list_price``, exact, and the same in whole numbers for each single call (``whole_prices``, ``charge``). Not
here: the prices declared (``offer``), the use that is charged, and what clauses take off (``Term``).
"""

from __future__ import annotations

from fractions import Fraction

from detente.errors import FlawError
from detente.market.offer import TokenPrices
from detente.values.money import NANOS, Price
from detente.values.rounding import half_even

Number = int | Fraction
MTOK = 10**6
WholePrices = tuple[int, int, int]
"""Of a token of input, of cached input and of output, in billionths of a billionth of the currency."""


def list_price(prices: TokenPrices, fresh: Number, cached: Number, output: Number, *, batch: bool = False) -> Fraction:
    """What tokens cost before discounts, exactly, in the prices' currency.

    Parameters
    ----------
    fresh, cached, output
        Mtok of input that is not read from a cache (what is written to one included), of input that is, and of output.
    batch
        Whether it is batch use, which costs the stated share of these prices; all of them where none is stated.
    """
    tokens = (fresh, cached, output)
    price = sum((Fraction(p.amount) * n for p, n in zip(prices.each, tokens, strict=True)), Fraction(0))
    return price * _paid(prices, batch=batch)


def _paid(prices: TokenPrices, *, batch: bool) -> Fraction:
    """The part of the prices that is paid."""
    return Fraction(prices.batch) if batch and prices.batch is not None else Fraction(1)


def whole_prices(prices: TokenPrices, *, batch: bool = False) -> WholePrices:
    """Prices of a token in whole numbers, so that what a call costs is exact (§4); of batch use, those of that.

    Raises FlawError where a price is finer than that.
    """
    part = _paid(prices, batch=batch)
    fresh, cached, output = (_atto(price, part) for price in prices.each)
    return fresh, cached, output


def _atto(price: Price, part: Fraction) -> int:
    exact = Fraction(price.amount) * part * NANOS * NANOS / MTOK
    if exact.denominator != 1:
        raise FlawError(f"`{price}` is finer than can be billed per token", "write at most 12 decimals per Mtok")
    return exact.numerator


def charge(prices: WholePrices, fresh: int, cached: int, output: int) -> int:
    """What tokens cost at list price, in whole nano-units of the currency, rounded half to even.

    ``list_price`` in whole numbers, since it is worked out for each call.
    """
    return half_even(fresh * prices[0] + cached * prices[1] + output * prices[2], NANOS)
