"""What is no mistake of a case and may be one: clauses, changes and losses that no time of the horizon sees, say.

Not here: mistakes (``checks``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from detente.case.agreement import InForce, changes_text, endings, own_ends
from detente.case.billed import beside_a_plan
from detente.case.case import Case
from detente.case.cut_texts import cut_texts
from detente.case.lookalikes import lookalikes
from detente.case.no_window import in_no_window
from detente.case.outside import YEAR, outside, seen, unasked
from detente.case.whole_clauses import where_stands, whole_clauses
from detente.case.whole_text import going_on, says_nothing
from detente.contract.answer import each_of
from detente.contract.metered.counting_moment import invoice_day
from detente.contract.metered.meter import Meter
from detente.contract.reach.ending import Until
from detente.contract.roles import CallLimit, PriceChange, off_price
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, Training, can_run
from detente.errors import Flaw, Mistake, Where
from detente.values.facts import Facts
from detente.values.period import moment, named


def notes(case: Case) -> tuple[Mistake, ...]:
    """What may be a mistake, in the order of the functions below."""
    return (
        *(each.note for each in outside(case)),
        *unasked(case),
        *cut_texts(case),
        *lookalikes(case),
        *_last_days(case),
        *(note for _, note in of_clauses(case)),
        *_reached(case),
        *_billed(case),
        *_unasked(case),
        *_unearned(case),
        *_foreseen(case),
        *_beyond(case),
        *_budgets(case),
        *_batches(case),
        *_unserved(case),
        *_fallen(case),
        *_ended(case),
        *_of_the_whole(case),
    )


def _last_days(case: Case) -> Iterator[Mistake]:
    """Ends on the last day of a month, as a contract may name it that counts this day in: here it is out."""
    for agreement in case.declared.agreements:
        ends = [(agreement.id, Where(agreement.id), agreement.ends)]
        for term in agreement.terms:
            until = term.until.latest if isinstance(term.until, Until) else term.until
            ends.append((term.id, where_stands(case, agreement.id, term.id), until))
        for name, where, end in ends:
            if end is not None and (after := end + timedelta(days=1)).day == 1:
                what = f"`{name}` ends on {end}, the last day of a month, and is no longer in force on it"
                yield Mistake(where, what, f"if that is its last day, write {after}")


def of_clauses(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """Those that a plan tells too, each with its clause."""
    yield from _coarse(case)
    yield from _idle(case)
    yield from _used_before(case)
    yield from in_no_window(case)
    yield from _overlooked(case)


def _coarse(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """Clauses that count by the hour or day, where a plan knows demand that changes within it by its mean alone.

    Of readings that nobody has chosen, the first: they differ in what is covered, and not in when it counts.
    """
    horizon = case.declared.horizon
    step = "month" if horizon.typical else horizon.every
    uneven = [each for each in case.workloads if not isinstance(each, Training) and each.demand.shaped]
    within = STEPS[: STEPS.index(step)]
    terms = _read(case) if uneven and within else ()
    even = "spreads each hour of its week over a month" if horizon.typical else f"is even over each {step}"
    for term in {term.id: term for term in terms}.values():
        short = [meter for meter in term.meters() if meter.windows.every in within]
        found = next(((m.windows.every, w.id) for m in short for w in uneven if _may_count(case, m, w)), None)
        if found is not None:
            every, workload = found
            what = (
                f"`{term.id}` counts by the {every}, and use in a plan {even}: the plan does not see how the demand of "
            )
            remedy = f"plan `every: {every}`, for a shorter time perhaps"
            yield term, Mistake(_where(case, term), f"{what}`{workload}` changes within it", remedy)


def _idle(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """Clauses of which a number leaves nothing: a share of 0%. One that replaces an earlier text may waive it so."""
    told = set()
    for found in case.versions:
        term, at = found.term, (found.validity.agreement, found.term.id)
        zero = next((name for name in term.idle_at_zero if _nothing_of(term, name)), None)
        if zero is None or found.validity.begun is not None or at in told:
            continue
        told.add(at)
        key, _, of = zero.replace("_", "-").partition(".")
        what = f"`{term.id}` does nothing: " + (f"each `{of}` in its `{key}`" if of else f"its `{key}`") + " is nothing"
        there = where_stands(case, *at)
        yield term.in_force(found.validity), Mistake(there, what, "write what was agreed on, or drop the clause")


def _overlooked(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """What clauses say of themselves that may be as meant: credits that nobody claimed, rises that never come."""
    for term, where in whole_clauses(case):
        flaws = term.overlooked(case.declared.horizon)
        for flaw in each_of(term, "overlooked", flaws, Flaw, "each `Flaw`"):
            yield term, Mistake(where, flaw.what, flaw.remedy)


def _nothing_of(term: Term, name: str) -> bool:
    """Whether a field of a clause is nothing, or a field of each entry of one (`tiers.off`)."""
    key, _, of = name.partition(".")
    value = getattr(term, key, None)
    return _nothing(value) if not of else bool(value) and all(_nothing(getattr(each, of)) for each in value or ())


def _nothing(value: object) -> bool:
    """Whether a field of a clause (a part, money, an amount, a price) is there, and nothing."""
    size = getattr(value, "amount", getattr(value, "value", value))
    return isinstance(size, Decimal | Fraction) and not size


def _used_before(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """Clauses that count by invoice, where the first invoice in the horizon is of use from before it."""
    opens, told = case.declared.horizon.opens, set()
    for found in case.versions:
        term, place = found.term.in_force(found.validity), (found.validity.agreement, found.term.id)
        for meter in (meter for meter in term.meters() if meter.moment == "invoice" and place not in told):
            at = invoice_day((opens - timedelta.resolution).astimezone(meter.windows.clock))
            sold = [facts for facts in case.offer_facts.values() if meter.counts_use_of(facts)]
            used = any(meter.selection.covers(w.facts, facts) is not False for w in case.workloads for facts in sold)
            if used and at < case.declared.horizon.closes and any(meter.windows.over(at, at)):
                told.add(place)
                what = f"`{term.id}` counts what is invoiced on {at:%Y-%m-%d}, of which a plan from {opens:%Y-%m-%d} on"
                what += " does not know what was used before: it counts as nothing"
                remedy = "where anything was used then, begin the horizon with that month"
                yield term, Mistake(where_stands(case, *place), what, remedy)


STEPS = ("hour", "day", "week", "month", "quarter", "half-year", "year", "term")
"""Times over which use is even in a plan, and windows, the shortest first."""


def _may_count(case: Case, meter: Meter, workload: AnyWorkload) -> bool:
    return any(meter.selection.covers(workload.facts, facts) is not False for facts in case.offer_facts.values())


def _reached(case: Case) -> Iterator[Mistake]:
    """Clauses that count use in a place, where a deployment may run calls of an offer that stands elsewhere."""
    reached = list(_elsewhere(case))
    read = case.choices_beside(dict(case.chosen)) if reached else ()
    told = set()
    for term in (term for choice in read for term in case.under(choice).terms if term.id not in told and term.meters()):
        for workload, own, place in reached:
            covers = term.covered.covers
            if covers(workload.facts, own) is False and covers(workload.facts, place) is not False:
                told.add(term.id)
                what = f"`{term.id}` counts no use of `{own['offer']}`, of which a deployment may run calls in"
                remedy = "use counts where its offer stands: name the offer, if it should count"
                yield Mistake(_where(case, term), f"{what} `{place['region']}`", remedy)
                break


def _of_each(case: Case, flaw_of: Callable[[Sequence[Term]], Flaw | None]) -> Iterator[Mistake]:
    """What is to be told of clauses, once of each, by all of its texts in force."""
    texts: dict[str, list[Term]] = {}
    for term in _read(case):
        texts.setdefault(term.id, []).append(term)
    for found in texts.values():
        if (flaw := flaw_of(found)) is not None:
            yield Mistake(_where(case, found[0]), flaw.what, flaw.remedy)


def _read(case: Case) -> tuple[Term, ...]:
    """The clauses in force; of readings that nobody has chosen, by the first."""
    return case.under(case.choices_beside(dict(case.chosen))[0]).terms


def _where(case: Case, term: Term) -> Where:
    return where_stands(case, term.validity.agreement, term.id)


def _billed(case: Case) -> Iterator[Mistake]:
    """Clauses that count what only bills bring (`also-sells`), which a plan knows nothing of."""
    providers = [each for each in case.providers.values() if each.also_sells]

    def flaw_of(texts: Sequence[Term]) -> Flaw | None:
        meters = [meter for term in texts for meter in term.meters()]
        planned = any(_may_count(case, meter, workload) for meter in meters for workload in case.workloads)
        return beside_a_plan(texts, providers, planned=planned)

    return _of_each(case, flaw_of) if providers else iter(())


def _unasked(case: Case) -> Iterator[Mistake]:
    """Caps that deny no call, in a case that serves calls: they are kept by a plan alone."""

    def flaw_of(texts: Sequence[Term]) -> Flaw | None:
        if all(not isinstance(term, CallLimit) or term.limits_calls for term in texts):
            return None
        later = any(meter.moment != "use" for term in texts for meter in term.meters())
        counts = "what is invoiced or bought" if later else "what is known after the calls"
        what = f"`{texts[0].id}` counts {counts}, and denies no call: only a plan keeps to it"
        return Flaw(what, "to hold calls to an amount, add a clause that counts by use, or a `budget`")

    return _of_each(case, flaw_of) if case.declared.deployments else iter(())


def _unearned(case: Case) -> Iterator[Mistake]:
    """Clauses that count revenue of work that states none, where other work does: what they come to is nothing."""

    def flaw_of(texts: Sequence[Term]) -> Flaw | None:
        meters = [meter for term in texts for meter in term.meters() if meter.measure == "revenue"]
        counted = [
            workload for workload in case.workloads if any(_may_count(case, meter, workload) for meter in meters)
        ]
        if not counted or any(workload.revenue is not None for workload in counted):
            return None
        names = " and ".join(f"`{workload.id}`" for workload in counted[:3])
        names += f" and {len(counted) - 3} more" if counted[3:] else ""
        what = f"`{texts[0].id}` comes to nothing: it counts revenue, and what it covers states none ({names})"
        return Flaw(what, "state what the work earns (`revenue:`), or drop the clause")

    return _of_each(case, flaw_of) if any(workload.revenue is not None for workload in case.workloads) else iter(())


def _elsewhere(case: Case) -> Iterator[tuple[AnyWorkload, Facts, Facts]]:
    """Work, the facts of an offer, and each other place where a deployment of that may run the work."""
    for workload, offer in ((workload, offer) for workload in case.workloads for offer in case.offers):
        own = case.offer_facts[offer.id]
        reached = (place for places in case.places(workload, offer) for place in places)
        yield from ((workload, own, place) for place in reached if place != own)


def _beyond(case: Case) -> Iterator[Mistake]:
    """Changes and losses of the scenarios that no time of the horizon sees."""
    horizon = case.declared.horizon
    for scenario in case.scenarios:
        for what, start, end in scenario.dated:
            if (start is not None and start >= horizon.end) or (end is not None and end <= horizon.start):
                told = f"{what} {_when(start, end)}, and at no time of the horizon ({seen(case)})"
                yield Mistake(Where(scenario.id), told, YEAR)


def _foreseen(case: Case) -> Iterator[Mistake]:
    """Losses that do not say when they are known, and that a plan knows of from its first period on."""
    for scenario in case.scenarios:
        for lost in scenario.lose:
            what = f"`{lost.provider or lost.region or lost.offer}` is lost on {lost.from_}"
            if lost.notice is None and case.declared.horizon.start < lost.from_ < case.declared.horizon.end:
                told = f"{what}, and a plan knows it from the start"
                yield Mistake(Where(scenario.id), told, "if it comes as a surprise, add its `notice`, such as `1 day`")


def _budgets(case: Case) -> Iterator[Mistake]:
    """Budgets that turn on a label which nothing in the case states, or that cover nothing; later keys may do both."""
    declared = case.declared
    stated = {name for workload in case.workloads for name in workload.labels}
    stated |= {name for key in declared.keys for name in key.labels}
    within = {budget.within for budget in declared.budgets} | {key.within for key in declared.keys}
    for budget in declared.budgets:
        for name in sorted(budget.labels - stated):
            what = f"no workload and no key of the case states `{name}`: a call counts, unless it"
            what += " or a key made at run time states another value"
            remedy = "compare it with those keys (`detente keys list`), or correct its spelling"
            yield Mistake(Where(budget.id), what, remedy)
        if budget.of is None and budget.agreement is None and budget.id not in within:
            what = "covers no call: it states no `of`, and no budget and no key of the case is within it"
            yield Mistake(Where(budget.id), what, "add `of:` (`of: {}` is everything), or make keys within it")


def _batches(case: Case) -> Iterator[Mistake]:
    """Batch work that a plan has at batch prices, where calls of it could go too, which are not sold at them."""
    offers = {offer.id: offer for offer in case.offers}
    for workload in case.workloads:
        for deployment in case.declared.deployments if workload.in_batches and not workload.only_in_batches else ():
            offer = offers[deployment.offer]
            if offer.sells_batches() and deployment.serves_model(offer) in workload.runs_on.models:
                what = f"is planned at the batch price of `{offer.id}`, and calls to `{deployment.id}` cost the whole"
                yield Mistake(Where(workload.id), what, SENT)
                break


def _unserved(case: Case) -> Iterator[Mistake]:
    """Work with keys to call it, which no deployment serves on any offer on which it may run: only a plan serves it."""
    start, end = case.periods[0].span_start, case.periods[-1].span_end
    offers, called = {offer.id: offer for offer in case.offers}, {key.workload for key in case.declared.keys}
    read = case.under(case.choices_beside(dict(case.chosen))[0]) if called else case
    for workload in (each for each in case.workloads if each.id in called):
        models = workload.runs_on.models
        serving = {d.offer for d in case.declared.deployments if d.serves_model(offers[d.offer]) in models}
        may = [o.id for o in case.offers if can_run(workload, o) and read.verdict(workload, o, start, end).permitted]
        if may and serving.isdisjoint(may):
            where = " and ".join(f"`{name}`" for name in may[:3]) + (f" and {len(may) - 3} more" if may[3:] else "")
            what = f"has a key, and no call of it can be served: it may run on {where}, without a deployment for it"
            yield Mistake(Where(workload.id), what, "add one under `deployments`")


def _ended(case: Case) -> Iterator[Mistake]:
    """Amendments with another end: clauses that go on by it beside its own, and windows that an earlier end cuts."""
    agreements = {agreement.id: agreement for agreement in case.declared.agreements}
    ends = endings(case.declared.agreements)
    for each in agreements.values():
        moved = ends[each.id]
        if each.amends is None or not moved.moves or moved.family == each.id:
            continue
        texts = [old for old in case.versions if ends[old.validity.agreement].family == moved.family]
        texts = [old for old in texts if old.validity.agreement != each.id]
        if moved.after > moved.before and changes_text(each):
            on = sorted({old.term.id for old in texts if old.validity.end > old.validity.begin(moved.before)})
            if on:
                what = f"`{each.id}` ends on {moved.after}, and with it {', '.join(f'`{name}`' for name in on)}, until"
                remedy = f"where that is not meant, say `until: {moved.before}` in the clause"
                yield Mistake(Where(each.id), f"{what} now on {moved.before}", remedy)
        events = {name: moment(on) if on else None for name, on in case.declared.events.items()}
        for old in texts if moved.after < moved.before else ():
            end = old.validity.end
            if end == old.validity.begin(moved.after) and end not in own_ends(old.term, events, old.validity.zone):
                yield from _cut_short(old, each.id, old.validity.begin(moved.before))


def _cut_short(old: InForce, by: str, before: datetime) -> Iterator[Mistake]:
    """A window of an amount that has less time by the end of its clause, and keeps all of its amount."""
    term, end = old.term.in_force(old.validity), old.validity.end
    for stated in term.found_windows:
        running = next(iter(term.calendar(stated.every, before).over(end, end)), None)
        if stated.divides == "amount" and running is not None and running.start < end:
            what = f"`{by}` ends `{term.id}` on {end:%Y-%m-%d}, in its window {named(running.start, running.end)}"
            remedy = (
                f"where the contract asks for a part, let `{term.id}` end before that window, and write the part as a "
            )
            remedy += f"clause of its own (`from: {running.start.date()}`, `until: {end.date()}`)"
            yield Mistake(Where(by), f"{what}, which keeps its whole amount", remedy)
            return


def _of_the_whole(case: Case) -> Iterator[Mistake]:
    """Amendments that state nothing, or what only a part of the agreement goes by."""
    declared = case.declared
    known = {agreement.id: agreement for agreement in declared.agreements}
    for each in known.values():
        if says_nothing(each, case.offers):
            what = f"`{each.id}` amends `{each.amends}`, and changes nothing of it"
            yield Mistake(Where(each.id), what, "write what it changes, or leave it out")
        if moment(each.effective) < declared.horizon.closes:
            for part in going_on(each, known, case.versions, case.offers, declared.exchange):
                flaw = part.flaw(each)
                yield Mistake(Where(each.id), flaw.what, flaw.remedy)


def _fallen(case: Case) -> Iterator[Mistake]:
    """Amendments of a clause by which prices have risen, and are lower from that day on: the rise is not carried on."""
    for new in case.versions if any(agreement.amends for agreement in case.declared.agreements) else ():
        at, agreement = new.validity.start, new.validity.agreement
        if not isinstance(new.term, PriceChange) or new.validity.begun is None or at >= case.declared.horizon.closes:
            continue
        later = new.term.in_force(new.validity)
        for old in case.versions:
            if old.term.id != later.id or old.validity.end != at or old.validity.agreement == agreement:
                continue
            earlier = old.term.in_force(old.validity)
            uses = ((w.facts, facts) for w in case.workloads for facts in case.offer_facts.values())
            factors = ((off_price(earlier, *use) or 0, off_price(later, *use) or 0) for use in uses)
            was, now = next((each for each in factors if each[0] < min(each[1], 0)), (0, 0))
            if was < now:
                what = f"`{later.id}` of `{agreement}` begins anew from list prices on {at:%Y-%m-%d}: they are"
                what += f" × {float(1 - now):.6g}, and were × {float(1 - was):.6g} by the text that it replaces"
                where = where_stands(case, agreement, later.id)
                yield Mistake(
                    where, what, f"if they stay, write the risen list prices of the offers from {at.date()} on"
                )


SENT = "say `sent: calls` (planned at the whole price), or `sent: batches` (no call of it is served there)"


def _when(start: date | None, end: date | None) -> str:
    """The days of a change, in words."""
    return " ".join(f"{word} {on}" for word, on in (("from", start), ("until", end)) if on is not None)
