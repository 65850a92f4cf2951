"""A draft: a case's arcs and periods laid over a program; what a clause sees when it shapes a plan.

Owns: the arcs (workload on offer), the columns of use, purchase, standby and unserved demand, the price of each, and
the measures and slacks that clauses are written in (``term.Program``). Not here: the order in which things are
defined (``formulate``), and the solver (``program``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.case import Case
from detente.offer import AnyOffer, GpuOffer, ProvisionedOffer, TokenOffer
from detente.period import Period, Window, later, moment, overlap
from detente.planner.program import Expr, Floats, Ints, Part, Program, Rows
from detente.scope import Facts, Selection
from detente.term import Term
from detente.usage import Measure
from detente.workload import AnyWorkload, Batch, Training, can_run, job_periods

QUANTUM = Fraction(1, 10**6)
"""Work is planned in whole multiples of this much of its unit."""

WHOLE_LINE = 100
"""Units of which at most this many can be needed are integers in the program; above, they are rounded up after it,
which costs at most 1% of that purchase and counts in the gap."""

IDLE_MARGIN = 1e-6
"""A whole unit is idle if this much less than one is: the solver knows only closed bounds."""

WHOLE_MOST = 400
"""At most so many integer columns of capacity bought by the hour; beyond, those are rounded up as well."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Arc:
    """A workload on an offer that can technically run it (§5).

    ``per_work`` is what a unit of work takes of the offer, in the offer's unit. ``own`` is a gang's own run on
    capacity bought by the hour: it is paid for by use, since a gang starts and stops as a whole.
    """

    index: int
    workload: AnyWorkload
    offer: AnyOffer
    demand: Facts
    sold: Facts
    per_work: Fraction
    own: bool
    egress: Fraction = Fraction(0)
    egress_facts: Facts | None = None

    @property
    def metered(self) -> bool:
        """Whether it is paid for by use, and not through units bought."""
        return isinstance(self.offer, TokenOffer) or self.own


@dataclass(frozen=True)
class Prices:
    """An exact price in each period, None where there is none: most prices change seldom, so few are distinct."""

    distinct: tuple[Fraction | None, ...]
    which: NDArray[np.int32]

    def __getitem__(self, period: int) -> Fraction | None:
        return self.distinct[int(self.which[period])]

    def over(self, flow: Fraction) -> Prices:
        """The price of a unit that does so much at once, per unit of what it does."""
        return Prices(tuple(None if p is None else p / flow for p in self.distinct), self.which)

    def floats(self) -> Floats:
        """As floats, NaN for None."""
        found: Floats = np.array([np.nan if p is None else float(p) for p in self.distinct])[self.which]
        return found


@dataclass
class Units:
    """What may be bought of one offer: columns of whole steps, and how each column reads as units in each period.

    A column stands for ``step`` units from its ``start`` period on; ``opening`` columns stand for the minimum of a
    purchase. ``serve[i]`` are the periods that column i's units serve, ``paid[i]`` the hours paid in each, and
    ``rate[i]`` the money per unit and hour: that of the period it starts in.
    """

    offer: GpuOffer | ProvisionedOffer
    columns: Ints
    units: Floats
    starts: list[int]
    serve: list[NDArray[np.int64]]
    paid: list[dict[int, Fraction]]
    most: Floats
    rate: list[Fraction]

    @cached_property
    def each(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
        """(which column, period, hours paid, list price) for one of every column's units in every paid period."""
        column = np.repeat(np.arange(len(self.paid)), [len(paid) for paid in self.paid])
        period = np.array([t for paid in self.paid for t in paid], dtype=np.int64)
        hours = np.array([float(h) for paid in self.paid for h in paid.values()], dtype=np.float64)
        rate = np.array([float(r) for r in self.rate], dtype=np.float64)
        hours *= self.units[column]
        return column, period, hours, hours * rate[column]


@dataclass
class Group:
    """Periods in which demand may be moved about: each hour of inference, a batch's window, a whole job."""

    periods: NDArray[np.int64]
    demand: int  # quanta

    @property
    def work(self) -> float:
        """The demand in the workload's unit (the float nearest to it)."""
        return self.demand / QUANTUM.denominator


class Draft:
    """The program of a case, as far as it is shaped."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.horizon = case.declared.horizon
        self.program = Program()
        self.periods = case.periods
        self.n = len(self.periods)
        self.hours: Floats = np.array([float(p.hours) for p in self.periods])
        self.demand_facts = {w.id: w.facts for w in case.workloads}
        self.arcs = self._arcs()
        self.of_workload: dict[str, list[Arc]] = {w.id: [] for w in case.workloads}
        self.of_offer: dict[str, list[Arc]] = {o.id: [] for o in case.offers}
        for arc in self.arcs:
            self.of_workload[arc.workload.id].append(arc)
            self.of_offer[arc.offer.id].append(arc)
        places = {o.id: place for place, o in enumerate(case.offers)}
        self._offer_of = np.array([places[a.offer.id] for a in self.arcs], dtype=np.int64)
        places = {w.id: place for place, w in enumerate(case.workloads)}
        self._workload_of = np.array([places[a.workload.id] for a in self.arcs], dtype=np.int64)
        self.place = {a.index: row for arcs in self.of_workload.values() for row, a in enumerate(arcs)}
        self.unit_price = {o.id: self._unit_prices(o) for o in case.offers if not isinstance(o, TokenOffer)}
        self.list_price, self.listed = self._use_prices()
        self.off = {o.id: np.zeros(self.n) for o in case.offers}
        self.off_arc: dict[int, Floats] = {}
        self.off_egress: dict[int, Floats] = {}
        self.groups = {w.id: self._groups(w) for w in case.workloads}
        self.units: dict[str, Units] = {}
        self.unserved: dict[str, Ints] = {}
        self.standby: dict[str, Ints] = {}
        self.gangs: list[tuple[Arc, Ints, list[NDArray[np.int64]]]] = []
        self.x: Ints = np.zeros((0, self.n), dtype=np.int32)
        self._overlaps: dict[tuple[Window, ...], tuple[Any, Any, Any]] = {}
        self._limits: dict[str, Sequence[Any]] = {}

    # -- arcs and prices -----------------------------------------------------------------------------------------
    def _arcs(self) -> list[Arc]:
        found: list[Arc] = []
        for workload in self.case.workloads:
            for offer in self.case.offers:
                if not can_run(workload, offer):
                    continue
                egress, place = self.case.egress(workload, offer)
                facts = self._egress_facts(place) if egress else None
                gang = isinstance(workload, Training) and workload.gang is not None
                own = gang and isinstance(offer, GpuOffer) and not offer.reserved
                sold = self.case.offer_facts[offer.id]
                per_work = per_unit_of_work(workload, offer)
                demand = self.demand_facts[workload.id]
                found.append(Arc(len(found), workload, offer, demand, sold, per_work, own, egress, facts))
        return found

    def _egress_facts(self, place: str) -> Facts:
        """Moving data is sold by the place it leaves."""
        provider, _, region = place.partition("/")
        facts = {"product": "egress", "provider": provider, "region": region, "offer": f"{place} egress"}
        known = self.case.providers[provider].regions.get(region)
        return {**facts, "country": known.country} if known else facts

    def _use_prices(self) -> tuple[list[Prices], Floats]:
        """List price per unit of work of each arc in each period; None where it has no price or cannot be had."""
        exact = [self._use_price(arc) for arc in self.arcs]
        floats = np.empty((len(self.arcs), self.n))
        for row, prices in enumerate(exact):
            floats[row] = prices.floats()
        return exact, floats

    def _use_price(self, arc: Arc) -> Prices:
        offer = arc.offer
        if isinstance(offer, TokenOffer):
            mix = arc.workload.mix
            assert mix is not None
            fresh, cached, output = mix.parts
            batch = isinstance(arc.workload, Batch) and _waits_a_day(arc.workload)

            def of(prices: Any) -> Fraction:
                from_cache = prices.cached_input or prices.input
                price = fresh * Fraction(prices.input.amount) + cached * Fraction(from_cache.amount)
                price += output * Fraction(prices.output.amount)
                return price * Fraction(prices.batch) if batch and prices.batch is not None else price

            return self._over_periods(offer, offer.price, of)
        return self.unit_price[offer.id].over(offer.unit_flow / arc.per_work)  # work a unit does in an hour

    def _unit_prices(self, offer: AnyOffer) -> Prices:
        assert not isinstance(offer, TokenOffer)
        return self._over_periods(offer, offer.price, offer._per_unit_hour)

    def _over_periods(self, offer: AnyOffer, price: Any, of: Any) -> Prices:
        if _undated(price) and not offer.from_ and not offer.until:
            return Prices((of(price.steps[0][1]),), np.zeros(self.n, dtype=np.int32))
        spans, which = self._spans
        return Prices(tuple(price.mean(*span, of) if offer.open(*span) else None for span in spans), which)

    def at_most(self, offer: AnyOffer) -> Sequence[Any]:
        """Units (of tokens: Mtok an hour) there are of an offer in each period; None where not limited."""
        if offer.id not in self._limits:
            of = offer.flow_at_most if isinstance(offer, TokenOffer) else offer.units_at_most
            if (offer.capacity is None or _undated(offer.capacity)) and not offer.from_ and not offer.until:
                self._limits[offer.id] = [of(self.periods[0])] * self.n
            else:
                self._limits[offer.id] = [of(period) for period in self.periods]
        return self._limits[offer.id]

    @cached_property
    def _spans(self) -> tuple[list[tuple[datetime, datetime]], Ints]:
        """The distinct calendar spans of the grid, and which of them each period stands for."""
        place: dict[tuple[datetime, datetime], int] = {}
        which = [place.setdefault((p.span_start, p.span_end), len(place)) for p in self.periods]
        return list(place), np.array(which, dtype=np.int32)

    # -- demand --------------------------------------------------------------------------------------------------
    def _groups(self, workload: AnyWorkload) -> list[Group]:
        if isinstance(workload, Training):
            periods = np.array([p.index for p in job_periods(workload, self.periods)], dtype=np.int64)
            return [Group(periods, round(Fraction(workload.work.value) / QUANTUM))]
        quanta = [round(d / QUANTUM) for d in self.case.demand[workload.id]]
        if isinstance(workload, Batch):
            return [Group(t, sum(quanta[i] for i in t)) for t in self._waits(workload)]
        return [Group(np.array([i]), d) for i, d in enumerate(quanta)]

    def _waits(self, workload: Batch) -> list[NDArray[np.int64]]:
        """Periods in runs of the length that work may wait; a run never leaves a typical week."""
        runs: list[list[int]] = []
        end = None
        for p in self.periods:
            new = not runs or end is None or p.start >= end or p.span_start != self.periods[runs[-1][0]].span_start
            if self.horizon.typical is None:
                new = not runs or end is None or p.end > end
            if new:
                runs.append([])
                end = later(p.start, workload.within)
            runs[-1].append(p.index)
        return [np.array(run, dtype=np.int64) for run in runs]

    # -- define: each called once by ``formulate`` ---------------------------------------------------------------
    def define_use(self) -> None:
        """A column for each arc and period: work done; at most the work there is."""
        most = np.zeros((len(self.arcs), self.n))
        for arc in self.arcs:
            most[arc.index] = self._most_use(arc)
        self.x = self.program.columns("use", "work", most.shape, upper=most)

    def define_availability(self) -> None:
        """No use where an offer has no price, is not on offer or too small for a gang."""
        for arc in self.arcs:
            closed = np.isnan(self.listed[arc.index])
            if isinstance(arc.workload, Training) and arc.workload.gang and isinstance(arc.offer, GpuOffer):
                gang = int(arc.workload.gang.value)
                limits = self.at_most(arc.offer)
                closed |= np.array([m is not None and m * arc.offer.unit < gang for m in limits])
            self.program.hold(f"offer/{arc.offer.id}", self.x[arc.index, closed])

    def define_unserved(self) -> None:
        """Demand that is not served, at its value; none where it must be served."""
        for workload in self.case.workloads:
            if workload.value is None:
                continue
            most = [g.work for g in self.groups[workload.id]]
            self.unserved[workload.id] = self.program.columns(
                "unserved", workload.id, len(most), cost=float(workload.value.amount), upper=most
            )

    def define_units(self) -> None:
        """Columns of capacity bought in units: by the hour in each period, or for a term from a start."""
        for offer in self.case.offers:
            if isinstance(offer, TokenOffer) or all(arc.own for arc in self.of_offer[offer.id]):
                continue
            columns = self._terms_of(offer) if offer.reserved else self._hourly(offer)
            if columns:
                self._define_units_of(offer, columns)

    def _most_units(self, offer: GpuOffer | ProvisionedOffer) -> list[int]:
        """The most whole units that could be of any use in each period."""
        need = np.zeros(self.n)
        for arc in self.of_offer[offer.id]:
            if not arc.own:
                need += self._most_use(arc) * float(arc.per_work) / (self.hours * float(offer.unit_flow))
        least = offer.minimum if isinstance(offer, ProvisionedOffer) else 1
        found = []
        for limit, units in zip(self.at_most(offer), need.tolist(), strict=True):
            useful = max(least, int(np.ceil(units - 1e-9))) if units > 0 else 0
            if isinstance(offer, ProvisionedOffer) and useful:
                useful = least + -(-(useful - least) // offer.increment) * offer.increment
            found.append(useful if limit is None else min(useful, limit))
        return found

    def _most_use(self, arc: Arc) -> Floats:
        """The most work an arc could do in each period (with standby for others)."""
        return self._most_work[arc.workload.id]

    @cached_property
    def _most_work(self) -> dict[str, Floats]:
        return {
            name: np.where(owner >= 0, np.append(work, 0.0)[owner], 0.0)
            for name, (owner, work) in self.grouping.items()
        }

    def _hourly(self, offer: GpuOffer | ProvisionedOffer) -> list[tuple[int, NDArray[np.int64], dict[int, Fraction]]]:
        prices = self.unit_price[offer.id]
        return [(t, np.array([t]), {t: p.hours}) for t, p in enumerate(self.periods) if prices[t] is not None]

    def _terms_of(self, offer: GpuOffer | ProvisionedOffer) -> list[tuple[int, NDArray[np.int64], dict[int, Fraction]]]:
        """Starts on the first period of a month (or on the stated days), with what each serves and pays."""
        assert offer.term is not None
        end = moment(self.horizon.end)
        allowed = {moment(d) for d in offer.starts} if offer.starts else None
        found = []
        for t, period in enumerate(self.periods):
            before = self.periods[t - 1] if t else None
            month = (period.span_start.year, period.span_start.month)
            first = before is None or (before.span_start.year, before.span_start.month) != month
            if not first or (allowed is not None and period.span_start not in allowed):
                continue
            over = later(period.span_start, offer.term)
            if (over > end and offer.cut == "refuse") or self.unit_price[offer.id][t] is None:
                continue
            term = Window(0, period.span_start, over, Fraction(1))
            shares = {p.index: overlap(p, term) for p in self.periods[t:] if p.span_start < over}
            serve = np.array([i for i, share in shares.items() if share == 1], dtype=np.int64)
            found.append((t, serve, {i: share * self.periods[i].hours for i, share in shares.items()}))
        return found

    def _define_units_of(
        self, offer: GpuOffer | ProvisionedOffer, found: list[tuple[int, NDArray[np.int64], dict[int, Fraction]]]
    ) -> None:
        most = self._most_units(offer)
        ceiling = np.array([max((most[i] for i in serve), default=0) for _, serve, _ in found], dtype=np.float64)
        minimum, step = (offer.minimum, offer.increment) if isinstance(offer, ProvisionedOffer) else (1, 1)
        small = ceiling.max(initial=0) / step <= WHOLE_LINE and (offer.reserved or len(found) <= WHOLE_MOST)
        parts: list[tuple[Ints, float]] = []
        if minimum % step == 0 and minimum <= step:
            counts = np.floor(ceiling / step)
            steps = self.program.columns(
                f"units/{offer.id}", "steps", len(found), upper=counts, integer=small, whole=True
            )
            parts.append((steps, step))
        else:
            opened = self.program.columns(
                f"units/{offer.id}", "opened", len(found), upper=np.minimum(1, ceiling), integer=True
            )
            counts = np.maximum(0, np.floor((ceiling - minimum) / step))
            more = self.program.columns(
                f"units/{offer.id}", "steps", len(found), upper=counts, integer=small, whole=True
            )
            parts += [(opened, minimum), (more, step)]
            one = np.arange(len(found), dtype=np.int32)
            rows = Expr(len(found), [(one, more, np.ones(len(found))), (one, opened, -counts)])
            self.program.require(f"units/{offer.id}", "opened", rows <= [0.0] * len(found))
        columns = np.concatenate([c for c, _ in parts])
        repeat = len(parts)
        prices = self.unit_price[offer.id]
        self.units[offer.id] = Units(
            offer,
            columns,
            np.concatenate([np.full(len(found), float(size)) for _, size in parts]),
            [t for t, _, _ in found] * repeat,
            [serve for _, serve, _ in found] * repeat,
            [paid for _, _, paid in found] * repeat,
            np.array(most, dtype=np.float64),
            [price for t, _, _ in found if (price := prices[t]) is not None] * repeat,
        )

    def define_costs(self) -> None:
        """Use at its price after discounts, moving data, and units at theirs."""
        cost = np.zeros(self.x.shape)
        for arc in self.arcs:
            cost[arc.index] = self.net_egress(arc)
            if arc.metered:
                cost[arc.index] += np.nan_to_num(self.net_use(arc))
        self.program.charge(self.x, cost)
        for units in self.units.values():
            column, period, _, price = units.each
            net = price * (1 - self.off[units.offer.id][period])
            paid: Floats = np.bincount(column, weights=net, minlength=len(units.columns)).astype(np.float64)
            self.program.charge(units.columns, paid)

    def net_use(self, arc: Arc) -> Floats:
        """Price of use per unit of work in each period after discounts (NaN where it has none)."""
        found: Floats = self.listed[arc.index] * (1 - self.off[arc.offer.id])
        if arc.index in self.off_arc:
            found = found - self.listed[arc.index] * self.off_arc[arc.index]
        return found

    def net_egress(self, arc: Arc) -> Floats | float:
        """Price of moving data per unit of work after discounts."""
        return float(arc.egress) * (1 - self.off_egress.get(arc.index, 0.0))

    def define_demand(self) -> None:
        """Work done and unserved demand make up demand, in each group of periods."""
        for workload in self.case.workloads:
            owner, demand = self.grouping[workload.id]
            rows = self.grouped(self.x[[a.index for a in self.of_workload[workload.id]]], owner, len(demand))
            if workload.id in self.unserved:
                rows = rows + self._own(self.unserved[workload.id])
            self.program.require(f"demand/{workload.id}", "served", rows == demand)

    @cached_property
    def grouping(self) -> dict[str, tuple[Ints, Floats]]:
        """Of each workload: the group that each period is in (-1: in none), and the work of each group."""
        found = {}
        for name, groups in self.groups.items():
            owner = np.full(self.n, -1, dtype=np.int32)
            for g, group in enumerate(groups):
                owner[group.periods] = g
            found[name] = owner, np.array([group.work for group in groups])
        return found

    def grouped(self, columns: Ints, owner: Ints, n: int) -> Expr:
        """Work of some arcs in each of n groups of periods; ``columns`` are by arc and period."""
        inside = np.flatnonzero(owner >= 0)
        found = columns[:, inside].T.ravel()  # by period, then arc: rows come out sorted
        return Expr(n, [(np.repeat(owner[inside], len(columns)), found, np.ones(len(found)))])

    def _own(self, columns: Ints) -> Expr:
        one = np.arange(len(columns), dtype=np.int32)
        return Expr(len(columns), [(one, columns.astype(np.int32), np.ones(len(columns)))])

    # -- capacity -----------------------------------------------------------------------------------------------
    def define_capacity(self) -> None:
        """Use and standby within what is bought and what there is."""
        for offer in self.case.offers:
            arcs = self.of_offer[offer.id]
            if not arcs:
                continue
            if isinstance(offer, TokenOffer):
                self._limit(offer, arcs, self.at_most(offer))
                continue
            limits = self.at_most(offer)
            flows = [None if m is None else m * offer.unit_flow for m in limits]
            if offer.id in self.units:
                self._bought(offer, arcs, limits)
            if not offer.reserved:
                self._limit(offer, arcs, flows)
        for arc in self.arcs:
            self._gang(arc)

    def _taken(self, arcs: Sequence[Arc], *, standby: bool) -> Expr:
        """What arcs take of their offer in each period, in the offer's unit."""
        columns = [self.x[arc.index] for arc in arcs]
        weights = [float(arc.per_work) for arc in arcs]
        for arc in arcs if standby else ():
            if arc.workload.id in self.standby:
                columns.append(self.standby[arc.workload.id][self.place[arc.index]])
                weights.append(float(arc.per_work))
        if not columns:
            return Expr(self.n)
        rows = np.repeat(np.arange(self.n, dtype=np.int32), len(columns))
        return Expr(self.n, [(rows, np.stack(columns, axis=1).ravel(), np.tile(np.array(weights), self.n))])

    def _limit(self, offer: AnyOffer, arcs: Sequence[Arc], flows: Sequence[Fraction | None]) -> None:
        limited = np.array([f is not None for f in flows])
        if not limited.any():
            return
        most = np.array([np.inf if f is None else float(f) for f in flows]) * self.hours
        taken = self._taken(arcs, standby=True)
        rows = Rows(taken - np.where(limited, most, 0.0), -np.inf, 0.0)
        if not limited.all():
            keep = limited
            parts = [(r[keep[r]], c[keep[r]], v[keep[r]]) for r, c, v in rows.expr.parts]
            rows = Rows(Expr(self.n, parts, rows.expr.constant), -np.inf, 0.0)
        self.program.require(f"offer/{offer.id}", "limit", rows)

    def held(self, offer_id: str) -> Expr:
        """Units that serve in each period."""
        units = self.units[offer_id]
        if not units.serve:
            return Expr(self.n)
        times = [len(serve) for serve in units.serve]
        rows = np.concatenate(units.serve).astype(np.int32)
        return Expr(self.n, [(rows, np.repeat(units.columns, times), np.repeat(units.units, times))])

    def _bought(self, offer: GpuOffer | ProvisionedOffer, arcs: Sequence[Arc], limits: Sequence[int | None]) -> None:
        shared = [a for a in arcs if not a.own]
        held = self.held(offer.id)
        flow = self.hours * float(offer.unit_flow)
        units = Expr(self.n, [(r, c, v * flow[r]) for r, c, v in held.parts])
        use = self._taken(shared, standby=offer.reserved)
        self.program.require(f"units/{offer.id}", "use", use - units <= np.zeros(self.n))
        if offer.reserved:
            if any(m is not None for m in limits):
                most = np.array([LARGE if m is None else float(m) for m in limits])
                self.program.require(f"offer/{offer.id}", "limit", held <= most)
        else:  # nothing is rented only to stand idle: less than one step above what is used
            step = float(offer.increment if isinstance(offer, ProvisionedOffer) else 1) * (1 - IDLE_MARGIN)
            spare = units - self._taken(shared, standby=False)
            if isinstance(offer, ProvisionedOffer):  # the minimum of a purchase may stand idle
                bought = self.units[offer.id]
                if offer.minimum > offer.increment:
                    half = len(bought.starts) // 2  # the columns that open a purchase come first
                    t = np.array(bought.starts[:half], dtype=np.int32)
                    spare = spare - Expr(self.n, [(t, bought.columns[:half], flow[t] * float(offer.minimum))])
            self.program.require(f"units/{offer.id}", "idle", spare <= flow * step)

    def _gang(self, arc: Arc) -> None:
        """A gang runs whole: its rate is at most the whole gangs that fit."""
        job, offer = arc.workload, arc.offer
        if not isinstance(job, Training) or job.gang is None or not isinstance(offer, GpuOffer):
            return
        size = int(job.gang.value)
        t = np.arange(self.n, dtype=np.int32)
        rate = Expr(self.n, [(t, self.x[arc.index], np.full(self.n, float(arc.per_work)))])
        if arc.own:
            limits = self.at_most(offer)
            most = np.array([LARGE if m is None else float(m * offer.unit // size * size) for m in limits]) * self.hours
            if any(m is not None for m in limits):
                self.program.require(f"gang/{job.id}", offer.id, rate <= np.minimum(most, LARGE))
            return
        held = self.held(offer.id)
        steps = sorted(set(self.units[offer.id].starts))
        ends = [*steps[1:], self.n]
        spans = [np.arange(a, b) for a, b in zip(steps, ends, strict=True)]
        if not spans:
            return
        ceiling = max(1.0, float(np.max(self.units[offer.id].most, initial=0.0)) * offer.unit // size)
        gangs = self.program.columns(f"gang/{job.id}", offer.id, len(spans), upper=ceiling, integer=True)
        of = np.zeros(self.n, dtype=np.int32)
        for index, span in enumerate(spans):
            of[span] = gangs[index]
        t = t[steps[0] :]  # before the first start there is nothing to run on, and `units/…/use` says so
        of, hours = of[t], self.hours[t]
        rate = Expr(self.n, [(t, self.x[arc.index, t], np.full(len(t), float(arc.per_work)))])
        own = (t, of, np.full(len(t), float(size)))
        self.program.require(
            f"gang/{job.id}", f"{offer.id}/fits", Expr(self.n, [own]) - held * Fraction(offer.unit) <= np.zeros(self.n)
        )
        run = Expr(self.n, [(t, of, size * hours)])
        self.program.require(f"gang/{job.id}", f"{offer.id}/rate", rate - run <= np.zeros(self.n))
        self.gangs.append((arc, gangs, spans))

    def rounded_up(self, values: Floats) -> dict[str, Floats]:
        """Whole units of each offer that hold what a solution uses: hourly ones by need, reservations as bought."""
        found = {}
        for name, units in self.units.items():
            if units.offer.reserved:
                found[name] = np.ceil(values[units.columns] - 1e-6)
                continue
            starts = np.array(units.starts, dtype=np.int64)
            flow = self.hours * float(units.offer.unit_flow)
            shared = [a for a in self.of_offer[name] if not a.own]
            use = sum((values[self.x[a.index]] * float(a.per_work) for a in shared), np.zeros(self.n))
            need = use[starts] / flow[starts]
            need[need < 1e-7] = 0.0
            count = np.ceil(need / units.units - 1e-7)
            if isinstance(units.offer, ProvisionedOffer) and units.offer.minimum != units.offer.increment:
                half = len(starts) // 2
                count[:half] = need[:half] > 0
                count[half:] = np.ceil(np.maximum(0.0, need[half:] - units.offer.minimum) / units.units[half:] - 1e-7)
            found[name] = count
        return found

    # -- what clauses ask (``term.Program``) ----------------------------------------------------------------------
    def _shares(self, windows: Sequence[Window]) -> tuple[NDArray[np.int32], NDArray[np.int64], Floats]:
        """(window, period, share of the period in the window), for every overlap."""
        key = tuple(windows)
        if key not in self._overlaps:
            found = [
                (w, p.index, float(share))
                for w, window in enumerate(windows)
                for p in self._near(window)
                if (share := overlap(p, window))
            ]
            rows = np.array([f[0] for f in found], dtype=np.int32)
            periods = np.array([f[1] for f in found], dtype=np.int64)
            self._overlaps[key] = rows, periods, np.array([f[2] for f in found], dtype=np.float64)
        return self._overlaps[key]

    def _near(self, window: Window) -> Sequence[Period]:
        return [p for p in self.periods if p.span_start < window.end and p.span_end > window.start]

    def covers(self, selection: Selection, demand: Facts | None, offer: Facts | None) -> bool:
        """What a selection covers; the case was checked, so nothing is unknown."""
        return selection.covers(demand, offer) is True

    def covered(self, selection: Selection) -> Bools:
        """Which arcs a selection covers: asked once for all whose facts are alike in what it asks for."""
        asked = {key for scope in (*selection.within, *selection.outside) for key in scope.wanted}
        demand = _alike(self.demand_facts.values(), asked)[self._workload_of]
        sold = _alike(self.case.offer_facts.values(), asked)[self._offer_of]
        _, first, alike = np.unique(demand * len(self.case.offers) + sold, return_index=True, return_inverse=True)
        some = [self.arcs[index] for index in first.tolist()]
        return np.array([self.covers(selection, arc.demand, arc.sold) for arc in some], dtype=np.bool_)[alike]

    def sum(self, selection: Selection, of: Measure, by: Sequence[Window]) -> Expr:
        """A measure of the plan over what a selection covers, one row a window."""
        windows, periods, share = self._shares(by)
        index, rates = self._rates(selection, of)
        parts: list[Part] = []
        if len(index):
            columns = self.x[index][:, periods].T.ravel()  # by window, then period, then arc: rows come out sorted
            parts.append((np.repeat(windows, len(index)), columns, (rates[:, periods] * share).T.ravel()))
        if of in ("spend", "taken"):
            parts += [
                self._units_measured(units, of, windows, periods, share)
                for units in self.units.values()
                if self.covers(selection, None, self.case.offer_facts[units.offer.id])
            ]
        return Expr(len(by), parts)

    def _rates(self, selection: Selection, of: Measure) -> tuple[NDArray[np.int64], Floats]:
        """Arcs that add to a measure, and what a unit of their work adds to it in each period.

        Units bought count where idle capacity is covered; the work on them then only moves cost between the covered
        and the rest: used capacity is charged to the work on it, pro rata.
        """
        covered = self.covered(selection)
        if of == "work":
            index = np.flatnonzero(covered)
            return index, np.ones((len(index), self.n))
        if of == "revenue":
            revenue = np.array([float(a.workload.revenue.amount) if a.workload.revenue else 0.0 for a in self.arcs])
            index = np.flatnonzero(covered & (revenue != 0))
            return index, np.repeat(revenue[index, np.newaxis], self.n, axis=1)
        sold = self.case.offer_facts.values()
        idle = np.array([self.covers(selection, None, facts) for facts in sold], dtype=np.bool_)
        bought = np.array([not arc.metered for arc in self.arcs], dtype=np.bool_)
        part = covered.astype(np.float64) - (idle[self._offer_of] & bought)
        if of == "taken":
            index = np.flatnonzero(part)
            taken = part[index] * np.array([float(self.arcs[i].per_work) for i in index.tolist()])
            return index, np.repeat(taken[:, np.newaxis], self.n, axis=1)
        moved = {
            a.index: self.net_egress(a)
            for a in self.arcs
            if a.egress and self.covers(selection, a.demand, a.egress_facts)
        }
        adds = part != 0
        adds[list(moved)] = True
        index = np.flatnonzero(adds)
        rates = np.empty((len(index), self.n))
        for row, i in enumerate(index.tolist()):
            rates[row] = part[i] * self.net_use(self.arcs[i])
        np.nan_to_num(rates, copy=False)
        for row, i in enumerate(index.tolist()):
            if i in moved:
                rates[row] += moved[i]
        return index, rates

    def _units_measured(self, units: Units, of: Measure, windows: Ints, periods: Any, share: Floats) -> Part:
        """What one of each column's units adds to a measure in each window."""
        column, period, hours, price = units.each
        each = price * (1 - self.off[units.offer.id][period]) if of == "spend" else hours * float(units.offer.unit_flow)
        order = np.argsort(period, kind="stable")
        first = np.searchsorted(period[order], periods, side="left")
        times = np.searchsorted(period[order], periods, side="right") - first
        paid = np.repeat(first - np.cumsum(times) + times, times) + np.arange(times.sum())  # runs, one after the other
        at = order[paid]
        n = len(units.columns)
        place, parts = np.unique(np.repeat(windows, times).astype(np.int64) * n + column[at], return_inverse=True)
        total = np.bincount(parts, weights=each[at] * np.repeat(share, times), minlength=len(place))
        return (place // n).astype(np.int32), units.columns[place % n], total.astype(np.float64)

    def slack(
        self,
        term: Term,
        part: str,
        n: int,
        *,
        price: Fraction = Fraction(0),
        most: Sequence[Fraction],
        remedy: bool = False,
    ) -> Expr:
        """New amounts of zero or more that a clause owns."""
        columns = self.program.columns(
            f"term/{term.id}", part, n, cost=float(price), upper=[float(m) for m in most], remedy=remedy
        )
        return self._own(columns)

    def most(self, of: Any) -> list[Fraction]:
        """The most that each row of an expression can be: every column at its upper bound."""
        upper = np.concatenate(self.program._upper)
        total = np.zeros(of.n)
        for rows, columns, values in of.parts:
            np.add.at(total, rows, np.maximum(values, 0.0) * upper[columns])
        return [Fraction(float(v)) for v in total + of.constant]

    def require(self, term: Term, part: str, rows: Any) -> None:
        """Rows that a clause owns."""
        self.program.require(f"term/{term.id}", part, rows)

    def charge(self, term: Term, selection: Selection, of: Measure, rate: Fraction) -> None:
        """A cost in proportion to a measure, while the clause is in force."""
        _, periods, share = self._shares([term.in_force(self.horizon)])
        index, rates = self._rates(selection, of)
        self.program.charge(self.x[index][:, periods], rates[:, periods] * share * float(rate))

    def discount(self, term: Term, selection: Selection, rate: Fraction) -> None:
        """A lower price for what is covered, while the clause is in force."""
        _, periods, share = self._shares([term.in_force(self.horizon)])
        for offer in self.case.offers:
            if self.covers(selection, None, self.case.offer_facts[offer.id]):
                self.off[offer.id][periods] += float(rate) * share
        for arc in self.arcs:
            idle = self.covers(selection, None, arc.sold)
            part = int(self.covers(selection, arc.demand, arc.sold)) - int(idle)
            if part:
                off = self.off_arc.setdefault(arc.index, np.zeros(self.n))
                off[periods] += part * float(rate) * share
            if arc.egress and self.covers(selection, arc.demand, arc.egress_facts):
                off = self.off_egress.setdefault(arc.index, np.zeros(self.n))
                off[periods] += float(rate) * share

    def survive(self, term: Term, selection: Selection, share: Fraction) -> None:
        """Standby, so that the loss of any one provider leaves a share of each covered workload's demand.

        For each provider k of a workload: x_k + r_k - R + unserved <= (1 - share) * demand, with R the sum of all
        standby r (design §6).
        """
        window = term.in_force(self.horizon)
        _, periods, inside = self._shares([window])
        forced = np.zeros(self.n, dtype=bool)
        forced[periods[inside > 0]] = True
        covered = self.covered(selection)
        for workload in self.case.workloads:
            arcs = self.of_workload[workload.id]
            if not any(covered[a.index] for a in arcs):
                continue
            owner, demand = self.grouping[workload.id]
            kept = np.bincount(owner[~forced & (owner >= 0)], minlength=len(demand)) == 0
            owner = np.where(kept[owner] & (owner >= 0), np.cumsum(kept)[owner] - 1, -1).astype(np.int32)
            left, n = (1 - float(share)) * demand[kept], int(kept.sum())
            standby = self.standby[workload.id]
            use = self.x[[a.index for a in arcs]]
            for provider in dict.fromkeys(a.offer.provider for a in arcs):
                here = np.array([a.offer.provider == provider for a in arcs])
                rows = self.grouped(use[here], owner, n) - self.grouped(standby[~here], owner, n)
                if workload.id in self.unserved:
                    rows = rows + self._own(self.unserved[workload.id][kept])
                self.program.require(f"term/{term.id}", f"loss of {provider} for {workload.id}", rows <= left)

    def define_standby(self, terms: Sequence[Term]) -> None:
        """Columns of standby for workloads that a redundancy clause covers; none for others."""
        covered = np.zeros(len(self.arcs), dtype=np.bool_)
        for term in terms:
            covered |= self.covered(term.covered)
        for workload in self.case.workloads:
            arcs = self.of_workload[workload.id]
            if any(covered[a.index] for a in arcs):
                most = np.array([self._most_use(a) for a in arcs])
                self.standby[workload.id] = self.program.columns(
                    "standby", workload.id, (len(arcs), self.n), upper=most
                )
                for row, arc in enumerate(arcs):
                    closed = np.isnan(self.listed[arc.index])
                    self.program.hold(f"offer/{arc.offer.id}", self.standby[workload.id][row, closed])

    def deny(self, term: Term, arc: Arc) -> None:
        """A clause keeps work and standby off an arc while it is in force."""
        forced = self._in_force(term)
        self.program.hold(f"term/{term.id}", self.x[arc.index, forced])
        if arc.workload.id in self.standby:
            row = self.place[arc.index]
            self.program.hold(f"term/{term.id}", self.standby[arc.workload.id][row, forced])

    def _in_force(self, term: Term) -> Bools:
        """Periods of which any part lies in a clause's time: a denial for a part denies the whole."""
        key = (term.id, term.force.start)
        if key not in self._forced:
            self._forced[key] = np.array([term.force.over(p.span_start, p.span_end) for p in self.periods])
        return self._forced[key]

    @cached_property
    def _forced(self) -> dict[tuple[str, datetime], Bools]:
        return {}


LARGE = 1e15


def per_unit_of_work(workload: AnyWorkload, offer: AnyOffer) -> Fraction:
    """What a unit of work takes of an offer, in the offer's own unit (GPU-hours, or Mtok).

    Provisioned throughput counts tokens of input; a token of output weighs its ratio, and a cached one nothing
    (Azure: cached tokens are taken off utilisation in full).
    """
    if isinstance(offer, GpuOffer):
        return 1 / Fraction(workload.runs_on.accelerators[offer.accelerator][0])
    if isinstance(offer, TokenOffer):
        return Fraction(1)
    assert workload.mix is not None
    fresh, _, output = workload.mix.parts
    return fresh + output * offer.output_ratio


def _alike(facts: Iterable[Facts], asked: Iterable[str]) -> NDArray[np.int64]:
    """A number for each, the same for those that answer alike to what is asked."""
    known: dict[tuple[str | None, ...], int] = {}
    answers = [tuple(map(each.get, asked)) for each in facts]
    return np.array([known.setdefault(answer, len(known)) for answer in answers], dtype=np.int64)


def _undated(value: Any) -> bool:
    """Whether a dated value holds always."""
    return len(value.steps) == 1 and value.steps[0][0] is None


def _waits_a_day(workload: Batch) -> bool:
    """Batch prices are for work that may take 24 hours."""
    return workload.within.unit != "hour" or workload.within.count >= 24
