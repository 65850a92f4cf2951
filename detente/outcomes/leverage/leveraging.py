"""Each provider's leverage: what losing it means, its demand curve, its fair part.

Owns: what is asked, in which order, and what is kept when that is stopped. Not here: the values (``leverage``) and how
each is found (``loss``, ``demand_curve``, ``coalition``).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Sequence
from datetime import date

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.outcomes.answered import answered
from detente.outcomes.baseline import Baseline, stops_noted
from detente.outcomes.leverage.coalition import Coalitions, UnknownWorthError
from detente.outcomes.leverage.demand_curve import demand_curve
from detente.outcomes.leverage.leverage import DemandCurve, Leverage, ProviderLeverage, ProviderLoss
from detente.outcomes.leverage.loss import Away, lose
from detente.outcomes.saved import Status
from detente.outcomes.shapley import FairPart
from detente.outcomes.worth.pricing import GAP
from detente.planner.answer.bill import paid_to
from detente.planner.dispatch import valued
from detente.planner.solving.search import Progress, silent
from detente.planner.solving.solution import Stopped
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.values.likeness import did_you_mean
from detente.values.period import begins, day, moment, named
from detente.values.zone import zone_of

SPLIT_STOPPED = "it was stopped before all groups of providers were asked"


def leverage(
    case: Case,
    providers: Collection[str] | str = (),
    away: Away | str | date | None = None,
    *,
    curves: bool = True,
    gap: GivenPart = GAP,
    time_limit: GivenSeconds = None,
    progress: Progress = silent,
) -> Leverage | Conflict:
    """Who needs whom more: for each provider, what losing it costs us and what it would lose.

    Parameters
    ----------
    providers
        Whose leverage; default: of all who sell anything.
    away
        When it is lost, or the day from which on it is, for ever; default: the horizon's first. Whole periods of the
        plan are lost: those that begin meanwhile (``ProviderLoss.counted``).
    curves
        Whether to plan at other prices too, and to split what all providers save us: that takes longest.

    Returns
    -------
    Leverage or Conflict
        A conflict where no plan obeys every clause.

    Raises
    ------
    CaseError
        For a provider that sells nothing, or a time that covers no period of the plan.
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    sellers = _sellers(case, [providers] if isinstance(providers, str) else providers)
    away = _absence(case, away)
    _must_be_seen(case, away)
    study = Study.of(valued(case), time_limit=limit, progress=progress)
    study = study.serving(w.id for w in case.workloads if w.value is None)

    def found(baseline: Baseline) -> Leverage:
        return _Leveraging(case, baseline, sellers, away, progress).answer(curves=curves)

    return answered(case, study, least, found)


def _sellers(case: Case, wanted: Collection[str]) -> list[str]:
    """The providers asked for that sell anything, in the order of the case."""
    sells = list(dict.fromkeys(p.id for p in case.declared.providers if any(o.provider == p.id for o in case.offers)))
    unknown = [name for name in wanted if name not in sells]
    if unknown:
        what = "there is no provider `{}` that sells anything"
        raise CaseError(
            [Mistake(Where.of_parameter("providers"), what.format(name), did_you_mean(name, sells)) for name in unknown]
        )
    return [name for name in sells if not wanted or name in wanted]


def _absence(case: Case, given: Away | str | date | None) -> Away:
    """When a provider is lost. Raises CaseError for what is no day."""
    if given is None:
        return Away(case.declared.horizon.opens, None)
    if isinstance(given, Away):
        return given
    try:
        start = moment(day(given), zone_of(case.declared.horizon.zone))
    except FlawError as error:
        raise CaseError([Mistake(Where.of_parameter("away"), flaw.what, flaw.remedy) for flaw in error.flaws]) from None
    return Away(start, None, start)


def _must_be_seen(case: Case, away: Away) -> None:
    """Raise CaseError where the loss begins after the horizon, is over before it, or holds the start of no period."""
    horizon = case.declared.horizon
    first, last = horizon.opens, horizon.closes
    if away.start >= last or (away.end is not None and away.end <= first):
        when = f"begins on {away.start:%Y-%m-%d}" if away.start >= last else f"is over on {away.end:%Y-%m-%d}"
        what = f"the loss {when}, with its notice, outside the horizon ({horizon.start} to {horizon.end})"
        raise CaseError.of_parameter("away", what, "choose an earlier or later day, within the horizon")
    if not away.counted(case.periods):
        starts = list(begins(case.periods))
        at = bisect(starts, away.start)
        near = " or ".join(f"{start:%Y-%m-%d}" for start in starts[at - 1 : at + 1])
        what = f"no period of the plan begins in {named(away.start, away.end or last)}, and whole ones are lost"
        remedy = f"lose it on a day on which one begins ({near}), for longer, or plan with a shorter `every`"
        raise CaseError.of_parameter("away", what, remedy)


class _Leveraging:
    """Answers as they are found, so that what is known when it is stopped is kept."""

    def __init__(
        self, case: Case, baseline: Baseline, providers: Sequence[str], away: Away, progress: Progress
    ) -> None:
        self.case, self.baseline, self.providers, self.away = case, baseline, providers, away
        self._progress = progress
        self.losses: dict[str, ProviderLoss] = {}
        self.curves: dict[str, DemandCurve] = {}
        self.parts: dict[str, FairPart] = {}
        self.in_core: bool | None = None
        self.no_split = ""
        self.status: Status = "complete"

    def _stopped(self, how: Stopped) -> None:
        self.status = how

    def answer(self, *, curves: bool) -> Leverage:
        """Everything, or as much as was found: losses first, curves next, groups last."""
        self.no_split = SPLIT_STOPPED if curves else "it was not asked for"
        with stops_noted(self.baseline.study, self._stopped):
            self._lose()
            if curves:
                self._reprice()
                self._split()
        case, cost = self.case, self.baseline.cost
        rows = tuple(map(self._provider, self.providers))
        return Leverage(Leverage.FORMAT, *case.head, self.status, cost, rows, self.in_core, self.no_split)

    def _lose(self) -> None:
        for at, name in enumerate(self.providers, 1):
            self._progress(f"without `{name}`: provider {at} of {len(self.providers)}")
            self.losses[name] = lose(self.baseline, name, self.away)

    def _reprice(self) -> None:
        for at, name in enumerate(self.providers, 1):
            self._progress(f"`{name}` at other prices: provider {at} of {len(self.providers)}")
            self.curves[name] = demand_curve(self.baseline, name)

    def _split(self) -> None:
        start = Away(self.case.declared.horizon.opens, None)
        groups = Coalitions(self.baseline.study, start, _sellers(self.case, ()), self._progress)
        try:
            parts, self.in_core = groups.split()
        except UnknownWorthError as error:
            self.no_split = str(error)
            return
        self.no_split, self.parts = "", {part.player: part for part in parts}

    def _provider(self, name: str) -> ProviderLeverage:
        provider = self.case.providers[name]
        receives = paid_to(self.baseline.study.draft, self.baseline.bill)[name]
        loss = self.losses.get(name) or _not_asked(self.away)
        zone = None
        if loss.profit is not None and loss.cost is not None and not loss.stranded:
            zone = receives - loss.profit, receives + loss.cost.amount
        return ProviderLeverage(
            name, provider.name, receives, provider.margin, loss, zone, self.curves.get(name), self.parts.get(name)
        )


def _not_asked(away: Away) -> ProviderLoss:
    return ProviderLoss(away.start, away.end, False, None, (), (), (), None, None)
