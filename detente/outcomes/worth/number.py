"""One number that a clause states: named, read, written, and put in place of another.

Owns: ``CLAUSE.FIELD`` as an address, and values between two others. Not here: what the case then costs (``sweep``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from detente.case.case import Case
from detente.contract.term import Term
from detente.errors import CaseError, Flaw, FlawError, Mistake, Where
from detente.values.likeness import did_you_mean
from detente.values.money import Money, Price
from detente.values.quantity import SCALES, Amount, in_percent, plain

DIGITS, MAX_DIGITS = 3, 25
"""Digits of a step that values between two others are told to, and the most that one of them has."""

MAX_NAMED = 4
"""The most scenarios that are named to whom looks for a clause."""

ITSELF = Where.of_parameter("of")
"""Where a number is told to be by default: what names it."""

Value = Money | Price | Amount | Decimal | int | date
"""What may be swept: each has a size, and a way to be written with another."""


@dataclass(frozen=True)
class ClauseNumber:
    """A field of one clause of one agreement, by its keys as they are written: ``("shortfall", "fee")``."""

    agreement: str
    term: str
    path: tuple[str, ...]
    value: Value | None
    info: FieldInfo

    @classmethod
    def of(cls, case: Case, address: str) -> ClauseNumber:
        """The number at ``CLAUSE``, ``CLAUSE.FIELD`` or ``AGREEMENT/CLAUSE.FIELD``; by default the first one stated.

        Raises
        ------
        CaseError
            Where there is no such clause or number, or where several agreements state the clause.
        """
        agreement, term, path = _addressed(case, address)
        keys = path or _first(term)
        if not keys:
            fields = type(term).model_fields
            lists = [str(f.alias) for n, f in fields.items() if n not in Term.model_fields and _is_list(term, n)]
            otherwise = (
                _listed(term, lists[0]) if lists else "choose a clause with an amount, a share, a price or a date"
            )
            raise _wrong(f"`{term.id}` states no number" + " outside of a list" * bool(lists), otherwise)
        holder = reduce(_inside, keys[:-1], term)
        info = _field(holder, keys[-1])
        if info is None:
            if any(isinstance(reduce(_inside, keys[:n], term), tuple) for n in range(1, len(keys))):
                raise _wrong(f"`{term.id}.{'.'.join(keys)}` is in a list", _others(term, _listed(term, keys[0])))
            raise _wrong(f"`{term.id}` has no `{'.'.join(keys)}`", did_you_mean(".".join(keys), _numbers(term)))
        value = _inside(holder, keys[-1])
        if value is not None and not isinstance(value, Value):
            if isinstance(value, tuple):
                raise _wrong(f"`{term.id}.{'.'.join(keys)}` is a list", _others(term, _listed(term, ".".join(keys))))
            raise _wrong(f"`{term.id}.{'.'.join(keys)}` is not a number", _others(term, "choose another clause"))
        return cls(agreement, term.id, keys, value, info)

    @property
    def field(self) -> str:
        """As it is written: ``shortfall.fee``."""
        return ".".join(self.path)

    def read(self, text: str, where: Where) -> Value:
        """A value of this number from its text, as a case would hold it. Raises CaseError, at ``where``."""
        kind: TypeAdapter[Any] = TypeAdapter(_kind(self.info))
        try:
            found = kind.validate_python(text)
        except ValidationError as error:
            flaw = _flaw(error, text)
            raise CaseError([Mistake(where, f"`{self.term}.{self.field}`: {flaw.what}", flaw.remedy)]) from None
        if not isinstance(found, Value):
            raise CaseError([Mistake(where, f"`{text}` is not a number", "write it as in the case")])
        return found

    def must_fit(self, case: Case, value: Value, where: Where) -> None:
        """Raise CaseError for a value in another currency than the case, or in another unit than the clause."""
        there = case.currency if isinstance(value, Money | Price) else None
        if isinstance(value, Money | Price) and value.currency != there:
            what = f"`{written(value)}` is in {value.currency}, and the case is in {there}"
            raise CaseError([Mistake(where, what, "one currency a case: convert it")])
        if self.value is not None and _unit(value) != _unit(self.value):
            what = f"`{written(value)}` is in other units than `{self.term}.{self.field}`, `{written(self.value)}`"
            raise CaseError([Mistake(where, what, "write it in the same unit")])

    def set(self, case: Case, value: Value, where: Where = ITSELF) -> Case:
        """The same case with this number in the clause, checked as a case is. Raises CaseError, at ``where``."""
        try:
            return case.stating(self.agreement, self.term, self.path, written(value), where)
        except CaseError as error:
            said = f"with `{self.term}.{self.field}` at {written(value)}, "
            raise CaseError([replace(each, what=said + each.what) for each in error.mistakes]) from None


def _unit(value: Value) -> str:
    """What two values must share for one to stand between them."""
    return value.unit if isinstance(value, Price | Amount) else type(value).__name__


def size(value: Value) -> Decimal:
    """A number as a plain one: money, units, a part of 1, or days since the year 1."""
    if isinstance(value, Money | Price):
        return value.amount
    if isinstance(value, Amount):
        return value.value
    return Decimal(value.toordinal()) if isinstance(value, date) else Decimal(value)


def of_size(like: Value, number: Decimal) -> Value:
    """The value of that kind and unit with another size; whole where it counts something."""
    if isinstance(like, Money | Price):
        return replace(like, amount=number)
    if isinstance(like, Amount):
        return replace(like, value=number)
    if isinstance(like, date):
        return date.fromordinal(round(number))
    return round(number) if isinstance(like, int) else number


def written(value: Value) -> str:
    """As a case would write it: a part of 1 is a percentage, and large amounts are scaled: ``250 bn USD``."""
    if isinstance(value, Decimal):
        return in_percent(value)
    if isinstance(value, Money | Amount):
        return f"{_scaled(size(value))} {value.currency if isinstance(value, Money) else value.unit}"
    return str(value)


def _scaled(number: Decimal) -> str:
    for scale, factor in sorted(SCALES.items(), key=lambda item: -item[1]):
        if abs(number) >= factor > 1:
            return f"{plain(number / factor)} {scale}"
    return plain(number)


def between(start: Value, end: Value, steps: int) -> Iterator[Value]:
    """Values from one to another, both among them, at equal distances; those between them to a few digits of a step."""
    first, last = size(start), size(end)
    place = Decimal(1).scaleb(((last - first) / steps).adjusted() - DIGITS)
    yield start
    for step in range(1, steps):
        at = first + (last - first) * step / steps
        yield of_size(start, at.quantize(place) if at.adjusted() - place.adjusted() < MAX_DIGITS else at)
    yield end


# -- addresses -------------------------------------------------------------------------------------------------------
def _addressed(case: Case, address: str) -> tuple[str, Term, tuple[str, ...]]:
    """The agreement, the clause and the keys that an address names."""
    found, keys = _stated(case, address)
    if len(found) > 1:
        where = " or ".join(f"`{a}/{address}`" for a, _ in found)
        raise _wrong(f"`{found[0][1].id}` is stated in several agreements", f"say which: {where}")
    if found and found[0][1].id in case.without:
        where = f" in the scenario `{case.scenario}`" if case.scenario else ""
        raise _wrong(f"`{found[0][1].id}` falls away{where}", "choose a clause that is left, or the case with it")
    if found:
        return *found[0], keys
    rest, known = address.rpartition("/")[2], [t.id for a in case.declared.agreements for t in a.terms]
    held = [f"`{name}`" for name in _scenarios_with(case, address)]
    more = f" or {len(held) - MAX_NAMED} more" if len(held) > MAX_NAMED else ""
    where = f"it is stated in a scenario: take the case in {' or '.join(held[:MAX_NAMED])}{more}"
    raise _wrong(f"there is no clause `{address}`", where if held else did_you_mean(rest, known))


def _stated(case: Case, address: str) -> tuple[list[tuple[str, Term]], tuple[str, ...]]:
    """The clauses at an address, with their agreements, and the keys: ids may hold dots, so the longest one counts."""
    agreement, slash, rest = address.rpartition("/")
    for name in _prefixes(rest):
        among = (a for a in case.declared.agreements if not slash or a.id == agreement)
        if found := [(a.id, t) for a in among for t in a.terms if t.id == name]:
            keys = rest[len(name) + 1 :]
            return found, tuple(keys.split(".")) if keys else ()
    return [], ()


def _scenarios_with(case: Case, address: str) -> Iterator[str]:
    """The scenarios in which there is such a clause, each after those that the case is in, if they go together."""
    for each in case.declared.scenarios:
        try:
            other = case.under(scenario=each.id)
        except CaseError:
            continue
        if _stated(other, address)[0]:
            yield str(other.scenario)


def _kind(info: FieldInfo) -> Any:
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def _flaw(error: ValidationError, text: str) -> Flaw:
    """What our own reader says is wrong, where it was it that refused."""
    inside = [found.get("ctx", {}).get("error") for found in error.errors()]
    flaws = [flaw for each in inside if isinstance(each, FlawError) for flaw in each.flaws]
    return flaws[0] if flaws else Flaw(f"`{text}` cannot be read", "write it as in the case")


def _prefixes(text: str) -> Iterator[str]:
    parts = text.split(".")
    return (".".join(parts[:n]) for n in range(len(parts), 0, -1))


def _wrong(what: str, remedy: str) -> CaseError:
    return CaseError([Mistake(ITSELF, what, remedy)])


# -- fields ----------------------------------------------------------------------------------------------------------
def _first(term: Term) -> tuple[str, ...]:
    return next((tuple(name.split(".")) for name in _numbers(term)), ())


def _numbers(term: Term) -> list[str]:
    """The keys of the numbers that a clause states: its own, those inside of one, and last those of every clause."""
    own = [name for name in type(term).model_fields if name not in Term.model_fields]
    held = [name for name in own if isinstance(getattr(term, name), BaseModel)]
    nested = [f"{type(term).model_fields[n].alias}.{key}" for n in held for key in _plain(getattr(term, n))]
    return [*_plain(term, own), *nested, *_plain(term, ["from_", "until"])]


def _plain(holder: BaseModel, names: Iterable[str] | None = None) -> list[str]:
    """The keys of the numbers that stand in a declared thing itself."""
    fields = type(holder).model_fields
    values = {str(fields[name].alias): getattr(holder, name) for name in (fields if names is None else names)}
    return [key for key, value in values.items() if isinstance(value, Value) and not isinstance(value, bool)]


def _is_list(term: Term, name: str) -> bool:
    value = getattr(term, name)
    return isinstance(value, tuple) and any(isinstance(each, Value | BaseModel) for each in value)


def _listed(term: Term, key: str) -> str:
    """What to do with numbers in a list, of which none is swept."""
    change = f"`change: [{{ term: {term.id}, {key}: … }}]`"
    return f"no number in a list is swept: write each list in a scenario ({change}), and plan each of them"


def _others(term: Term, otherwise: str) -> str:
    """The numbers of a clause that can be swept, as they are typed."""
    found = [f"`{term.id}.{key}`" for key in _numbers(term)]
    return f"say {' or '.join(found)}" if found else otherwise


def _field(holder: Any, key: str) -> FieldInfo | None:
    fields = type(holder).model_fields.values() if isinstance(holder, BaseModel) else ()
    return next((f for f in fields if f.alias == key), None)


def _name(holder: BaseModel, key: str) -> str | None:
    return next((name for name, f in type(holder).model_fields.items() if f.alias == key), None)


def _inside(holder: Any, key: str) -> Any:
    name = _name(holder, key) if isinstance(holder, BaseModel) else None
    return None if name is None else getattr(holder, name)
