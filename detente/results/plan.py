"""A plan: what runs where, what is bought, what is owed. Results only: frozen, saved with the hash of their case.

Owns: ``Plan`` and its rows, and saving and loading them. Not here: how a plan is found
(``planner``) and how it is shown (``report``). Money is exact (whole nano-units); work is in the workload's unit;
``taken`` is in the offer's own unit (GPU-hours or Mtok). All amounts of a period are totals over the time that the
period stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from detente.contract.posting import Posting
from detente.errors import PlanError
from detente.values.file import read, write_with
from detente.values.money import CENT, NANO
from detente.values.period import End
from detente.values.quantity import Exact, plain

FORMAT = "detente-plan/1"
MOST_BYTES = 1024 * 2**20


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A period of the grid; see ``period.Period``."""

    index: int
    start: datetime
    end: datetime
    span_start: datetime
    span_end: datetime
    hours: Exact


@dataclass(frozen=True, slots=True)
class Allocation:
    """Work of one workload on one offer in one period."""

    workload: str
    offer: str
    provider: str
    region: str
    period: int
    work: Exact
    taken: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class Standby:
    """Work that an offer could take over at once if another provider were lost."""

    workload: str
    offer: str
    provider: str
    period: int
    work: Exact


@dataclass(frozen=True, slots=True)
class Purchase:
    """Whole units of an offer, held from start to end; for an hour-priced offer, the periods it is rented."""

    offer: str
    provider: str
    start: datetime
    end: datetime
    units: int
    hours: Exact
    cost: Exact
    reserved: bool


@dataclass(frozen=True, slots=True)
class CommitmentWindow:
    """A minimum commitment in one window: required and spend, what came over and what goes on, what is short."""

    term: str
    provider: str
    start: datetime
    end: End
    required: Exact
    spend: Exact
    brought: Exact
    carried: Exact
    shortfall: Exact
    fee: Exact

    @property
    def missed(self) -> bool:
        """Whether it falls short by a cent or more: less is a rounding (whole quanta of work), and on no invoice."""
        return self.shortfall >= CENT


@dataclass(frozen=True, slots=True)
class Unserved:
    """Demand that is not served in a period, and what that costs."""

    workload: str
    period: int
    work: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class MarginalPrice:
    """What the next unit of a clause is worth in one window: money per unit of its right-hand side.

    It is the dual of the program in which whole units may be divided: with them fixed, the spare part of one unit
    hides what every clause is worth.

    Not the clause's price: that is a re-solve without it (§7).
    """

    part: str
    start: datetime
    end: End
    price: Exact
    unit: str


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """A clause in force, in its own words, and where it binds."""

    term: str
    kind: str
    agreement: str
    counterparty: str
    text: str
    source: str
    sentence: str
    start: datetime
    end: End
    binds: bool
    owed: Exact
    marginal: tuple[MarginalPrice, ...]


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """A workload: its demand over the horizon and what is served."""

    workload: str
    kind: str
    unit: str
    labels: dict[str, str]
    demand: Exact
    served: Exact


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider: what it is after (given), and what the plan makes of it (computed).

    ``work`` and ``share_of_work`` are by unit of work. ``effective_price`` is spend after discounts per unit of work,
    by unit (of the part of spend that serves it). ``deployments`` counts the workload-offer pairs that run there.
    """

    provider: str
    name: str
    interest: str
    spend: Exact
    share_of_spend: Exact
    work: dict[str, Exact]
    share_of_work: dict[str, Exact]
    effective_price: dict[str, Exact]
    deployments: int
    workloads: tuple[str, ...]
    idle: Exact


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """An offer in a period, in its own unit: the limit (None: no limit), what is bought, used and on standby."""

    offer: str
    provider: str
    period: int
    limit: Exact | None
    bought: Exact
    used: Exact
    standby: Exact


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a workload runs (or does not run) on an offer: one sentence, and the clauses it cites (§1)."""

    workload: str
    offer: str
    work: Exact
    sentence: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A least-cost plan under every clause, with its exact cost, a proven lower bound and the gap.

    ``cost`` is ``bill`` (what is owed in money, clause by clause in ``postings`` beside the list charges) plus
    ``unserved_cost`` (the value of demand not served). ``gap`` is (cost - bound) / |cost|. ``rounding`` is the part of
    the gap that comes from buying whole units.
    """

    format: str
    case: str
    title: str
    hash: str
    currency: str
    reading: str | None
    scenario: str | None
    status: Literal["optimal", "feasible", "time-limit", "interrupted"]
    cost: Exact
    bound: Exact
    gap: Exact
    bill: Exact
    unserved_cost: Exact
    rounding: Exact
    periods: tuple[PeriodRow, ...]
    allocations: tuple[Allocation, ...]
    standby: tuple[Standby, ...]
    purchases: tuple[Purchase, ...]
    commitments: tuple[CommitmentWindow, ...]
    unserved: tuple[Unserved, ...]
    postings: tuple[Posting, ...]
    clauses: tuple[ClauseRow, ...]
    workloads: tuple[WorkloadRow, ...]
    providers: tuple[ProviderRow, ...]
    capacity: tuple[CapacityRow, ...]
    decisions: tuple[Decision, ...]

    def to_json(self) -> str:
        """One JSON document; money and work as decimal strings without exponent."""
        return _PLAN.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "plan") -> Plan:
        """The plan that ``to_json`` wrote. Raises PlanError."""
        try:
            plan = _PLAN.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise PlanError(f"{name}: not a saved plan: {place}: {first['msg']}") from None
        if plan.format != FORMAT:
            raise PlanError(f"{name}: written as `{plan.format}`; this version reads `{FORMAT}`: plan again")
        plan._must_add_up(name)
        return plan

    def _must_add_up(self, name: str) -> None:
        """Raise PlanError where a total is not what its parts come to: somebody edited it."""
        rebated = {c.term for c in self.clauses if c.kind == "discount"}  # spend is after discounts
        spend = sum((p.spend for p in self.providers), Decimal(0))
        owed = sum((p.amount for p in self.postings if p.owed and p.term not in rebated), Decimal(0))
        unserved = sum((u.cost for u in self.unserved), Decimal(0))
        for what, stated, parts, found in (
            ("cost", self.cost, "bill and unserved_cost", self.bill + self.unserved_cost),
            ("bill", self.bill, "the spend of `providers` and the owed lines of `postings`", spend + owed),
            ("unserved_cost", self.unserved_cost, "the costs of `unserved`", unserved),
        ):
            if abs(stated - found) > NANO * (1 + len(self.unserved)):  # each of its lines is rounded by itself
                said = f"its {what} is {plain(stated)}, and {parts} come to {plain(found)}"
                raise PlanError(f"{name}: {said}: it was changed since it was saved; plan again")

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
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            return None
        columns = Allocation.__slots__
        exact = pyarrow.decimal128(38, 9)
        types = dict.fromkeys(columns, pyarrow.string()) | {"period": pyarrow.int32()}
        types |= dict.fromkeys(("work", "taken", "cost"), exact)
        table = pyarrow.table(
            {c: pyarrow.array([getattr(a, c) for a in self.allocations], type=types[c]) for c in columns}
        )
        found = pyarrow.BufferOutputStream()
        parquet.write_table(table, found)
        return bytes(found.getvalue())

    @classmethod
    def load(cls, path: str | Path, case_hash: str | None = None) -> Plan:
        """Read a saved plan (its folder or its file).

        Raises
        ------
        PlanError
            Where it cannot be read, its totals are not what their parts come to, or it was made of another case than
            the one whose hash is given.
        """
        path = Path(path)
        file = path / "plan.json" if path.is_dir() else path
        try:
            text = read(file, MOST_BYTES)
        except OSError as error:
            raise PlanError(f"{file}: cannot be read: {error.strerror or error}") from None
        plan = cls.from_json(text, str(file))
        if case_hash is not None:
            plan.must_be_of(case_hash, str(file))
        return plan

    def must_be_of(self, case_hash: str, name: str) -> None:
        """Raise PlanError where the plan was made of another case, or of this one before it changed."""
        if self.hash != case_hash:
            here, there = case_hash[:12], self.hash[:12]
            raise PlanError(f"{name}: made of another case (hash {there}, the case has {here}); plan again")


_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
