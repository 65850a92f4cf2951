"""Many calls of one tariff, metered at once: each call by itself, as ``Tariff.lines`` does, and summed up.

Owns: the same rule over columns of 64-bit numbers. Where these cannot hold what comes to be, nothing is said, and calls
are metered one by one. Not here: the rule of one call (``metering``), and where calls come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.contract.rated.rating import PartsOff
from detente.ledger.use.line import LineSum
from detente.ledger.use.metering import TOKEN, Tariff
from detente.values.money import NANOS

WholeColumn = NDArray[np.int64]
LIMIT = 2**62
"""Sums and products stay below it."""


class TokenColumns(NamedTuple):
    """The tokens of calls, and how many calls each row stands for."""

    input: WholeColumn
    cached: WholeColumn
    output: WholeColumn
    calls: WholeColumn

    @classmethod
    def of(cls, *columns: Sequence[int]) -> TokenColumns:
        """From whole numbers of at most 1e9; calls without tokens use nothing."""
        found = cls(*(np.array(column, dtype=np.int64) for column in columns))
        some = found.input + found.output > 0
        return found if some.all() else cls(*(column[some] for column in found))


class _TooLargeError(ArithmeticError):
    """Sixty-four bits cannot hold it."""


def metered_together(tariff: Tariff, columns: TokenColumns, at: int) -> list[LineSum] | None:
    """What calls come to that were at a time, by class of use; None where they must be metered one by one."""
    if not columns.calls.size:
        return []
    try:
        return _metered(tariff, columns, at)
    except _TooLargeError:
        return None


def _metered(tariff: Tariff, columns: TokenColumns, at: int) -> list[LineSum]:
    fresh, each = columns.input - columns.cached, columns.input + columns.output
    counted = fresh, columns.cached, columns.output
    if tariff.prices is not None:
        taken, listed = each * TOKEN, _half_even(_times(counted, tariff.prices), NANOS)
    else:
        factors, per = tariff.taken
        exact = _times(counted, factors)
        taken = _half_even(exact, per)
        listed = _half_even(_times((exact,), (tariff.price[0],)), per * tariff.price[1])
    count = int(columns.calls.sum())
    tokens = [_sum(column, columns.calls) for column in (columns.input, columns.cached)]
    tokens += [0, _sum(columns.output, columns.calls), 0]
    whole = LineSum(
        tariff.of, at, at, count, tokens=tokens, work=_sum(each, columns.calls) * TOKEN,
        taken=_sum(taken, columns.calls), listed=_sum(listed, columns.calls),
        revenue=_sum(_part(each, tariff.earned), columns.calls) if tariff.earned[0] else 0,
    )  # fmt: skip
    _take_off(whole, tariff.off, listed, columns.calls)
    if tariff.moved is None:
        return [whole]
    price = _part(each, tariff.moved.price)
    moved = LineSum(tariff.moved.of, at, at, count, listed=_sum(price, columns.calls))
    _take_off(moved, tariff.moved.off, price, columns.calls)
    return [whole, moved]


def _take_off(into: LineSum, parts: PartsOff, listed: WholeColumn, calls: WholeColumn) -> None:
    """Take off what price clauses do. More than all of a price is an error of one call, which is told one by one."""
    off = [_half_even(_times((listed,), (of,)), whole) for _, of, whole in parts.parts]
    if off and bool((sum(off) - listed > len(off)).any()):
        raise _TooLargeError
    for (term, _, _), each in zip(parts.parts, off, strict=True):
        key = term, into.start, into.end
        into.off[key] = into.off.get(key, 0) + _sum(each, calls)
    into.net = into.listed - sum(into.off.values())


def _part(each: WholeColumn, of: tuple[int, int]) -> WholeColumn:
    """A part of each (its numerator and denominator), rounded half to even."""
    return _half_even(_times((each,), of[:1]), of[1])


def _times(columns: Sequence[WholeColumn], factors: Sequence[int]) -> WholeColumn:
    """Columns by their factors, added up."""
    if sum(int(np.abs(column).max()) * abs(factor) for column, factor in zip(columns, factors, strict=True)) >= LIMIT:
        raise _TooLargeError
    found = np.zeros_like(columns[0])
    for column, factor in zip(columns, factors, strict=True):
        found += column * factor if factor else 0
    return found


def _half_even(amounts: WholeColumn, per: int) -> WholeColumn:
    """As ``values.rounding.half_even``."""
    if per >= LIMIT:
        raise _TooLargeError
    whole, rest = np.divmod(amounts, per)
    found: WholeColumn = whole + ((rest * 2 > per) | ((rest * 2 == per) & (whole % 2 == 1)))
    return found


def _sum(amounts: WholeColumn, calls: WholeColumn) -> int:
    """What all calls come to."""
    if int(np.abs(amounts).max()) * int(calls.max()) * calls.size >= LIMIT:
        raise _TooLargeError
    return int((amounts * calls).sum())
