"""From the words of a contract to a kind of clause: what to write where nobody has heard of the kind that was written.

Owns: the words, and what each leads to. Not here: the kinds, and the whole list for people (``docs/terms/finding.md``).
"""

from __future__ import annotations

from collections.abc import Iterable

from detente.errors import did_you_mean

LIST = "docs/terms/finding.md says what to write for what a contract says"

_COMMITMENT = "write `kind: minimum-commitment`, with the `discount` that goes with it as a clause of its own"
_VOLUME = "write `kind: volume-discount`, with its `tiers` and `method`"
_BY_A_PERSON = "no kind judges it yet, and nothing is planned by it; a person decides"

WORDS: dict[str, str] = {
    **dict.fromkeys(("edp", "ppa", "macc", "enterprise-agreement", "spend-commitment", "committed-spend"), _COMMITMENT),
    **dict.fromkeys(("cud", "committed-use", "committed-use-discount"), f"{_COMMITMENT}; in units: `amount: 50 GPU`"),
    **dict.fromkeys(
        ("tiers", "tier", "tiered-price", "rebate", "volume", "volume-rebate", "retroactive-rebate"), _VOLUME
    ),
    **dict.fromkeys(("penalty", "damages", "ld", "lds"), "write `kind: liquidated-damages`, with its `price`"),
    **dict.fromkeys(("service-credits", "sla", "service-level", "availability"), "write `kind: service-credit`"),
    **dict.fromkeys(("make-up", "makeup", "deficiency"), "write `kind: take-or-pay`, with its `make-up`"),
    **dict.fromkeys(("rollover", "deferral"), "write `kind: minimum-commitment`, with `carry-over` or `deferral`"),
    **dict.fromkeys(("indexation", "cpi", "uplift", "price-increase", "index"), "write `kind: escalator`"),
    **dict.fromkeys(("fixed-price", "price-cap", "price-protection"), "write `kind: price-lock`, with its `method`"),
    **dict.fromkeys(("delay-credit", "delay-credits", "tranches", "phased-delivery"), "write `kind: delivery`"),
    **dict.fromkeys(("warrant", "equity"), "write `kind: warrants`"),
    **dict.fromkeys(("ri", "reserved-instance", "reservation", "capacity-block"), "write an offer with a `term`"),
    **dict.fromkeys(("prepayment", "universal-credits", "burn-down"), "write `kind: payment` and `kind: credit`"),
    **dict.fromkeys(("budget", "cap", "spend-cap"), "write `kind: spending-cap`"),
    **dict.fromkeys(("rofr", "right-of-first-refusal"), "write `kind: first-refusal`"),
    **dict.fromkeys(("rofo", "rofn", "first-offer", "first-negotiation"), "write `kind: first-refusal` (`right`)"),
    **dict.fromkeys(("non-compete", "field-of-use", "acceptable-use", "restriction"), "write `kind: permitted-use`"),
    **dict.fromkeys(("first-release", "first-on", "launch-partner"), "write `kind: first-ship`"),
    **dict.fromkeys(("mfn", "mfc", "most-favoured-customer", "most-favored-nation"), "write `kind: most-favoured`"),
    **dict.fromkeys(("benchmarking", "benchmark", "price-parity"), "write `kind: most-favoured`, with its `band`"),
    **dict.fromkeys(("no-solicit", "governing-law", "escrow", "warranty", "indemnity"), _BY_A_PERSON),
    **dict.fromkeys(("audit-rights", "audit-right"), "write `kind: audit`"),
    **dict.fromkeys(
        ("early-termination", "exit", "termination-for-convenience", "break-fee"), "write `kind: termination`"
    ),
    **dict.fromkeys(("renew", "auto-renewal", "extension", "notice"), "write `kind: renewal`"),
    **dict.fromkeys(("duty", "deliverable", "report", "reporting", "insurance"), "write `kind: obligation`"),
    **dict.fromkeys(("cap-on-liability", "limitation-of-liability"), "write `kind: liability-cap`"),
    **dict.fromkeys(("merger", "acquisition", "assignment"), "write `kind: change-of-control`"),
}
"""What is not a kind, and what to write in its place."""


def instead(word: str, kinds: Iterable[str]) -> str:
    """The remedy for a kind that there is not: never a neighbour that only looks alike."""
    known = WORDS.get(word.lower().replace("_", "-").replace(" ", "-"))
    near = did_you_mean(word, kinds)
    if known is None and near.startswith("did you mean"):
        return near
    return f"{known or near}; {LIST}"
