"""What tokens cost at list price: written once, for the plan, the gateway and whoever bills.

Owns: ``list_price``, exact, and which price holds for which token. Not here: the prices declared (``offer``), the use
that is charged, and what clauses take off (``Term``).
"""

from __future__ import annotations

from fractions import Fraction

from detente.market.offer import TokenPrices
from detente.values.money import Price

Number = int | Fraction


def each(prices: TokenPrices) -> tuple[Price, Price, Price]:
    """The prices per Mtok of input, of input read from a cache (as input where none is stated), and of output."""
    return prices.input, prices.cached_input or prices.input, prices.output


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
    price = sum((Fraction(p.amount) * n for p, n in zip(each(prices), tokens, strict=True)), Fraction(0))
    return price * Fraction(prices.batch) if batch and prices.batch is not None else price
