"""The kinds of clause. To add one: a file here, a line below, a page in ``docs/terms/``, its cases in ``tests/``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from detente.terms.commitment import MinimumCommitment
from detente.terms.credit import Credit
from detente.terms.discount import Discount
from detente.terms.exclusivity import Exclusivity
from detente.terms.redundancy import Redundancy
from detente.terms.residency import Residency
from detente.terms.revenue_share import RevenueShare
from detente.terms.share import Share
from detente.terms.spending_cap import SpendingCap
from detente.terms.take_or_pay import TakeOrPay

KINDS = (
    Credit,
    Discount,
    Exclusivity,
    MinimumCommitment,
    Redundancy,
    Residency,
    RevenueShare,
    Share,
    SpendingCap,
    TakeOrPay,
)

AnyTerm = Annotated[
    Credit
    | Discount
    | Exclusivity
    | MinimumCommitment
    | Redundancy
    | Residency
    | RevenueShare
    | Share
    | SpendingCap
    | TakeOrPay,
    Field(discriminator="kind"),
]
