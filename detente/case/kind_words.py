"""From the words of a contract to a kind of clause: what to write where nobody has heard of the kind that was written.

Owns: the words, and what each leads to. Not here: the kinds, and the whole list for people (``docs/terms/finding.md``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from detente.values.likeness import did_you_mean, nearest

LIST = "`detente schema` has the form of every kind"
ALIKE = 0.8
"""How like a word must be to one that there is, to be taken for a slip of the pen."""
NEGATIONS = frozenset({"non", "no", "not", "anti"})
"""Words that turn a name into its opposite."""
LONGEST = 200
"""Letters of what was written that are looked at."""

_COMMITMENT = "write `kind: minimum-commitment`"
_ITS_DISCOUNT = f"{_COMMITMENT}, with the `discount` that goes with it as a clause of its own"
_PAYMENT, _CREDIT = "write `kind: payment`", "write `kind: credit`"
_OFFER = "it is no clause: write an offer with a `term`"
_PERSON = (
    "no kind judges it, and nothing is planned by it: a person decides; what it asks by a day is `kind: obligation`"
)
_EXCHANGED = (
    "it is no clause: write the offer that was reserved with a `term` up to that day, what comes in its place as an "
    "offer that `starts` on it, and what is paid back, or in addition, as `kind: payment`"
)
_DATES = "it is no clause: the agreement says `effective` and `ends`, a clause `from` and `until`"
_HEAD = "it is no clause"

SAID: dict[str, str] = {
    _ITS_DISCOUNT: (
        "edp, ppa, macc, enterprise agreement, enterprise discount, private pricing, spend commitment, committed "
        "spend, commitment, minimum spend, minimum purchase, purchase commitment, purchase obligation, minimum, spend "
        "floor, floor, annual commitment, commit"
    ),
    f"{_ITS_DISCOUNT}; in units: `amount: 50 GPU`; by the hour: `kind: savings-plan`": (
        "cud, committed use, resource commitment"
    ),
    _COMMITMENT: "minimum guarantee, guaranteed minimum, minimum fee",
    f"{_COMMITMENT}, with the `ramp` of its `windows`": "ramp, ramp up, ramp period, ramped commitment",
    f"{_COMMITMENT}, with its `shortfall`": "shortfall, true up, make good, underspend, top up",
    f"{_COMMITMENT}, with its `milestones`": "milestone",
    f"{_COMMITMENT}, with `shortfall: {{ lump: … }}`": "clawback, claw back, recapture, repayment of credits",
    f"{_PAYMENT}, with `to: self`": (
        "refund, reimbursement, repayment, marketing development, mdf, signing bonus, sign on bonus, signing payment"
    ),
    f"{_COMMITMENT}, with `carry-over` or `deferral`": (
        "rollover, roll over, carry over, carryover, carry forward, deferral"
    ),
    f"{_COMMITMENT}, with its `counts`": "marketplace",
    "write `kind: volume-discount`, with its `tiers` and `method`": (
        "tier, tiered price, tiered pricing, tiered discount, graduated, rebate, volume, volume price, volume "
        "pricing, all units, overage, allowance, free allowance, free tier, retroactive discount, cumulative discount, "
        "bulk discount, growth discount"
    ),
    "write `kind: volume-discount` where it sets the price, `kind: minimum-commitment` where so much must be taken": (
        "annual volume"
    ),
    "write `kind: residency`": (
        "data residency, data localization, data localisation, data location, sovereignty, residence, residency "
        "requirement, location restriction, eu only, on shore, onshore"
    ),
    "write `kind: share`, with `at-least` or `at-most`": (
        "volume restriction, share of wallet, market share, minimum share, requirements contract, requirement"
    ),
    "write `kind: share`, with `at-least`; where it says no share, a person decides": (
        "preferred provider, preferred vendor, preferred supplier, preferred partner"
    ),
    "write `kind: liquidated-damages`, with its `price`, `rate` or `amount`": "penalty, damages, ld",
    "write `kind: service-credit`": (
        "sla, sla credit, sla penalty, service level, availability, uptime, support credit, downtime credit, outage "
        "credit, performance credit, downtime, uptime guarantee, availability guarantee"
    ),
    "write `kind: take-or-pay`, with its `make-up`": "make up, makeup, deficiency, banked hour",
    "write `kind: take-or-pay`": (
        "take and pay, ship or pay, capacity fee, capacity charge, capacity payment, deliver or pay, fails to deliver, "
        "reserved capacity fee, minimum take, tolling, power purchase, availability payment, availability fee"
    ),
    "write `kind: escalator`": (
        "indexation, cpi, uplift, price increase, fee increase, annual increase, step up, index, "
        "inflation, cola, cost of living, escalation, price collar, collar, price adjustment"
    ),
    "write `kind: escalator`, with its `floor`, of prices that go by an index; else it is the offer's `price`": (
        "price floor, floor price"
    ),
    "write `kind: price-lock`, with its `method`": (
        "fixed price, price cap, price protection, price restriction, price freeze, rate lock, price hold, lower "
        "of, lock, price ceiling, cap on price"
    ),
    "write `kind: delivery`, with its `tranches`": (
        "delay credit, delay ld, delay penalty, late delivery penalty, "
        "damages for delay, tranche, phased delivery, acceptance, deemed acceptance, "
        "long stop, delay damages, late delivery, commissioning, delivery date, delivery schedule"
    ),
    "write `kind: warrants`": "warrant, stock option, shares for purchases",
    "write `kind: payment` of what they cost, or `kind: warrants` where purchases earn them": (
        "equity, stock, equity investment, share purchase, stock purchase"
    ),
    _OFFER: (
        "ri, reserved instance, reservation, capacity block, reserved capacity, capacity reservation, odcr, ptu, "
        "provisioned throughput, model unit, committed capacity, committed throughput, reserved throughput, dedicated "
        "capacity, compute block"
    ),
    "it is no clause: write an offer": "on demand, spot, burst, preemption, preemptible",
    "it is no clause: `networks` have prices of moved data, of which a `kind: discount` takes off, `from` a day on": (
        "egress, egress fee, switching charge, data transfer, eu data act, data act"
    ),
    f"{_PAYMENT}, and `kind: credit` of what is drawn of it": (
        "prepayment, prepay, prepaid, advance payment, deposit, universal credit, burn down, drawdown"
    ),
    _PAYMENT: (
        "settlement, upfront fee, one off fee, license fee, maintenance fee, instalment, installment, fee, "
        "milestone payment, commitment fee, support fee, early completion bonus, completion bonus"
    ),
    "write `kind: credit`; what a window leaves unused is lost, so give it a longer one in `windows`": (
        "credit rollover, rollover of credits, roll over credit, rollover credit, unused credit"
    ),
    "where a price is locked in, `kind: price-lock`; where the parties are, `kind: termination` with `not-before`": (
        "lock in, lock out"
    ),
    "write `kind: discount`": "loyalty discount, loyalty, term discount",
    f"{_CREDIT}, with its `rate`": "support reward, reward, reward program",
    _CREDIT: "subsidy, grant, promotion, voucher, cash back, map, ecif, migration acceleration",
    "write `kind: revenue-share`, with its `rate` and `cap`": (
        "revenue sharing, profit sharing, profit share, margin share, profit split, gainshare, gain share, gain "
        "sharing, revenue, royalty, rev share, revshare, commission, referral, referral fee"
    ),
    "write `kind: spending-cap`": "budget, cap, spend cap, spend limit, guaranteed maximum",
    "write `kind: savings-plan`": (
        "hourly commitment, commitment by the hour, spend commitment by the hour, hourly spend commitment, flex cud, "
        "spend cud, spend based cud"
    ),
    "write `kind: first-refusal`": (
        "rofr, right of first refusal, last look, right to match, match right, matching right"
    ),
    "write `kind: first-refusal`, with its `right`": (
        "rofo, rofn, first offer, first negotiation, first look, first right"
    ),
    "write `kind: permitted-use`": (
        "non compete, field of use, acceptable use, fair use, aup, research only, non commercial, "
        "restriction, use limitation, export control, sanction, "
        "government use, national security, resale"
    ),
    "write `kind: first-ship`": "first release, first on, launch partner",
    "write `kind: exclusivity`": "exclusive, exclusive dealing, sole source, sole supplier, sole provider",
    "it is no clause: an exclusivity has `except`": "competitive restriction exception, carve out, exception",
    "there is nothing to write: only an `exclusivity` binds": "non exclusive, non exclusivity",
    "write `kind: most-favoured`": "mfn, mfc, best price, best customer, price match, parity",
    "write `kind: most-favoured`, with its `band`": "benchmarking, benchmark, price parity",
    "write `kind: most-favoured`, with its `look-back`": "look back, lookback, price look back",
    "write `kind: redundancy`": (
        "business continuity, continuity, disaster recovery, disaster, second source, second sourcing, "
        "dual sourcing, multi vendor, multi cloud, backup provider, failover, survive"
    ),
    "write `kind: audit`": "audit right, inspection, books and record",
    "write `kind: termination`": (
        "early termination, exit, convenience, break fee, break clause, cancellation, for cause, cure period, "
        "terminate, termination fee, kill fee, chronic failure"
    ),
    "write `kind: renewal`": (
        "renew, renewal term, auto renewal, extension, notice, evergreen, non renewal, terminate renewal, opt out"
    ),
    "write `kind: renewal`, with its `price` in words": "renewal cap, renewal price, price at renewal, renewal rate",
    "write `kind: obligation`": (
        "duty, deliverable, report, reporting, insurance, post termination, exit assistance, certificate, "
        "transition assistance, termination assistance, "
        "transition service, transition, wind down, compliance, due by, data retention, data deletion, deletion, "
        "data portability, model retirement, model deprecation, deprecation, notice of deprecation, end of life, "
        "forecast"
    ),
    "write `kind: liability-cap`": (
        "cap on liability, limitation of liability, liability, uncapped liability, general cap, increased cap, "
        "increased claim, unlimited claim, covered claim, super cap, cap on damages, consequential damages"
    ),
    "write `kind: change-of-control`": "merger, acquisition, change in control",
    f"{_HEAD}: discounts that meet say `combine:` in their agreement": "stacking, combine",
    f"{_HEAD}: an agreement that `amends` another": (
        "amendment, amend, supersede, early completion, true down, true forward"
    ),
    f"{_HEAD}: the agreement has `parties`": "party, affiliate, affiliate license, contributor",
    f"{_HEAD}: the case or its agreement has `exchange`": "currency, exchange rate, fx",
    f"{_HEAD}: the agreement has `rounding`": "rounding, invoice rounding",
    f"{_HEAD}: workloads have labels, and what each is charged is by them": (
        "cost allocation, chargeback, showback, attribution, project"
    ),
    f"{_HEAD}: the offer's `price` has a price from each day on": (
        "surcharge, pass through, passthrough, step down, stepdown"
    ),
    f"{_HEAD}: an offer has a `capacity`": (
        "quota, rate limit, throttling, capacity guarantee, guaranteed capacity, headroom, dedicated host, usage cap, "
        "usage limit"
    ),
    f"{_HEAD}: an offer sold `under` the agreement has its price": "rate card, price list, price book",
    f"{_HEAD}: an offer of tokens beside it, to which calls go once it is full": "spillover, spill, overflow",
    f"{_HEAD}: a clause has `until: {{ event: … }}`": "agi, event, condition subsequent, trigger",
    _EXCHANGED: (
        "exchange, exchange of a reservation, reservation exchange, ri exchange, convertible, reservation refund, "
        "ri refund, cancel reservation, reservation cancellation"
    ),
    f"{_HEAD}: a provider has a `law`": "governing law, jurisdiction, chosen court",
    f"{_HEAD}: the agreement has a `title`": "document name, title",
    _DATES: (
        "agreement date, effective date, expiration, expiry, start date, end date, order date, term, subscription "
        "period, pilot period, date, co term, co terming, coterm"
    ),
    "it is no clause: write an offer with a price of 0, and `kind: payment` of its fee": (
        "unlimited, all you can eat, unlimited license"
    ),
    _PERSON: (
        "no solicit, non solicit, non solicitation, "
        "non disparagement, anti assignment, assignment, ip ownership, joint ip, escrow, "
        "license, sublicense, perpetual, irrevocable, warranty, covenant not to sue, third party, indemnity, "
        "indemnification, confidentiality, nda, publicity, arbitration, dispute, force majeure, subcontracting, "
        "data processing, dpa, security policy, step in, option, priority, backstop, tax, withholding, vat, late "
        "payment, late fee, interest, payment period, payment process, payment term, net 30, net 60, invoice period, "
        "training, training opt out, early payment discount, prompt payment discount, support, guarantee, bond, "
        "letter of credit, collateral, entire agreement, severability, novation, change of law, regulatory change, "
        "hardship, governance, key personnel, cooling off, put option, call option, change in law, tag along, drag "
        "along, buyer of last resort, hipaa, gdpr, professional services, maintenance, notice address, key terms, "
        "ip, ownership, data protection, lockup, lock up, earn out, standstill, convertible note, minimum royalty, "
        "revenue guarantee, price review, reopener, re opener, renegotiation, hedging, holdback, retention, retainage, "
        "set off, "
        "netting, privacy, security, subprocessor, soc 2, non circumvention, no poach, sunset, suspension, code of "
        "conduct, esg, joint marketing, open book, cost plus, latency, latency sla, latency credit, response time, "
        "change control, change management, change request, hold harmless, lien, donation, beta, lead time, "
        "grace period, user limit, seat, peak, peak pricing, off peak, time of use, surge, surge pricing, cloud service"
    ),
}
"""What to write, and the phrases that ask for it, with commas between them; where several stand in a name, the longest
holds."""


def instead(word: str, kinds: Iterable[str]) -> tuple[str | None, str]:
    """The kind that was meant by one that there is not, None where it is not known, and the remedy.

    Never a neighbour that only looks alike.
    """
    kinds = frozenset(kinds)
    written = _words(word[:LONGEST])
    same = nearest("-".join(written), kinds, likeness=ALIKE)
    negated = not NEGATIONS.isdisjoint(written)
    mended = _mended(written)
    longer = (found := _known(written)) is not None and found.words > len(_words(same or ""))
    if same is not None and not negated and not longer and (_inside(_words(same), mended) or found is None):
        return same, f"did you mean `{same}`?"
    found = found or _known(mended)
    named = max((kind for kind in kinds if _inside(_words(kind), written)), key=len, default=None)
    if named is not None and not negated and (found is None or len(_words(named)) > found.words):
        found = _Known(f"write `kind: {named}`", len(_words(named)))
    remedy = did_you_mean("", kinds) if found is None else found.remedy
    told = re.match(r"write `kind: ([a-z-]+)`", remedy)
    return told and told[1], f"{remedy}; {LIST}"


def _words(text: str) -> tuple[str, ...]:
    """The words of a name, however it is spelled: `MinimumSpends`, `minimum_spend` and `Minimum Spend` are one."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()
    return tuple(map(_plain, re.findall(r"[a-z0-9]+", apart)))


def _plain(word: str) -> str:
    """A word in the singular, and in one of its two spellings."""
    word = word.replace("favor", "favour").replace("favourite", "favour").replace("licenc", "licens")
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word


@cache
def _phrases() -> dict[tuple[str, ...], str]:
    """What each phrase leads to: those of the most words first, of equals the longest."""
    found = {_words(phrase): remedy for remedy, phrases in SAID.items() for phrase in phrases.split(",")}
    return dict(sorted(found.items(), key=lambda each: (len(each[0]), sum(map(len, each[0]))), reverse=True))


class _Known(NamedTuple):
    """What a phrase leads to, and how many words it has."""

    remedy: str
    words: int


def _known(written: Sequence[str]) -> _Known | None:
    return next((_Known(to, len(phrase)) for phrase, to in _phrases().items() if _inside(phrase, written)), None)


def _mended(written: Sequence[str]) -> tuple[str, ...]:
    """What was meant where words are misspelt, each by itself: `entire agreement` is no `enterprise agreement`."""
    words = {word for phrase in _phrases() for word in phrase}
    return tuple(word if word in words else nearest(word, words, likeness=ALIKE) or word for word in written)


def _inside(phrase: Sequence[str], written: Sequence[str]) -> bool:
    """Whether a phrase stands in what was written, word by word."""
    starts = range(len(written) - len(phrase) + 1) if phrase else ()
    return any(tuple(written[at : at + len(phrase)]) == tuple(phrase) for at in starts)
