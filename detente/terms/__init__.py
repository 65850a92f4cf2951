"""The kinds of clause. To add one: a file here, a line below, a page in ``docs/terms/``, its cases in ``tests/``.

A kind that is defined outside of this package is added by ``add``, before a case that uses it is read.
"""

from __future__ import annotations

import typing
from functools import cache
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter
from pydantic_core import core_schema

from detente.contract.term import Term
from detente.terms.audit import Audit
from detente.terms.change_of_control import ChangeOfControl
from detente.terms.commitment import MinimumCommitment
from detente.terms.credit import Credit
from detente.terms.delivery import Delivery
from detente.terms.discount import Discount
from detente.terms.escalator import Escalator
from detente.terms.exclusivity import Exclusivity
from detente.terms.first_refusal import FirstRefusal
from detente.terms.first_ship import FirstShip
from detente.terms.liability_cap import LiabilityCap
from detente.terms.most_favoured import MostFavoured
from detente.terms.obligation import DatedObligation
from detente.terms.payment import Payment
from detente.terms.permitted_use import PermittedUse
from detente.terms.redundancy import Redundancy
from detente.terms.renewal import Renewal
from detente.terms.residency import Residency
from detente.terms.revenue_share import RevenueShare
from detente.terms.savings_plan import SavingsPlan
from detente.terms.service_credit import ServiceCredit
from detente.terms.share import Share
from detente.terms.spending_cap import SpendingCap
from detente.terms.take_or_pay import TakeOrPay
from detente.terms.termination import Termination
from detente.terms.volume_discount import VolumeDiscount
from detente.terms.warrants import Warrants

KINDS: tuple[type[Term], ...] = (
    Audit,
    ChangeOfControl,
    Credit,
    DatedObligation,
    Delivery,
    Discount,
    Escalator,
    Exclusivity,
    FirstRefusal,
    FirstShip,
    LiabilityCap,
    MinimumCommitment,
    MostFavoured,
    Payment,
    PermittedUse,
    Redundancy,
    Renewal,
    Residency,
    RevenueShare,
    SavingsPlan,
    ServiceCredit,
    Share,
    SpendingCap,
    TakeOrPay,
    Termination,
    VolumeDiscount,
    Warrants,
)


def kind_of(kind: type[Term]) -> str:
    """What a clause of this kind says as its ``kind``."""
    (name,) = typing.get_args(kind.model_fields["kind"].annotation)
    return str(name)


def add(kind: type[Term]) -> None:
    """Let cases use a kind of clause that is defined elsewhere.

    Raises
    ------
    ValueError
        Where there is a kind of that name.
    """
    global KINDS  # noqa: PLW0603 - which kinds there are is one list, of the process
    name = kind_of(kind)
    if name in map(kind_of, KINDS):
        raise ValueError(f"there is a kind `{name}` already; choose another `kind`")
    KINDS = (*KINDS, kind)


def any_kind() -> Any:
    """A clause of any kind, as an annotation."""
    return Annotated[Union[KINDS], Field(discriminator="kind")]  # noqa: UP007 - made of a tuple


@cache
def _reader(_kinds: tuple[type[Term], ...]) -> TypeAdapter[Any]:
    return TypeAdapter(any_kind())


class _OneOfTheKinds:
    """Reads a clause as one of the kinds that there are when it is read."""

    @staticmethod
    def _read(given: Any) -> Any:
        if isinstance(given, Term):
            return given
        return _reader(KINDS).validate_python(given, by_alias=True, by_name=False)  # keys have one spelling

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: Any) -> Any:
        return handler(_reader(KINDS).core_schema)


AnyTerm = Annotated[Term, _OneOfTheKinds()]
