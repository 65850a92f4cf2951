"""What a case file declares, section by section.

Owns: ``Declared`` (the shape of a case), and reading each entry on its own, so that one bad entry hides no other. Not
here: what is said of a bad one (``wording``), its JSON Schema (``schema``), whether the entries fit together
(``consistency``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from detente.case.agreement import Agreement
from detente.case.choice import OpenChoice, Uncertainty
from detente.case.reading import WrittenReading
from detente.case.risk import CaseRisk
from detente.case.scenario import EventDay, Scenario
from detente.case.wording import CURRENCY, as_meant, flaws
from detente.demand.workload import Workload
from detente.errors import Flaw, KeyPath
from detente.live.budget import UseBudget
from detente.live.deployment import Deployment
from detente.live.fault import Fault
from detente.live.key import Key
from detente.live.serving import Serving
from detente.market.catalog import Catalog
from detente.market.network import Network
from detente.market.offer import Offer
from detente.market.provider import Provider
from detente.terms import AnyTerm
from detente.values.exchange_rate import CurrencyExchange
from detente.values.likeness import nearest
from detente.values.noun import Id, Noun, Title
from detente.values.period import Horizon
from detente.values.quantity_field import Growth

IdleChoice = Literal["forbidden", "reserved", "allowed"]
"""Which capacity may be bought though no work uses it: none, what is reserved, or what is rented by the hour too."""


class Head(Noun):
    """What a case says once: the keys that stand beside its sections."""

    name: Id
    title: Title | None = None
    currency: Annotated[str, Field(pattern=CURRENCY, description="of every price and amount")] = "USD"
    exchange: tuple[CurrencyExchange, ...] = Field(
        default=(), description="what other currencies cost: amounts in them are converted, once"
    )
    horizon: Horizon
    discount_rate: Growth | None = Field(
        default=None, description="what money of a later year is worth less: amounts are also told at present value"
    )
    idle: IdleChoice = Field(default="reserved", description="which capacity may be bought though no work uses it")
    reading: WrittenReading | None = Field(
        default=None, description="the reading of disputed clauses that the case is held under; or one for each clause"
    )
    events: dict[Id, EventDay] = Field(default_factory=dict, description="the day of each event, or `not expected`")
    serving: Serving = Serving()

    @property
    def display_name(self) -> str:
        """What people read: its title, or its name where it has none."""
        return self.title or self.name

    @property
    def yearly_discount(self) -> Decimal | None:
        """By how much money is worth less from year to year: 0.08 for ``8% per year``; None where none is stated."""
        if self.discount_rate is None:
            return None
        rate, span = self.discount_rate
        times = {"year": Decimal(1), "month": Decimal(12), "week": Decimal(365) / 7, "day": Decimal(365)}[span]
        return (1 + rate) ** times - 1


class Declared(Head):
    """A case: one file, or a folder of files with these keys."""

    providers: tuple[Provider, ...] = ()
    networks: tuple[Network, ...] = ()
    offers: tuple[Offer, ...] = ()
    catalogs: tuple[Catalog, ...] = ()
    workloads: tuple[Workload, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    choices: tuple[OpenChoice, ...] = ()
    uncertain: tuple[Uncertainty, ...] = ()
    risks: tuple[CaseRisk, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    keys: tuple[Key, ...] = ()
    budgets: tuple[UseBudget, ...] = ()
    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, head: Head, sections: dict[str, Any]) -> Declared:
        """A case of what was read: its entries are not read again."""
        said: dict[str, Any] = {name: getattr(head, name) for name in head.model_fields_set}
        return cls.model_construct(None, **said, **sections)

    @property
    def planned(self) -> Declared:
        """What a plan depends on (``Case.hash``): no scenarios and choices, and of live traffic only where it runs."""
        none = dict.fromkeys(
            ("scenarios", "choices", "uncertain", "risks", "deployments", "keys", "budgets", "faults"), ()
        )
        return self.model_copy(update={**none, "serving": Serving()})


SECTIONS: dict[str, Any] = {
    "providers": Provider,
    "networks": Network,
    "offers": Offer,
    "catalogs": Catalog,
    "workloads": Workload,
    "agreements": Agreement,
    "scenarios": Scenario,
    "choices": OpenChoice,
    "uncertain": Uncertainty,
    "risks": CaseRisk,
    "deployments": Deployment,
    "keys": Key,
    "budgets": UseBudget,
    "faults": Fault,
}
_PLACEHOLDERS = {"name": "unread", "horizon": {"start": "2000-01-01", "end": "2001-01-01"}}


AnyNoun = TypeVar("AnyNoun", bound=Noun)
Report = Callable[[Flaw], None]
"""Takes what is wrong in an entry, by its path in the document."""


@dataclass(frozen=True)
class CaseHead:
    """What stands beside the sections; ``unread`` keys are missing or wrong, and hold placeholders."""

    declared: Head
    unread: frozenset[str] = frozenset()


def read_entry(section: str, raw: Any, path: KeyPath, report: Report) -> Any | None:
    """One entry of a section, or None after its mistakes were reported."""
    return _read(SECTIONS[section], raw, path, report)


def read_noun(kind: type[AnyNoun], raw: Any, report: Report) -> AnyNoun | None:
    """A declared thing that is a document of its own, beside a case; None after its mistakes were reported."""
    found: AnyNoun | None = _read(kind, raw, (), report)
    return found


def read_agreement(raw: Any, path: KeyPath, report: Report) -> tuple[Agreement | None, tuple[int, ...]]:
    """An agreement with the terms that could be read, and where among those written they stand."""
    if not isinstance(raw, dict) or not isinstance(raw.get("terms"), list):
        return read_entry("agreements", raw, path, report), ()
    shell = read_entry("agreements", {**raw, "terms": []}, path, report)
    terms = [_read(AnyTerm, term, (*path, "terms", at), report) for at, term in enumerate(raw["terms"])]
    if shell is None:
        return None, ()
    places = tuple(at for at, term in enumerate(terms) if term is not None)
    return shell.model_copy(update={"terms": tuple(terms[at] for at in places)}), places


def read_head(raw: dict[str, Any], report: Report) -> CaseHead:
    """What stands beside the sections: name, horizon, currency, events."""
    found = _read(Head, raw, (), report, Declared)
    if found is not None:
        return CaseHead(found)
    bad = {key for key in raw if _mistaken(key, raw[key])}
    good = {key: value for key, value in raw.items() if key not in bad}
    unread = bad | {key for key in _PLACEHOLDERS if key not in good} | _meant(raw)
    return CaseHead(Head.model_validate({**_PLACEHOLDERS, **good}), frozenset(unread))


def _meant(raw: dict[str, Any]) -> set[str]:
    """The keys that unknown ones were meant to be."""
    absent = {field.alias or name for name, field in Declared.model_fields.items()} - raw.keys()
    return {near for key in raw if key not in Declared.model_fields and (near := nearest(key, absent))}


def _mistaken(key: str, value: Any) -> bool:
    try:
        Head.model_validate({**_PLACEHOLDERS, key: value}, by_alias=True, by_name=False)
    except (ValidationError, RecursionError):
        return True
    return False


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Made for the kinds that a case uses only: it takes a third of the time that a small case is read in."""
    return TypeAdapter(kind)


def _read(
    kind: Any, raw: Any, path: KeyPath, report: Report, among: Any = None, *, guessed: bool = False
) -> Any | None:
    """``among``: the kind whose keys are suggested, where it is not the one that is read.

    ``guessed``: its kind is. What is written in it is judged then, and not what is missing.
    """
    try:
        return _reader(kind).validate_python(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        for flaw in flaws(error, raw, among or kind):
            if flaw.path or not guessed:
                report(replace(flaw, path=(*path, *flaw.path)))
        if (meant := as_meant(error, raw)) is not None:
            _read(kind, meant, path, report, among, guessed=True)
    except RecursionError:
        report(Flaw("is nested too deeply", "write it flatter", path))
    return None
