"""The kinds of clause. To add one: a file here, a line below, a page in ``docs/terms/``, its cases in ``tests/``.

A kind is imported when it is first asked for, since a case uses few of them. A kind that is defined outside of this
package is added by ``add``, before a case that uses it is read.
"""

from __future__ import annotations

import re
import typing
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter
from pydantic_core import core_schema

from detente.contract.term import Term

KINDS: dict[str, str | type[Term]] = {
    "audit": "audit.Audit",
    "change-of-control": "change_of_control.ChangeOfControl",
    "credit": "credit.Credit",
    "delivery": "delivery.Delivery",
    "discount": "discount.Discount",
    "escalator": "escalator.Escalator",
    "exclusivity": "exclusivity.Exclusivity",
    "first-refusal": "first_refusal.FirstRefusal",
    "first-ship": "first_ship.FirstShip",
    "liability-cap": "liability_cap.LiabilityCap",
    "liquidated-damages": "liquidated_damages.LiquidatedDamages",
    "minimum-commitment": "minimum_commitment.MinimumCommitment",
    "most-favoured": "most_favoured.MostFavoured",
    "obligation": "obligation.DatedObligation",
    "payment": "payment.Payment",
    "permitted-use": "permitted_use.PermittedUse",
    "price-lock": "price_lock.PriceLock",
    "redundancy": "redundancy.Redundancy",
    "renewal": "renewal.Renewal",
    "residency": "residency.Residency",
    "revenue-share": "revenue_share.RevenueShare",
    "savings-plan": "savings_plan.SavingsPlan",
    "service-credit": "service_credit.ServiceCredit",
    "share": "share.Share",
    "spending-cap": "spending_cap.SpendingCap",
    "take-or-pay": "take_or_pay.TakeOrPay",
    "termination": "termination.Termination",
    "volume-discount": "volume_discount.VolumeDiscount",
    "warrants": "warrants.Warrants",
}
"""What a clause may say as its ``kind``: the class, or the file of this package and the class in it."""


NAME = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""What a kind may be called: in kebab-case, as all that a case says."""


def kind_named(name: str) -> type[Term]:
    """The kind of clause of this name."""
    found = KINDS[name]
    if isinstance(found, str):
        file, _, title = found.partition(".")
        KINDS[name] = found = typing.cast(type[Term], getattr(import_module(f"{__name__}.{file}"), title))
    return found


def kinds() -> tuple[type[Term], ...]:
    """Every kind of clause."""
    return tuple(map(kind_named, KINDS))


def kind_of(kind: type[Term]) -> str:
    """What a clause of this kind says as its ``kind``."""
    (name,) = _names_of(kind)
    return name


def _names_of(kind: type[Term]) -> tuple[str, ...]:
    """What it declares as its ``kind``: one name, where it is well declared."""
    declared: Any = kind.model_fields["kind"].annotation if "kind" in kind.model_fields else None
    return tuple(map(str, typing.get_args(declared))) if typing.get_origin(declared) is typing.Literal else ()


def add(kind: type[Term]) -> None:
    """Let cases use a kind of clause that is defined elsewhere.

    Raises
    ------
    ValueError
        Where it does not say by one `kind` what it is called, or there is a kind of that name.
    """
    names = _names_of(kind)
    if len(names) != 1 or not re.fullmatch(NAME, names[0]):
        found = f"is called {' or '.join(f'`{name}`' for name in names)}" if names else "does not say what it is called"
        remedy = 'write `kind: Literal["one-name"]`, in small letters, with hyphens'
        raise ValueError(f"`{kind.__name__}` {found}; {remedy}")
    (name,) = names
    if name in KINDS:
        raise ValueError(f"there is a kind `{name}` already; choose another `kind`")
    KINDS[name] = kind


def any_kind() -> Any:
    """A clause of any kind, as an annotation."""
    return Annotated[Union[kinds()], Field(discriminator="kind")]  # noqa: UP007 - made of a tuple


@cache
def _reader(kinds: tuple[type[Term], ...]) -> TypeAdapter[Any]:
    return TypeAdapter(any_kind() if len(kinds) > 1 else kinds[0])


def _reader_of(given: Any) -> TypeAdapter[Any]:
    """Of the kind that a clause says it is; where it says none that there is, of all, which tells what there is."""
    name = given.get("kind") if isinstance(given, dict) else None
    return _reader((kind_named(name),) if isinstance(name, str) and name in KINDS else kinds())


class _OneOfTheKinds:
    """Reads a clause as one of the kinds that there are when it is read."""

    @staticmethod
    def _read(given: Any) -> Any:
        if isinstance(given, Term):
            return given
        return _reader_of(given).validate_python(given, by_alias=True, by_name=False)  # keys have one spelling

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: Any) -> Any:
        return handler(_reader(kinds()).core_schema)


AnyTerm = Annotated[Term, _OneOfTheKinds()]
