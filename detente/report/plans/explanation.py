"""Why: a workload's placements, a clause's effect, or why a workload is (not) on a provider.

Owns: choosing and wording what a plan already holds (its decisions, clauses, commitments), each thing once. Not here:
any rule, and which denials are told together (``denial``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from detente.case.agenda import reminders
from detente.case.case import Case
from detente.case.declared import IdleChoice
from detente.case.outside import outside
from detente.case.switches import Switch, switches_of
from detente.contract.payer import Payer
from detente.contract.roles import StandbyHedge, UpToAmount
from detente.contract.settled.standing import MILESTONE, PAID, TAKE, VESTING, Standing
from detente.contract.term import Term
from detente.errors import CaseError
from detente.market.offer import TokenOffer
from detente.report.numerals import count, percent, quantity, ticked
from detente.report.plans import answer, digest
from detente.report.plans.denial import denials
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow, Decision
from detente.values.likeness import did_you_mean
from detente.values.money import shown
from detente.values.period import named
from detente.values.quantity import plain

MAX_MOVES = 6
"""So many moves of a workload are told one by one."""
MAX_WINDOWS = 6
"""So many windows in which a cap is reached are told one by one."""


@dataclass(frozen=True)
class Line:
    """One sentence, the clauses it cites, and the offers that it speaks of, where it speaks of several at once."""

    sentence: str
    terms: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()

    def __str__(self) -> str:
        cited = f" [{', '.join(self.terms)}]" if self.terms else ""
        return f"{self.sentence}{cited}"


@dataclass(frozen=True)
class Explanation:
    """The answer to a subject: a headline, and sentences."""

    subject: str
    kind: str
    reading: str | None
    headline: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        under = f" (under the reading `{self.reading}`)" if self.reading else ""
        return "\n".join([f"{self.headline}{under}", *(f"- {line}" for line in self.lines)])

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "reading": self.reading,
            "headline": self.headline,
            "reasons": [
                {"sentence": line.sentence, "terms": list(line.terms), "offers": list(line.offers)}
                for line in self.lines
            ],
        }


@dataclass(frozen=True)
class ClauseExplanation(Explanation):
    """The same of a clause, and what its numbers turn on; of one that plays no part, nothing."""

    switches: tuple[Switch, ...] = ()

    def __str__(self) -> str:
        turns_on = ["It turns on:", *(f"- {switch}" for switch in self.switches)] if self.switches else []
        return "\n".join([super().__str__(), *turns_on])

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return super().as_json() | {"switches": [asdict(switch) for switch in self.switches]}


def explain(case: Case, found: Plan | Conflict, subject: str) -> Explanation:
    """Why, for a workload, a clause, ``workload@provider`` or ``workload@offer``.

    Raises
    ------
    CaseError
        Where the case knows no such subject.
    """
    workload, at, place = subject.partition("@")
    names = [w.id for w in case.workloads]
    terms = [t.id for t in case.terms]
    if at:
        _known(workload, names, "workload")
        places = [*case.providers, *(o.id for o in case.offers)]
        _known(place, places, "provider or offer")
        return _placement(case, found, subject, workload, place)
    if subject in names:
        return _workload(case, found, subject)
    if subject in terms:
        return _clause(case, found, subject)
    _known(subject, [*names, *terms], "workload or clause")
    raise AssertionError("unreachable: the subject was just found")


def _known(name: str, names: Iterable[str], what: str) -> None:
    choices = list(names)
    if name not in choices:
        raise CaseError.of_parameter("subject", f"the case has no {what} `{name}`", did_you_mean(name, choices))


def _placement(case: Case, found: Plan | Conflict, subject: str, workload: str, place: str) -> Explanation:
    """Why a workload is, or is not, on a provider's offers (or on one offer)."""
    offers = [o for o in case.offers if place in (o.id, o.provider)]
    if isinstance(found, Conflict):
        return _in_conflict(case, found, subject, "placement", _verdicts(case, workload, [o.id for o in offers]))
    rows = [d for d in found.decisions if d.workload == workload and d.offer in {o.id for o in offers}]
    used = [d for d in rows if d.work]
    if not rows:
        what = "no offer there has a model or accelerator that it runs on"
        headline = f"`{workload}` cannot run on {_named(case, place)}: {what}"
        return Explanation(subject, "placement", found.reading, headline, ())
    total = sum((d.work for d in used), Decimal(0))
    if used:
        share = total / _served(found, workload)
        headline = f"`{workload}` runs on {_named(case, place)} for {percent(share)} of its work"
    else:
        headline = f"`{workload}` does not run on {_named(case, place)}"
    return Explanation(subject, "placement", found.reading, headline, tuple(_lines(found, rows)))


def _workload(case: Case, found: Plan | Conflict, name: str) -> Explanation:
    """Why a workload is where it is."""
    if isinstance(found, Conflict):
        return _in_conflict(case, found, name, "workload", _verdicts(case, name, [o.id for o in case.offers]))
    row = next(w for w in found.workloads if w.workload == name)
    rows = [d for d in found.decisions if d.workload == name]
    used = [d for d in rows if d.work]
    headline = f"`{name}`: {quantity(row.served, row.unit)} served of {quantity(row.demand, row.unit)}"
    headline += f", on {count(len(used), 'offer')}" if used else ", on no offer"
    lines = list(_lines(found, rows))
    missing = [u for u in found.unserved if u.workload == name]
    if missing:
        work = sum((u.work for u in missing), Decimal(0))
        cost = sum((u.cost for u in missing), Decimal(0))
        lines.append(
            Line(
                f"{quantity(work, row.unit)} is not served: no permitted offer can take it at a cost below its value "
                f"({shown(cost, found.currency)} in total)"
            )
        )
    lines += _moves(case, found, name)
    return Explanation(name, "workload", found.reading, headline, tuple(lines))


def _moves(case: Case, found: Plan, name: str) -> Iterable[Line]:
    """How often a workload moves, where it states what that takes."""
    moving = next(w for w in case.workloads if w.id == name).moving
    if moving is None:
        return
    moves = [move for move in found.moves if move.workload == name]
    if not moves:
        yield Line(f"{moving.sentence}: it does not move")
        return
    first = [
        f"{percent(m.share)} of it to {_named(case, m.provider)} from {found.periods[m.period].span_start:%Y-%m-%d}"
        for m in moves[:MAX_MOVES]
    ]
    more = [f"and {len(moves) - MAX_MOVES} more"] if len(moves) > MAX_MOVES else []
    cost = sum((m.cost for m in moves), Decimal(0))
    paid = f", for {shown(cost, found.currency)} in all" if cost else ""
    yield Line(f"{moving.sentence}: it moves {count(len(moves), 'time')}{paid} ({'; '.join([*first, *more])})")


def _clause(case: Case, found: Plan | Conflict, name: str) -> Explanation:
    """What a clause does to the plan."""
    term = case.term(name)
    assert term is not None
    if isinstance(found, Conflict):
        lines = [Line(term.explain().sentence, (name,)), *_own_money(term), *_idle(case, term)]
        told = _in_conflict(case, found, name, "clause", lines)
        return ClauseExplanation(name, "clause", told.reading, told.headline, told.lines, switches_of(case, name))
    rows = [c for c in found.clauses if c.term == name]
    plays = bool(term.meters()) or term.judges or isinstance(term, StandbyHedge)
    moves = not term.judges and any(name in d.terms for d in found.decisions)
    own = (line for row in rows for line in _version(found, term, row, free=plays and not moves))
    cited = [*_cited(found, name), *(() if plays else _days(case, name))]
    lines = [*own, *cited, *_own_money(term), *_idle(case, term)]
    unseen = [Line(f"{each.note.what}: {each.note.remedy}") for each in outside(case) if each.term == name]
    notes = unseen if any(clause.term.id == name for clause in case.outside) else []
    lines = notes or [*lines, *unseen]
    says = "; then ".join(dict.fromkeys(row.sentence for row in rows)) or term.explain().sentence
    turns_on = () if notes else switches_of(case, name)
    return ClauseExplanation(name, "clause", found.reading, f"`{name}`: {says}", tuple(lines), turns_on)


def _own_money(term: Term) -> Iterable[Line]:
    """In which currency it is kept, where that is not the case's."""
    if (money := term.own_money) is not None:
        what = f"kept in {money.currency} ({money.told}): what counts has the rate of its day of use"
        day = "the month in which it is applied" if isinstance(term, Payer) else "the last day of its window"
        yield Line(f"{what}, what is owed or given back that of {day}")


IDLE: dict[IdleChoice, str] = {
    "forbidden": "no more is bought than work could use",
    "reserved": "more may be reserved than work uses, and nothing is rented by the hour only to stand idle",
    "allowed": "more may be bought than work uses, reserved or by the hour",
}


def _idle(case: Case, term: Term) -> Iterable[Line]:
    """Whether capacity may stand idle, of a clause that counts what is bought."""
    counts = any(meter.measure in ("spend", "taken") for meter in term.meters())
    if counts and any(not isinstance(offer, TokenOffer) for offer in case.offers):
        stated = case.declared.idle
        default = "" if "idle" in case.declared.model_fields_set else ", the default"
        yield Line(f"idle capacity: {IDLE[stated]} (`idle: {stated}`{default})")


def _days(case: Case, name: str) -> Iterable[Line]:
    """The first of the days in the horizon that a clause names on which no plan turns."""
    opens, closes = case.declared.horizon.opens, case.declared.horizon.closes
    named_ = (each for term in case.signed if term.id == name for each in reminders(term, opens, closes))
    inside = (each for each in named_ if opens.date() <= each.on < closes.date())
    days = sorted(inside, key=lambda each: (each.on, each.what))
    for each in days[:MAX_WINDOWS]:
        done = f"; done on {each.done}" if each.done else ""
        by = f" ({each.by})" if each.by else ""
        yield Line(f"{each.on}: {each.what}{by}{done}")
    if len(days) > MAX_WINDOWS:
        yield Line(f"and {count(len(days) - MAX_WINDOWS, 'day')} more: `detente calendar` lists them")


def _version(found: Plan, term: Term, row: ClauseRow, *, free: bool) -> Iterable[Line]:
    """What one version does; ``free``: where none of its limits binds, no work turns on it."""
    yield Line(f"{row.kind} clause of `{row.agreement}`, in force {named(row.start, row.end)}")
    if row.text:
        yield Line(f"text: “{row.text}”" + (f" ({row.source})" if row.source else ""))
    if row.owed:
        word = "costs" if row.owed > 0 else "gives back"
        yield Line(f"it {word} {shown(abs(row.owed), found.currency)} over the plan", (row.term,))
    yield from (Line(told, (row.term,)) for told in _windows(found, row))
    capped = _capped(found, row) if isinstance(term, UpToAmount) else ()
    ended = (s for s in capped if s.amount and row.start < s.end <= row.end)
    reached = [named(s.start, s.end) for s in ended if not s.tells(s.remaining or Decimal(0))]
    if reached:
        more = f" and {len(reached) - MAX_WINDOWS} more" if len(reached) > MAX_WINDOWS else ""
        yield Line(f"its cap is reached in {', '.join(reached[:MAX_WINDOWS])}{more}", (row.term,))
    elif capped:
        yield Line("its cap is not reached", (row.term,))
    if row.marginal:
        yield _marginal(row)
    elif free and not reached:  # where all of a cap is used, more of it may change the plan
        changes = "would change what it comes to, and move no work" if row.owed else "would not change the plan"
        yield Line(f"it does not bind: a small change of it {changes}")


def _windows(found: Plan, row: ClauseRow) -> Iterator[str]:
    """What one version asks for in each of its windows, and what came of it."""

    def own(windows: Iterable[Standing]) -> Iterator[tuple[Standing, str]]:
        for window in windows:
            if window.term == row.term and row.start < window.end <= row.end:
                yield window, named(window.start, window.end)

    for window, when in own(found.commitments):
        yield f"{when}: {_drawn(window, found.currency)}"
    for window, _ in own(found.milestones):
        yield f"milestone by {window.end:%Y-%m-%d}: {_drawn(window, found.currency)}"
    for window, when in own(found.superseded):
        yield f"{when}: {answer.superseded(window)}"
    for window, when in own(found.standings):
        if window.role == TAKE:
            yield f"{when}: {_taken(window)}"
        elif window.role == PAID:
            used, paid = shown(window.drawn, window.unit), shown(window.required, window.unit)
            yield f"{when}: {used} used of {paid} that are paid"
        elif window.role == VESTING and (left := window.remaining) is not None:
            state = f"{shown(left, window.unit)} short" if left > 0 else "reached"
            yield f"{when}: {shown(window.drawn, window.unit)} bought of {shown(window.required, window.unit)}: {state}"


def _marginal(row: ClauseRow) -> Line:
    """In how many windows it binds, and where one unit more of it would change the cost by most."""
    most = max(row.marginal, key=lambda m: m.price)
    price = f"{plain(most.price)} {most.unit} ({named(most.start, most.end)}, {most.part})"
    binds = f"it binds in {count(len(row.marginal), 'window')}; its marginal price is at most {price}"
    return Line(binds, (row.term,))


def _cited(found: Plan, name: str) -> Iterable[Line]:
    """What it denies, and where it changes what work costs: of all its versions together, each once."""
    cited = [d for d in found.decisions if name in d.terms]
    for denial in denials(d for d in cited if d.denied):
        why = f": {denial.sentence}" if denial.alike else ""
        yield Line(f"it denies {denial.told}{why}", (name,), denial.offers)
    steered: dict[tuple[str, str], list[str]] = {}
    for d in cited:
        if not d.denied:
            about = "; ".join(reason.sentence for reason in d.reasons if reason.term == name)
            steered.setdefault((d.workload, about), []).append(d.offer)
    for (workload, what), offers in steered.items():
        yield Line(f"`{workload}` on {ticked(offers)}: {what}", (name,), tuple(offers))


def _capped(found: Plan, row: ClauseRow) -> Sequence[Standing]:
    """The windows of a charge or a gift up to an amount; of a cap in all, those with something left."""
    return [s for s in found.standings if s.term == row.term and s.amount is not None]


def _taken(window: Standing) -> str:
    """What one window of a take-or-pay asks for, and what is taken of it."""
    short = f"{digest.missing(window.short, window.unit)} are paid for and not taken" if window.missed else "met"
    brought = f" and {shown(window.brought, window.unit)} carried in," if window.tells(window.brought) else ""
    on = f", {shown(window.carried, window.unit)} carried on" if window.tells(window.carried) else ""
    return f"{shown(window.drawn, window.unit)} taken{brought} of {shown(window.required, window.unit)}: {short}{on}"


def _drawn(window: Standing, currency: str) -> str:
    """What one window of a commitment requires, and what reaches it: spend, and what came over from the last."""
    over = shown(abs(window.brought), window.unit)
    brought = f" and {over} carried in," if window.tells(window.brought) else ""
    brought += f", less {over} deferred from before," if window.tells(-window.brought) else ""
    put_off = f"{shown(window.deferred, window.unit)} deferred to the next" if window.tells(window.deferred) else ""
    short = f"short by {digest.missing(window.short, window.unit)}" if window.missed else ""
    state = ", ".join(each for each in (put_off, short) if each) or "met"
    word = "counted" if window.role == MILESTONE else "spent" if window.unit == currency else "drawn"
    return f"{shown(window.drawn, window.unit)} {word}{brought} of {shown(window.required, window.unit)}: {state}"


def _verdicts(case: Case, workload: str, offers: list[str]) -> list[Line]:
    """What the clauses say of a workload on some offers, without a plan."""
    wanted = next(w for w in case.workloads if w.id == workload)
    start, end = case.periods[0].span_start, case.periods[-1].span_end
    found: dict[tuple[str, str, str], list[str]] = {}
    for offer in (o for o in case.offers if o.id in offers):
        verdict = case.verdict(wanted, offer, start, end)
        if verdict.reason is not None:
            key = verdict.permission, verdict.clause, verdict.reason.sentence
            found.setdefault(key, []).append(offer.id)
    return [
        Line(f"{permission} on {ticked(names)}: {sentence}", (clause,), tuple(names))
        for (permission, clause, sentence), names in found.items()
    ]


def _in_conflict(case: Case, found: Conflict, subject: str, kind: str, lines: list[Line]) -> Explanation:
    clauses = ", ".join(c.version.name for c in found.clauses) or "capacity and demand alone"
    headline = f"there is no plan: {clauses} cannot be met together"
    return Explanation(subject, kind, case.reading, headline, tuple(lines))


def _lines(found: Plan, rows: list[Decision]) -> Iterable[Line]:
    """Where it runs and where it could, offer by offer; then each clause that denies, once."""
    whose = digest.provider_of([found])
    names = digest.names([found])
    for d in rows:
        if not d.denied:
            seller = names.get(whose.get(d.offer, ""), "")
            yield Line(f"`{d.offer}`{f' ({seller})' if seller else ''}: {d.sentence}", d.terms)
    says = {c.term: c.sentence for c in found.clauses}
    for denial in denials(d for d in rows if d.denied):
        clause = says.get(denial.term, denial.sentence)  # what it says there alone is told where it begins otherwise
        why = clause if denial.sentence.startswith(clause) else denial.sentence
        yield Line(f"not on {denial.places}: {why}", (denial.term,), denial.offers)


def _named(case: Case, place: str) -> str:
    """A provider by its name and id, an offer by its id."""
    provider = case.providers.get(place)
    return f"{provider.name} (`{place}`)" if provider is not None and provider.name else f"`{place}`"


def _served(found: Plan, workload: str) -> Decimal:
    return next(w.served for w in found.workloads if w.workload == workload) or Decimal(1)
