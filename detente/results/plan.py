"""A plan: what runs where, what is bought, what is owed. Results only: frozen, saved with the hash of their case.

Owns: ``Plan``, and saving and loading it. Not here: its rows (``plan_rows``), how a plan is found (``planner``) and how
it is shown (``report``). Money is exact (whole nano-units); work is in the workload's unit;
``taken`` is in the offer's own unit (GPU-hours or Mtok). All amounts of a period are totals over the time that the
period stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from detente.contract.settled.posting import Posting
from detente.contract.settled.standing import FLOOR, MILESTONE, SUPERSEDED, Standing
from detente.errors import PlanError
from detente.results.allocations import AMOUNTS, Allocations, AsColumns
from detente.results.checksum import CHECKSUM, checksum
from detente.results.falling import CostRows, present_value
from detente.results.head import AnswerHead
from detente.results.integrity import faults, unlike
from detente.results.large_table import as_saved, canonical, columns_of
from detente.results.plan_rows import (
    Allocation,
    CapacityRow,
    ClauseRow,
    Decision,
    Note,
    PeriodRow,
    ProviderCharge,
    ProviderMove,
    ProviderRow,
    Purchase,
    RoundedInvoices,
    Standby,
    StatedCharge,
    Unserved,
    WorkloadRow,
)
from detente.results.rows import Section, dicts, must_be_section
from detente.values.file import read, write_with
from detente.values.json_text import parsed
from detente.values.money import shown
from detente.values.parquet import columns_as_parquet
from detente.values.period import named
from detente.values.quantity import LARGEST, Exact, in_percent, plain

SAVE = "`detente plan CASE --out FOLDER`"
MAX_BYTES = 1024 * 2**20
NO_BOUND = Decimal(-LARGEST)
"""What no plan of a case that can be read costs less than: the bound of a plan for which none was found."""


@dataclass(frozen=True, slots=True)
class Plan(AnswerHead):
    """A least-cost plan under every clause, with its exact cost, a proven lower bound and the gap.

    ``bill`` is ``charges`` at list price and all ``postings`` (discounts, fees, shares, credits). ``cost`` is ``bill``
    plus ``unserved_cost`` (the value of demand not served) and ``moving_cost`` (what ``moves`` cost). ``gap`` is
    (cost - bound) / |cost|. ``rounding`` is the part of the gap that comes from buying whole units.
    ``present_value`` is the cost on the plan's first day at ``discount_rate`` a year, where the case states one.
    ``bounded_by`` says whence the bound is: the whole ``program``, or, where there was no time to solve it, the
    ``prices`` that were known by then.
    """

    FORMAT = "detente-plan/7"

    status: Literal["optimal", "feasible", "time-limit", "interrupted"]
    cost: Exact
    bound: Exact
    gap: Exact
    bill: Exact
    unserved_cost: Exact
    moving_cost: Exact
    rounding: Exact
    periods: tuple[PeriodRow, ...]
    allocations: Annotated[Sequence[Allocation], AsColumns]
    standby: tuple[Standby, ...]
    purchases: tuple[Purchase, ...]
    standings: tuple[Standing, ...]
    unserved: tuple[Unserved, ...]
    moves: tuple[ProviderMove, ...]
    charges: tuple[ProviderCharge, ...]
    postings: tuple[Posting, ...]
    clauses: tuple[ClauseRow, ...]
    workloads: tuple[WorkloadRow, ...]
    providers: tuple[ProviderRow, ...]
    capacity: tuple[CapacityRow, ...]
    decisions: tuple[Decision, ...]
    notes: tuple[Note, ...]
    stated: tuple[StatedCharge, ...] = ()
    rounded: tuple[RoundedInvoices, ...] = ()
    discount_rate: Exact | None = None
    present_value: Exact | None = None
    bounded_by: Literal["program", "prices"] = "program"

    def __repr__(self) -> str:
        count = len(self.periods)
        what = f"{self.case}: {self.status}, {shown(self.cost, self.currency)}"
        return f"Plan({what}, {count} {'period' if count == 1 else 'periods'})"

    @property
    def has_bound(self) -> bool:
        """Whether a lower bound was found before the solver stopped."""
        return self.bound > NO_BOUND

    @property
    def commitments(self) -> tuple[Standing, ...]:
        """Where commitments stand: what must be drawn in each window, and what is short."""
        return tuple(s for s in self.standings if s.role == FLOOR)

    @property
    def milestones(self) -> tuple[Standing, ...]:
        """Where milestones stand: what must be drawn in all by a day, and what is short."""
        return tuple(s for s in self.standings if s.role == MILESTONE)

    @property
    def superseded(self) -> tuple[Standing, ...]:
        """Windows of commitments that an amendment took over whole."""
        return tuple(s for s in self.standings if s.role == SUPERSEDED)

    @property
    def cost_rows(self) -> CostRows:
        """The rows that its cost is made of."""
        uses = self.allocations, self.capacity, self.charges
        return CostRows(self.cost, self.periods, *uses, self.unserved, self.moves, self.postings)

    def dates(self, clause: ClauseRow) -> str:
        """When a clause is in force, if it was amended and its id means several; else nothing."""
        amended = sum(other.term == clause.term for other in self.clauses) > 1
        return named(clause.start, clause.end) if amended else ""

    def rows(self, section: Section = "allocations") -> list[dict[str, Any]]:
        """A section as plain dicts with dates and units, for a data frame: see ``rows.dicts``.

        Raises CaseError for a section that a plan does not have.
        """
        must_be_section(section, get_args(Section))
        units = {w.workload: w.unit for w in self.workloads}
        return list(dicts(getattr(self, section), self.periods, units, self.currency))

    def to_json(self) -> str:
        """One JSON document; money and work as decimal strings without exponent. Its first member is its checksum."""
        large = {"allocations": Allocations.of(self.allocations).in_json(), "capacity": columns_of(self.capacity)}
        rest = _as_json().dump_python(replace(self, allocations=(), capacity=()), mode="json")
        hashed = checksum(rest, {name: canonical(columns) for name, columns in large.items()})
        members = (
            f'"{name}":{as_saved(large[name]) if name in large else to_json(value).decode()}'
            for name, value in {CHECKSUM: hashed, **rest}.items()
        )
        return f"{{{','.join(members)}}}"

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "plan") -> Plan:
        """The plan that ``to_json`` wrote, in any layout. Raises PlanError, also where it was changed."""
        document = _document(text, name)
        written = document.get("format")
        if written is None:
            raise PlanError(f"{name}: not a saved plan: it states no `format`; plan again")
        if written != cls.FORMAT:
            raise PlanError(f"{name}: written as `{str(written)[:60]}`; this version reads `{cls.FORMAT}`: plan again")
        try:
            plan = _as_json().validate_json(json.dumps(document))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise PlanError(f"{name}: not a saved plan: {place}: {first['msg']}; plan again") from None
        held = from_json(_as_json().dump_json(plan))
        fault = next(chain(unlike(document, held), faults(held), plan._worth()), None)
        if fault is None and document.get(CHECKSUM) != checksum(document):
            fault = f"its content is not that of its `{CHECKSUM}`"
        if fault is not None:
            raise PlanError(f"{name}: {fault}: it was changed since it was saved; plan again")
        return plan

    def _worth(self) -> Iterator[str]:
        """What does not hold of its present value: it is that of its rows at its rate."""
        if self.discount_rate is not None and self.present_value is not None:
            try:
                found = present_value(self.cost_rows, self.discount_rate)
            except ArithmeticError:
                yield f"at {in_percent(self.discount_rate)} a year nothing has a present value"
                return
            if found != self.present_value:
                told = f"its present_value is {plain(self.present_value)} at {in_percent(self.discount_rate)} a year"
                yield f"{told}, and its rows come to {plain(found)}"

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``plan.json``, and ``allocations.parquet`` where pyarrow is installed. Returns what was written.

        Killed at any moment, it leaves the old plan or the new one, and never allocations of another plan beside it.
        Raises OSError; then the old ones are still there.
        """
        plan, table = Path(folder) / "plan.json", Path(folder) / "allocations.parquet"
        allocations = self._as_parquet()
        write_with(plan, f"{self.to_json()}\n".encode(), {table: allocations})
        return [plan] if allocations is None else [plan, table]

    def _as_parquet(self) -> bytes | None:
        """The allocations as a Parquet file; None where pyarrow is not installed."""
        columns = Allocations.of(self.allocations).columns()
        return columns_as_parquet(columns, exact=AMOUNTS, whole=("period",))

    @classmethod
    def load(cls, path: str | Path, case_hash: str | None = None) -> Plan:
        """Read a saved plan (its folder or its file).

        Raises
        ------
        PlanError
            Where it cannot be read, it does not hold against itself (``integrity``), or it was made of another case
            than the one whose hash is given.
        """
        path = Path(path)
        file = path / "plan.json" if path.is_dir() else path
        if path.is_dir() and not file.exists() and (path / "case.yaml").exists():
            raise PlanError(f"{path}: holds a case and no `plan.json`; save a plan of it: {SAVE}")
        try:
            text = read(file, MAX_BYTES)
        except FileNotFoundError:
            raise PlanError(f"{file}: does not exist; save a plan: {SAVE}") from None
        except OSError as error:
            raise PlanError(f"{file}: cannot be read: {error.strerror or error}; save a plan: {SAVE}") from None
        plan = cls.from_json(text, str(file))
        if case_hash is not None:
            plan.must_be_of(case_hash, str(file))
        return plan

    def must_be_of(self, case_hash: str, name: str) -> None:
        """Raise PlanError where the plan was made of another case, or of this one before it changed."""
        if self.hash != case_hash:
            here, there = case_hash[:12], self.hash[:12]
            raise PlanError(f"{name}: made of another case (hash {there}, the case has {here}); plan again")


@cache
def _as_json() -> TypeAdapter[Plan]:
    """Made when a plan is first read or written: most commands do neither, and start sooner."""
    return TypeAdapter(Plan)


def _document(text: str | bytes, name: str) -> dict[str, Any]:
    """The members of a JSON document. Raises PlanError."""
    try:
        found = parsed(text)
    except ValueError as error:
        said = text.decode(errors="replace") if isinstance(text, bytes) else text
        if re.search(r"^(horizon|offers|workloads)\s*:", said[:100_000], re.MULTILINE):
            raise PlanError(f"{name}: is a case, and not a saved plan; save a plan of it: {SAVE}") from None
        what = f"it cannot be read as JSON ({str(error)[:100]})"
        raise PlanError(f"{name}: not a saved plan: {what}; plan again") from None
    if not isinstance(found, dict):
        raise PlanError(f"{name}: not a saved plan: it is no JSON object; plan again")
    if "horizon" in found:
        raise PlanError(f"{name}: is a case, and not a saved plan; save a plan of it: {SAVE}")
    return found


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a saved plan."""
    found = _as_json().json_schema(mode="serialization")
    known = found["properties"]
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of all else, in canonical form"}
    found["properties"] = {
        CHECKSUM: digest,
        **known,
        "format": {"const": Plan.FORMAT},
        "hash": digest | {"description": "of the case"},
    }
    found["required"] = [CHECKSUM, *known]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
