"""The planner's model of a bench case, built with linopy as its documentation advises: labelled arrays, no loops.

Owns: the same columns, rows and nonzeros, said in linopy's terms. Everything that is known before a model is built
(prices, demand, what each clause counts) is handed over as ready arrays, outside the timed part: in linopy's favour.
Holds only what `instance` makes: inference and batch workloads, offers of GPUs and tokens, no gangs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from detente.market.offer import GpuOffer, TokenOffer
from detente.planner.formulation.capacity import IDLE_MARGIN
from detente.planner.formulation.draft import Draft
from detente.planner.solving.model import Model

Array = NDArray[Any]


@dataclass
class Clause:
    """One row: its coefficients by kind of column, and its bounds."""

    name: str
    use: xr.DataArray
    units: xr.DataArray
    slack: xr.DataArray
    sign: str
    amount: float


@dataclass
class Data:
    """What the model is made of, as labelled arrays."""

    cost: dict[str, xr.DataArray]
    upper: dict[str, xr.DataArray]
    arcs: dict[str, xr.DataArray]  # by arc: workload, offer, per_work
    demand: dict[str, xr.DataArray]  # by workload and period, by batch and day
    day: xr.DataArray
    backed: Array  # arcs with standby
    pairs: dict[str, Array]  # workload x provider whose loss is survived
    surviving: xr.DataArray
    hourly: Array  # offers rented by the hour
    reserved: Array
    flow: xr.DataArray
    held: dict[str, xr.DataArray]  # by reservation: offer, periods served x units
    limits: dict[str, xr.DataArray]
    clauses: list[Clause]


def data(draft: Draft, model: Model) -> Data:
    """The arrays, read off a formulated draft."""
    upper = np.where(model.zeroed > 0, 0.0, model.upper)
    arcs, n = draft.arcs, draft.n
    t = np.arange(n)
    index = np.arange(len(arcs))
    workload = np.array([a.workload.id for a in arcs])
    offer = np.array([a.offer.id for a in arcs])
    backed = np.array([a.index for a in arcs if a.workload.id in draft.standby], dtype=np.int64)
    standby = np.concatenate([draft.standby[w] for w in dict.fromkeys(workload[backed])])
    batches = [w.id for w in draft.case.workloads if w.kind == "batch" and len(draft.demand[w.id].quanta) < n]
    online = [w.id for w in draft.case.workloads if w.id not in batches]
    day = draft.demand[batches[0]].owner.astype(np.int64) if batches else np.zeros(n, dtype=np.int64)
    hourly = [name for name, units in draft.units.items() if not units.offer.reserved]
    reserved = [name for name, units in draft.units.items() if units.offer.reserved]
    rented = np.stack([draft.units[name].columns for name in hourly])
    booked = np.concatenate([draft.units[name].columns for name in reserved])
    slack = [b for b in draft.program.column_blocks if b.owner.kind == "term"]
    slacks = np.concatenate([np.arange(b.start, b.stop) for b in slack])

    def of(values: Array, columns: Array, *dims: str, **coords: Any) -> xr.DataArray:
        return xr.DataArray(values[columns], dims=dims, coords=coords)

    blocks = {
        "use": (draft.x, {"arc": index, "t": t}),
        "standby": (standby, {"arc": backed, "t": t}),
        "unserved": (np.stack([draft.unserved[w] for w in online]), {"workload": online, "t": t}),
        "units": (rented, {"offer": hourly, "t": t}),
        "booked": (booked, {"booking": np.arange(len(booked))}),
        "slack": (slacks, {"line": np.arange(len(slacks))}),
    }
    if batches:
        waiting = np.stack([draft.unserved[w] for w in batches])
        blocks["waiting"] = (waiting, {"workload": batches, "day": np.arange(waiting.shape[1])})
    groups = {w: demand.work for w, demand in draft.demand.items()}
    demand = {"online": xr.DataArray(np.stack([groups[w] for w in online]), coords=blocks["unserved"][1])}
    if batches:
        demand["batch"] = xr.DataArray(np.stack([groups[w] for w in batches]), coords=blocks["waiting"][1])
    pairs, surviving = _pairs(draft, backed, groups)
    flow = [float(draft.units[name].offer.unit_flow) for name in (*hourly, *reserved)]
    serve = np.zeros((len(booked), n))
    for row, periods in enumerate(s for name in reserved for s in draft.units[name].serve):
        serve[row, periods] = 1.0
    owner = np.repeat(reserved, [len(draft.units[name].columns) for name in reserved])
    return Data(
        cost={k: of(model.cost, c, *d, **d) for k, (c, d) in blocks.items()},
        upper={k: of(upper, c, *d, **d) for k, (c, d) in blocks.items()},
        arcs={
            "workload": xr.DataArray(workload, coords={"arc": index}),
            "offer": xr.DataArray(offer, coords={"arc": index}),
            "per_work": xr.DataArray([float(a.per_work) for a in arcs], coords={"arc": index}),
        },
        demand=demand,
        day=xr.DataArray(day, coords={"t": t}, name="day"),
        backed=backed,
        pairs=pairs,
        surviving=surviving,
        hourly=np.array(hourly),
        reserved=np.array(reserved),
        flow=xr.DataArray(flow, coords={"offer": [*hourly, *reserved]}) * xr.DataArray(draft.hours, coords={"t": t}),
        held={
            "serve": xr.DataArray(serve, coords={"booking": np.arange(len(booked)), "t": t}),
            "offer": xr.DataArray(owner, coords={"booking": np.arange(len(booked))}, name="offer"),
        },
        limits=_limits(draft, t),
        clauses=_clauses(draft, model, blocks),
    )


def _pairs(draft: Draft, backed: Array, groups: dict[str, Array]) -> tuple[dict[str, Array], xr.DataArray]:
    """For each workload and provider that may be lost: arcs there, and arcs elsewhere."""
    found: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for workload in draft.standby:
        arcs = draft.arcs.of_workload[workload]
        for provider in dict.fromkeys(a.offer.provider for a in arcs):
            here = [a.index for a in arcs if a.offer.provider == provider]
            found[workload, provider] = here, [a.index for a in arcs if a.offer.provider != provider]
    share = {w.id: float(w.survives or 0) for w in draft.case.workloads}
    pairs = {
        "workload": np.array([w for w, _ in found]),
        "here": np.concatenate([here for here, _ in found.values()]),
        "of_here": np.repeat(np.arange(len(found)), [len(h) for h, _ in found.values()]),
        "elsewhere": np.concatenate([np.array(e, dtype=np.int64) for _, e in found.values()]),
        "of_elsewhere": np.repeat(np.arange(len(found)), [len(e) for _, e in found.values()]),
    }
    left = np.stack([(1 - share[w]) * groups[w] for w, _ in found])
    return pairs, xr.DataArray(left, coords={"pair": np.arange(len(found)), "t": np.arange(draft.n)})


def _limits(draft: Draft, t: Array) -> dict[str, xr.DataArray]:
    """Capacity by the hour of GPUs and tokens, and of reservations."""
    flows, units = {}, {}
    for offer in draft.case.offers:
        most = draft.at_most(offer)
        if most[0] is None or not draft.arcs.of_offer[offer.id]:
            continue
        if isinstance(offer, GpuOffer) and offer.reserved:
            units[offer.id] = np.array(most, dtype=np.float64)
        else:
            each = 1.0 if isinstance(offer, TokenOffer) else float(offer.unit_flow)
            flows[offer.id] = np.array([float(m) for m in most]) * each * draft.hours
    return {
        "flow": xr.DataArray(np.stack(list(flows.values())), coords={"offer": list(flows), "t": t}),
        "units": xr.DataArray(np.stack(list(units.values())), coords={"offer": list(units), "t": t}),
    }


def _clauses(draft: Draft, model: Model, blocks: dict[str, tuple[Array, dict[str, Any]]]) -> list[Clause]:
    """The dense rows of commitments and shares."""
    found = []
    matrix = model.matrix
    columns = matrix.columns
    for block in draft.program.row_blocks:
        if block.owner.kind != "term" or block.part.startswith("loss"):
            continue
        for row in range(block.start, block.stop):
            at = np.flatnonzero(matrix.index == row)
            dense = np.zeros(draft.program.n)
            dense[columns[at]] = matrix.value[at] / (matrix.row_scale[row] * matrix.column_scale[columns[at]])
            parts = {k: xr.DataArray(dense[c], coords=d) for k, (c, d) in blocks.items()}
            use = parts["use"]
            use = use.isel(arc=np.flatnonzero(use.values.any(axis=1)))
            units = parts["units"].isel(offer=np.flatnonzero(parts["units"].values.any(axis=1)))
            above = np.isfinite(model.lower[row])
            amount = float(model.lower[row] if above else model.higher[row])
            slack = xr.concat([parts["slack"], parts["booked"].rename(booking="line")], dim="line")
            slack = slack.assign_coords(line=np.arange(slack.sizes["line"]))
            name = f"{block.owner}/{block.part}/{row}"
            found.append(Clause(name, use, units, slack, ">=" if above else "<=", amount))
    return found


def build(given: Data) -> Any:
    """The model, vectorised over workloads, offers, arcs and periods; then HiGHS with it."""
    import linopy

    linopy.options["semantics"] = "v1"  # labels must agree: nothing is aligned unasked
    m = linopy.Model()
    x, standby, unserved, units, booked, slack = (
        m.add_variables(lower=0, upper=given.upper[name], name=name)
        for name in ("use", "standby", "unserved", "units", "booked", "slack")
    )
    waiting = (
        m.add_variables(lower=0, upper=given.upper["waiting"], name="waiting") if "waiting" in given.upper else None
    )

    # demand
    workload, offer = given.arcs["workload"], given.arcs["offer"]
    online = np.flatnonzero(np.isin(workload.values, given.demand["online"].workload.values))
    served = (1 * x.isel(arc=online)).groupby(workload.isel(arc=online).rename("workload")).sum() + unserved
    m.add_constraints(served == given.demand["online"], name="demand")
    if waiting is not None:
        late = np.flatnonzero(np.isin(workload.values, given.demand["batch"].workload.values))
        daily = (1 * x.isel(arc=late)).groupby(workload.isel(arc=late).rename("workload")).sum()
        daily = daily.groupby(given.day).sum() + waiting
        m.add_constraints(daily == given.demand["batch"], name="batch demand")

    # capacity: of tokens and of what is rented, of what is bought, of reservations
    taken = given.arcs["per_work"] * x
    spared = given.arcs["per_work"].isel(arc=given.backed) * standby
    backing = offer.isel(arc=given.backed)

    def of(name: Array, *, with_standby: bool) -> Any:
        at = np.flatnonzero(np.isin(offer.values, name))
        found = taken.isel(arc=at).groupby(offer.isel(arc=at).rename("offer")).sum()
        also = np.flatnonzero(np.isin(backing.values, name))
        if with_standby and len(also):
            backs = spared.isel(arc=also).groupby(backing.isel(arc=also).rename("offer")).sum()
            found = found.add(backs, join="outer")
        return found

    limit = given.limits["flow"]
    m.add_constraints(of(limit.offer.values, with_standby=True) <= limit, name="limit")
    used = of(given.hourly, with_standby=False)
    bought = given.flow.sel(offer=given.hourly) * units
    m.add_constraints(used - bought <= 0, name="use of units")
    m.add_constraints(bought - used <= given.flow.sel(offer=given.hourly) * (1 - IDLE_MARGIN), name="idle units")
    held = (given.held["serve"] * booked).groupby(given.held["offer"]).sum()
    kept = of(given.reserved, with_standby=True) - given.flow.sel(offer=given.reserved) * held
    m.add_constraints(kept <= 0, name="use of reservations")
    most = given.limits["units"]
    m.add_constraints(held.sel(offer=most.offer.values) <= most, name="reservations")

    # the loss of a provider
    pairs = given.pairs
    here = x.isel(arc=pairs["here"]).rename({"arc": "way"})
    lost = (1 * here.assign_coords(way=np.arange(len(pairs["here"])))).groupby(_pair(pairs["of_here"])).sum()
    place = {arc: row for row, arc in enumerate(given.backed.tolist())}
    there = standby.isel(arc=[place[a] for a in pairs["elsewhere"].tolist()]).rename({"arc": "way"})
    spare = (
        (1 * there.assign_coords(way=np.arange(len(pairs["elsewhere"])))).groupby(_pair(pairs["of_elsewhere"])).sum()
    )
    short = unserved.sel(workload=xr.DataArray(pairs["workload"], coords={"pair": given.surviving.pair}))
    short = (1 * short).drop_vars("workload")
    m.add_constraints(lost - spare + short <= given.surviving, name="loss")

    # clauses
    for clause in given.clauses:
        row = (clause.use * x.sel(arc=clause.use.arc.values)).sum()
        if clause.units.size:
            row = row + (clause.units * units.sel(offer=clause.units.offer.values)).sum()
        lines = slack.sizes["line"]
        for variable, part in ((slack, clause.slack[:lines]), (booked, clause.slack[lines:])):
            at = np.flatnonzero(part.values)
            if len(at):
                dim = variable.dims[0]
                some = variable.isel({dim: at})
                row = row + (xr.DataArray(part.values[at], coords={dim: some.coords[dim]}) * some).sum()
        m.add_constraints(row >= clause.amount if clause.sign == ">=" else row <= clause.amount, name=clause.name)

    m.add_objective(sum((given.cost[v.name] * v).sum() for v in (x, unserved, units, booked, slack)))
    if waiting is not None:
        m.objective += (given.cost["waiting"] * waiting).sum()
    return m.to_highspy(set_names=False)


def _pair(of: Array) -> xr.DataArray:
    return xr.DataArray(of, coords={"way": np.arange(len(of))}, name="pair")
