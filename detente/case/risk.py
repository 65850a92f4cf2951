"""A risk: what may happen to a case, and how likely it is. Simulations draw from them.

Owns: outages, levels of demand and of prices that are not known, and prices that move. Not here: files of incidents and
of prices (``incidents``, ``price_history``), events with few outcomes (``choice``), and drawing (``outcomes.draws``).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from detente.case.price_history import PriceFile, PriceHistory
from detente.contract.reach.scope import Scope
from detente.demand.demand_file import Scale
from detente.errors import FlawError
from detente.market.incidents import IncidentFile, IncidentHistory
from detente.values.facts import OFFER_KEYS
from detente.values.noun import Id, Noun, read_by, written_as
from detente.values.quantity import percent
from detente.values.quantity_field import OutageLength, Portion


def _level(given: object) -> Decimal:
    value = percent(given)
    if not Decimal("-0.99") <= value <= 10:
        raise FlawError(f"`{given}` is not between -99% and 1000%", "write for example `-20%`")
    return value


Level = Annotated[
    Decimal, read_by(_level, written_as(r"^[+-]?[0-9][0-9_.]*\s?%$", "-20%", "a percentage of change", name="level"))
]


class OutageRisk(Noun):
    """Offers that fail together: at random moments, so many times a year, for lengths drawn from those given."""

    kind: Literal["outage"]
    id: Id
    of: Scope = Field(default=Scope(), description="the offers that fail together; default: all")
    per_year: Scale | None = Field(default=None, description="how many times a year, on average")
    lasting: tuple[OutageLength, ...] = Field(
        default=(), description="how long: each of these is as likely as the others"
    )
    incidents: IncidentFile | None = Field(default=None, description="outages that were observed, in place of both")
    part: Portion = Field(default=Decimal(1), description="the part of capacity, and of calls, that is lost")
    _history: IncidentHistory | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_way(self) -> OutageRisk:
        stated = self.per_year is not None, bool(self.lasting)
        if stated not in ((True, True), (False, False)) or stated[0] == (self.incidents is not None):
            raise FlawError("states neither `per-year` and `lasting` nor `incidents`, or both", "write one of the two")
        if not self.part:
            raise FlawError("an outage of 0% is none", "leave it out", ("part",))
        return self

    @field_validator("of")
    @classmethod
    def _of_offers(cls, of: Scope) -> Scope:
        return _asks(of, OFFER_KEYS)

    @property
    def history(self) -> IncidentHistory:
        """What is known of it: as stated, or as read from its file."""
        if self.incidents is None:
            assert self.per_year is not None
            hours = tuple(seconds / 3600 for seconds in self.lasting)
            return IncidentHistory(hours, len(hours) / float(self.per_year))
        assert self._history is not None, "the file of incidents was not read"
        return self._history

    def with_data(self, folder: Path) -> OutageRisk:
        """The same with its file read. Raises FlawError, MissingExtraError."""
        if self.incidents is None:
            return self
        found = self.model_copy()
        found._history = self.incidents.read(folder)
        return found


class LevelRisk(Noun):
    """All demand, or all prices, of what is covered times a factor that is not known.

    It is the same over all of the time, or moves from day to day as prices did that were observed.
    """

    kind: Literal["demand", "price"]
    id: Id
    of: Scope = Field(default=Scope(), description="the workloads, or the offers; default: all")
    least: Level | None = Field(default=None, description="the least change; below it nothing is likely")
    likeliest: Level = Decimal(0)
    most: Level | None = Field(default=None, description="the most")
    prices: PriceFile | None = Field(default=None, description="prices that were observed, in place of these three")
    _history: PriceHistory | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _in_order(self) -> LevelRisk:
        stated = self.least is not None, self.most is not None
        if stated not in ((True, True), (False, False)) or stated[0] == (self.prices is not None):
            raise FlawError("states neither `least` and `most` nor `prices`, or both", "write one of the two")
        if self.prices is not None and self.kind != "price":
            raise FlawError("demand is not drawn from prices", "state `least` and `most`", ("prices",))
        if self.least is not None and self.most is not None:
            _must_rise(self.least, self.likeliest, self.most)
        if self.kind == "price":
            _asks(self.of, OFFER_KEYS)
        elif any(key in OFFER_KEYS for key in self.of.wanted):
            raise FlawError("demand has no provider", "select workloads by their labels", ("of",))
        return self

    def with_data(self, folder: Path) -> LevelRisk:
        """The same with its file read. Raises FlawError, MissingExtraError."""
        if self.prices is None:
            return self
        found = self.model_copy()
        found._history = self.prices.read(folder)
        return found

    @property
    def history(self) -> PriceHistory | None:
        """Prices that were observed, as read from its file; None where its three values are stated."""
        assert self.prices is None or self._history is not None, "the file of prices was not read"
        return self._history

    def quantile(self, part: float) -> Decimal:
        """The change that is not passed with a probability, in whole percent, of a triangle over its three values."""
        assert self.least is not None
        assert self.most is not None
        low, mode, high = (float(value) for value in (self.least, self.likeliest, self.most))
        cut = (mode - low) / (high - low)
        if part <= cut:
            found = low + ((high - low) * (mode - low) * part) ** 0.5
        else:
            found = high - ((high - low) * (high - mode) * (1 - part)) ** 0.5
        return Decimal(round(found * 100)) / 100


def _must_rise(least: Decimal, likeliest: Decimal, most: Decimal) -> None:
    """Raise FlawError where three values are not in this order."""
    if not least <= likeliest <= most or least == most:
        raise FlawError("`least`, `likeliest` and `most` are not in this order", "write the smallest first", ("least",))


CaseRisk = Annotated[OutageRisk | LevelRisk, Field(discriminator="kind")]
AnyRisk = OutageRisk | LevelRisk


def _asks(of: Scope, keys: tuple[str, ...]) -> Scope:
    """A scope that asks of offers alone. Raises FlawError."""
    odd = [key for key in of.wanted if key not in keys]
    if odd:
        raise FlawError(
            f"`{odd[0]}` is no fact of an offer", f"one of {', '.join(f'`{key}`' for key in keys)}", ("of",)
        )
    return of
