"""The case that a number is told against: without a clause, an agreement or a provider, with a deal, in an outcome.

Owns: which case that is, by the subject that names it. Not here: planning the two, and why they differ
(``report/plans/difference``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.choices.leaves import leaves
from detente.outcomes.deals.sign import with_and_without
from detente.outcomes.leverage.loss import standing_by
from detente.values.likeness import did_you_mean
from detente.values.period import moment

CounterpartKind = Literal["price", "agreement", "deal", "leverage", "outcome"]
KINDS: tuple[CounterpartKind, ...] = ("price", "agreement", "deal", "leverage", "outcome")


@dataclass(frozen=True)
class Counterpart:
    """What a number is about (a clause, an agreement, a deal, a provider or an outcome), and the other case.

    ``waived`` are clauses that keep standby against a loss: where no plan obeys every clause they go first.
    """

    kind: CounterpartKind
    name: str
    case: Case
    waived: tuple[str, ...] = ()

    @classmethod
    def of(cls, case: Case, subject: str) -> Counterpart | None:
        """The counterpart that a subject names: one of ``KINDS``, a colon and a name; None for others.

        Raises CaseError for a name that there is not.
        """
        kind, colon, name = subject.partition(":")
        if not colon:
            return None
        if kind not in KINDS:
            raise CaseError.of_parameter("subject", f"there is nothing called `{kind}:`", did_you_mean(kind, KINDS))
        found = {
            "price": _priced, "agreement": _unsigned, "deal": _signed, "leverage": _lost, "outcome": _outcome
        }  # fmt: skip
        return found[kind](case, name.strip())


def _priced(case: Case, name: str) -> Counterpart:
    _known(name, list(dict.fromkeys(term.id for term in case.terms)), "clause")
    return Counterpart("price", name, case.under(without=[name]))


def _unsigned(case: Case, name: str) -> Counterpart:
    """Without an agreement: its clauses, those of its amendments, and the offers that are sold under it."""
    _known(name, [agreement.id for agreement in case.declared.agreements], "agreement")
    return Counterpart("agreement", name, with_and_without(case, name)[1])


def _signed(case: Case, name: str) -> Counterpart:
    """With a deal that is a scenario; one that is an agreement of the case is told by the case without it."""
    signed, without = with_and_without(case, name)
    return Counterpart("agreement", name, without) if signed is case else Counterpart("deal", name, signed)


def _lost(case: Case, name: str) -> Counterpart:
    _known(name, list(dict.fromkeys(offer.provider for offer in case.offers)), "provider that sells anything")
    start = case.declared.horizon.start
    gone = case.with_changes({"id": f"without-{name}", "lose": [{"provider": name, "from": str(start)}]})
    return Counterpart("leverage", name, gone.severing(name, moment(start)), tuple(standing_by(case)))


def _outcome(case: Case, name: str) -> Counterpart:
    known = {leaf.name: leaf for leaf in leaves(case)}
    wanted = ", ".join(part.strip() for part in name.split(","))
    _known(wanted, list(known), "outcome")
    return Counterpart("outcome", wanted, known[wanted].case)


def _known(name: str, names: Sequence[str], what: str) -> None:
    if name not in names:
        raise CaseError.of_parameter("subject", f"there is no {what} `{name}`", did_you_mean(name, names))
