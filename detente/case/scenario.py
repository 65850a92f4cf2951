"""A scenario: named changes to a case. A deal, an outcome and a what-if are scenarios too.

Owns: what a scenario may say, and that each part of it makes sense by itself. Not here: what it makes of a case
(``changes``), and running it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self, cast

from pydantic import ConfigDict, Field, field_validator, model_validator

from detente.case.reading import WrittenReading
from detente.contract.reach.ending import Ending
from detente.errors import CaseError, FlawError
from detente.values.money import Cash
from detente.values.noun import Id, Noun, Title, read_by, written_as
from detente.values.period import DATE, Day, day, later, moment
from detente.values.quantity_field import Length


def event_day(given: Any) -> date | None:
    """The day of an event, or None where it is ``not expected``. Raises FlawError."""
    if given == "not expected":
        return None
    try:
        return day(given)
    except FlawError as error:
        (flaw,) = error.flaws
        raise FlawError(flaw.what, f"{flaw.remedy}, or `not expected`") from None


EventDay = Annotated[
    date | None,
    read_by(
        event_day,
        written_as(rf"({DATE})|^not expected$", "not expected", "a day, or `not expected`", name="event-day"),
    ),
]


def scenarios_named(given: object) -> list[str]:
    """The scenarios that one text names, with commas between. Raises CaseError."""
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else []
    if not names:
        what, remedy = f"`{given!r}` is no text", "name a scenario; several in one text, with commas between"
        raise CaseError.of_parameter("scenario", what, remedy)
    if not all(names):
        what = f"`{given}` holds an empty name"
        raise CaseError.of_parameter("scenario", what, "name a scenario, or leave it out")
    return names


ADDED = (
    *(
        "providers",
        "networks",
        "offers",
        "catalogs",
        "workloads",
        "agreements",
        "risks",
        "deployments",
        "keys",
        "budgets",
        "faults",
    ),
)
"""Sections to which a scenario may add entries."""

ChangeTarget = Literal["term", "offer", "workload", "provider"]
IN_REGION = re.compile(r"^[^/]+/[^/]+$")
TARGETS: tuple[ChangeTarget, ...] = ("term", "offer", "workload", "provider")


class Change(Noun):
    """Other values of some fields of one thing; every key beside those named here is such a field, or leads to one.

    ``{ offer: x, price: -15% }`` multiplies each price of an offer by 85%; ``{ term: t, windows.every: year }`` writes
    another value. What lives in time may be changed between two days; a clause's own ``from`` and ``until`` are fields.
    """

    model_config = ConfigDict(extra="allow")

    term: Id | None = Field(default=None, description="the clause that is changed, in all its versions")
    offer: Id | None = None
    workload: Id | None = None
    provider: Id | None = Field(default=None, description="all of whose offers are changed")
    from_: Day | None = Field(default=None, description="the first day of the change; of a clause, its own `from`")
    until: Ending | None = Field(default=None, description="the day on which it ends; of a clause, its own `until`")

    @property
    def target(self) -> ChangeTarget:
        """What kind of thing is changed."""
        return cast(ChangeTarget, self.one_of(*TARGETS))

    @property
    def of(self) -> str:
        """The id of what is changed."""
        return str(getattr(self, self.target))

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that are changed, as written: what stands in their place."""
        found = dict(self.model_extra or {})
        if self.term is not None:
            found |= {key: at for key, at in (("from", self.from_), ("until", self.until)) if at is not None}
        return found

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        self.one_of(*TARGETS)
        if not self.fields:
            raise FlawError("changes nothing", "add a field and its value, such as `price: -15%`")
        if self.term is None and self.until is not None and not isinstance(self.until, date):
            raise FlawError("a change ends on a day", "write for example `2027-07-01`", ("until",))
        if self.term is None:
            _in_order(self.from_, self.until)
        return self


def _in_order(start: date | None, end: Any) -> None:
    if start and isinstance(end, date) and end <= start:
        raise FlawError(f"ends on {end}, not after its start on {start}", "move one of them", ("until",))


class Loss(Noun):
    """A provider, a region or an offer that gives nothing between two days."""

    provider: Id | None = None
    region: str | None = Field(
        default=None, description="as `provider/region`", json_schema_extra={"pattern": IN_REGION.pattern}
    )
    offer: Id | None = None
    from_: Day = Field(description="the first day without it")
    until: Day | None = Field(default=None, description="the day on which it is back; default: it never is")
    notice: Length | None = Field(
        default=None, description="how long before it is known, and a plan knows it; default: from the start"
    )

    @property
    def lost(self) -> str:
        """What kind of thing is lost. Raises FlawError where it does not say one."""
        return self.one_of("provider", "region", "offer")

    @property
    def known(self) -> date | None:
        """The first day on which it is known; None where it is from the start."""
        if self.notice is None:
            return None
        told = later(moment(self.from_), self.notice, -1)
        return told.date() + timedelta(days=told > moment(told.date()))

    @field_validator("region")
    @classmethod
    def _of_a_provider(cls, region: str | None) -> str | None:
        if region is not None and not IN_REGION.fullmatch(region):
            raise FlawError(f"`{region}` does not say whose region", "write for example `aws/us-east-1`")
        return region

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        _ = self.lost
        _in_order(self.from_, self.until)
        return self


class OneOffCost(Noun):
    """One amount that is due on a day: the case then has it as a clause (``payment``), and every bill shows it."""

    id: Id | None = Field(default=None, description="of the clause; default: the scenario's id, `cost` and its number")
    on: Day = Field(description="the day on which it is due")
    amount: Cash
    to: Title = Field(description="who is paid: a provider's id, or anybody else")
    why: str = Field(description="legal costs, damages, an upfront payment", min_length=1, max_length=4000)


class Obligation(Noun):
    """What must be delivered by a day; it moves no money, and no plan turns on it."""

    what: str = Field(description="what is delivered", min_length=1, max_length=4000)
    by: Title = Field(description="who must deliver it: a provider's id, `self`, or anybody else")
    to: Title | None = Field(default=None, description="who receives it")
    due: Day = Field(description="the day by which it is delivered")
    evidence: Title | None = Field(default=None, description="what shows that it was delivered")


class Scenario(Noun):
    """The case, and named changes to it."""

    id: Id
    text: str | None = Field(default=None, description="what happens in it", max_length=4000)
    based_on: Id | None = Field(default=None, description="the scenario whose changes come first")
    reading: WrittenReading | None = Field(
        default=None, description="the reading of disputed clauses, or one for each; default: the case's"
    )
    events: dict[Id, EventDay] = Field(default_factory=dict, description="days that differ from the case's")
    without: tuple[Id, ...] = Field(
        default=(), description="clauses, agreements, offers and workloads that fall away, with what hangs on them"
    )
    add: dict[str, Any] = Field(default_factory=dict, description="entries of any section, as a case has them")
    change: tuple[Change, ...] = Field(default=(), description="other values: absolute, or by a signed percentage")
    lose: tuple[Loss, ...] = Field(default=(), description="what gives nothing for some time")
    costs: tuple[OneOffCost, ...] = Field(
        default=(), description="one-off amounts: on the bill of every plan in the scenario"
    )
    obligations: tuple[Obligation, ...] = Field(default=(), description="what must be delivered; it moves no money")

    @property
    def dated(self) -> Iterator[tuple[str, date | None, date | None]]:
        """What it changes or loses between two days, in words, and these days; clauses have dates of their own."""
        for change in self.change:
            if change.term is None:
                yield f"`{change.of}` changes", change.from_, change.until if isinstance(change.until, date) else None
        for lost in self.lose:
            yield f"`{lost.provider or lost.region or lost.offer}` is lost", lost.from_, lost.until
