"""What to write for what a contract says, where there is no kind of that name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detente.case.kind_words import LIST, SAID, instead
from detente.terms import KINDS
from tests.builders import agreement, data_of, mistakes, tokens, work

NAMES = list(KINDS)
PAGE = (Path(__file__).parents[2] / "docs" / "terms" / "finding.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sla", "write `kind: service-credit`"),
        ("SLA Credits", "write `kind: service-credit`"),
        ("delay-credit", "write `kind: delivery`"),
        ("penalty", "write `kind: liquidated-damages`"),
        ("macc", "write `kind: minimum-commitment`"),
        ("MinimumSpends", "write `kind: minimum-commitment`"),
        ("minimum_purchase_commitment", "write `kind: minimum-commitment`"),
        ("committed-use-discounts", "write `kind: minimum-commitment`"),
        ("tiers", "write `kind: volume-discount`"),
        ("mfn", "write `kind: most-favoured`"),
        ("Most Favored Nation", "write `kind: most-favoured`"),
        ("escrow", "a person decides"),
        ("latency-sla", "a person decides"),  # availability is what service credits are by
        ("change-control", "a person decides"),
        ("support-rewards", "write `kind: credit`, with its `rate`"),
        ("floor-price", "write `kind: escalator`"),
        ("training-opt-out", "a person decides"),  # and no renewal
        ("model-retirement", "write `kind: obligation`"),  # and no requirements contract
        ("notice-of-deprecation", "write `kind: obligation`"),
        ("gain-share", "write `kind: revenue-share`"),
        ("milestone-payment", "write `kind: payment`"),
        ("commitment-fee", "write `kind: payment`"),
        ("support-fee", "write `kind: payment`"),
        ("signing-bonus", "write `kind: payment`, with `to: self`"),
        ("early-payment-discount", "a person decides"),
        ("usage-cap", "an offer has a `capacity`"),
        ("minimum-guarantee", "write `kind: minimum-commitment`"),
        ("guaranteed-maximum", "write `kind: spending-cap`"),
        ("change-in-law", "a person decides"),
        ("deletion", "write `kind: obligation`"),
        ("match-right", "write `kind: first-refusal`"),
        ("preferred-provider", "write `kind: share`, with `at-least`"),
        ("collar", "write `kind: escalator`"),
        ("true-forward", "an agreement that `amends` another"),
        ("exclusive", "write `kind: exclusivity`"),
        ("non-exclusive", "there is nothing to write"),
        ("equity", "write `kind: payment` of what they cost, or `kind: warrants`"),
        ("ramp", "write `kind: minimum-commitment`, with the `ramp` of its `windows`"),  # a discount is none
        ("referral", "write `kind: revenue-share`"),  # and no deferral
        ("delivery-date", "write `kind: delivery`"),  # and no date of an agreement
        ("post-termination", "write `kind: obligation`"),  # and no termination
        ("look-back", "write `kind: most-favoured`, with its `look-back`"),
        ("guaranteed-capacity", "an offer has a `capacity`"),
        ("off-peak", "a person decides"),
        ("hold-harmless", "a person decides"),
        ("escalater", "did you mean `escalator`?"),
        ("minimum-comitment", "did you mean `minimum-commitment`?"),
        ("indexaton", "write `kind: escalator`"),
        ("Take-Or-Pays", "did you mean `take-or-pay`?"),
        ("compute-savings-plan", "write `kind: savings-plan`"),
        ("kickback", f"{LIST}"),
        ("renewal-cap", "write `kind: renewal`"),
        ("renewal-price-cap", "write `kind: renewal`"),
        ("share-lockup", "a person decides"),
        ("flex-commit", "write `kind: minimum-commitment`"),
        ("carryover", "`carry-over` or `deferral`"),
        ("take-and-pay", "write `kind: take-or-pay`"),
        ("step-down-pricing", "a price from each day on"),
        # what only looks like a kind
        ("volume-restriction", "write `kind: share`"),
        ("market-share", "write `kind: share`"),
        ("training", "a person decides"),
        ("arbitration", "a person decides"),
        ("option", "a person decides"),
        ("inflation", "write `kind: escalator`"),
        ("use-limitations", "write `kind: permitted-use`"),
        ("amendment", "an agreement that `amends` another"),
        ("post-termination-services", "write `kind: obligation`"),
        ("late-payment", "a person decides"),
        ("non-exclusivity", "there is nothing to write"),
        ("non-audit", f"{LIST}"),
        ("entire-agreement", "a person decides"),
        ("enterprize agrement", "write `kind: minimum-commitment`"),
        ("payment-terms", "a person decides"),
        ("letter-of-credit", "a person decides"),
        ("revenue-guarantee", "a person decides"),
        ("super-cap", "write `kind: liability-cap`"),
        ("minimum-take", "write `kind: take-or-pay`"),
        ("power-purchase-agreement", "write `kind: take-or-pay`"),
        ("liquidated-damages-for-delay", "write `kind: delivery`"),
        ("ECIF", "write `kind: credit`"),
        ("price-match", "write `kind: most-favoured`"),
        ("books-and-records", "write `kind: audit`"),
        ("chronic-failure", "write `kind: termination`"),
        ("termination-for-chronic-failure", "write `kind: termination`"),
        ("export-control", "write `kind: permitted-use`"),
        ("data-deletion", "write `kind: obligation`"),
        ("spillover", "an offer of tokens beside it"),
        ("rate-card", "an offer sold `under` the agreement"),
        ("energy-pass-through", "a price from each day on"),
        ("rate-limit", "an offer has a `capacity`"),
        ("true-down", "an agreement that `amends` another"),
        ("agi-clause", "`until: { event: … }`"),
        ("chargeback", "workloads have labels"),
        ("invoice-rounding", "the agreement has `rounding`"),
        ("reservation-exchange", "an offer that `starts` on it"),
        ("convertible-ri", "an offer that `starts` on it"),
        ("reservation-refund", "an offer that `starts` on it"),
        ("exchange-rate", "the case or its agreement has `exchange`"),
        ("change-of-law", "a person decides"),
        # of which one word leads elsewhere, or is like another
        ("sla-penalties", "write `kind: service-credit`"),
        ("outage-credit", "write `kind: service-credit`"),
        ("loyalty-discount", "write `kind: discount`"),
        ("bulk-discount", "write `kind: volume-discount`"),
        ("residency-requirement", "write `kind: residency`"),
        ("price-floor", "write `kind: escalator`"),
        ("convertible-note", "a person decides"),
        ("consequential-damages", "write `kind: liability-cap`"),
        ("gross-margin-share", "write `kind: revenue-share`"),
        ("take-or-pay-shortfall", "write `kind: take-or-pay`"),
        ("rollover-credits", "what a window leaves unused is lost"),
        ("commissioning", "write `kind: delivery`"),
        ("minimum-royalty", "a person decides"),
        ("purchase-obligation", "write `kind: minimum-commitment`"),
        ("termination-assistance", "write `kind: obligation`"),
        ("delay-penalty", "write `kind: delivery`"),
        ("annual-volume", "where it sets the price, `kind: minimum-commitment` where so much must be taken"),
        ("kill-fee", "write `kind: termination`"),
        ("early-completion-bonus", "write `kind: payment`"),
        ("parity", "write `kind: most-favoured`"),
        ("non-solicitation", "a person decides"),
        ("top-up", "write `kind: minimum-commitment`, with its `shortfall`"),
        ("retainage", "a person decides"),
        ("withholding-tax", "a person decides"),
    ],
)
def test_an_unknown_kind_leads_to_what_to_write(kind: str, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement({"id": "t", "kind": kind})))
    assert only.startswith(f"there is no kind `{kind}`")
    assert said in only


CUAD = (
    *(
        "document name",
        "parties",
        "agreement date",
        "effective date",
        "expiration",
        "renewal term",
        "notice to terminate",
    ),
    *("governing law", "most favoured nation", "non-compete", "exclusivity"),
    *("no-solicit", "competitive restriction"),
    *("non-disparagement", "termination for convenience", "first refusal", "first offer", "first negotiation"),
    *("change of control", "anti-assignment", "revenue or profit sharing", "price restriction", "minimum commitment"),
    *("volume restriction", "ip ownership", "joint ownership", "licence", "non-transferable", "affiliate licence"),
    *("unlimited use", "irrevocable", "perpetual", "source code escrow", "post-termination services", "audit rights"),
    *("uncapped liability", "cap on liability", "liquidated damages", "warranty", "insurance", "covenant not to sue"),
    "third-party beneficiary",
)
"""The labels of the Contract Understanding Atticus Dataset (CUAD), in this page's words."""


LABELS = {
    "Document Name": "`title`", "Parties": "`parties`", "Agreement Date": "`effective`",
    "Effective Date": "`effective`", "Expiration Date": "`ends`", "Renewal Term": "renewal",
    "Notice Period To Terminate Renewal": "renewal", "Governing Law": "`law`", "Most Favored Nation": "most-favoured",
    "Non-Compete": "permitted-use", "Exclusive": "exclusivity", "No-Solicit Of Customers": "a person",
    "No-Solicit Of Employees": "a person", "Competitive Restriction Exception": "`except`",
    "Non-Disparagement": "a person", "Termination For Convenience": "termination", "Rofr/Rofo/Rofn": "first-refusal",
    "Change In Control": "change-of-control", "Anti-Assignment": "a person", "Revenue/Profit Sharing": "revenue-share",
    "Price Restrictions": "price-lock", "Minimum Commitments": "minimum-commitment", "Volume Restriction": "share",
    "Ip Ownership Assignment": "a person", "Joint Ip Ownership": "a person", "License Grant": "a person",
    "Non-Transferable License": "a person", "Affiliate License-Licensor": "`parties`",
    "Affiliate License-Licensee": "`parties`", "Unlimited/All-You-Can-Eat-License": "payment",
    "Irrevocable Or Perpetual License": "a person", "Source Code Escrow": "a person",
    "Post-Termination Services": "obligation", "Audit Rights": "audit", "Uncapped Liability": "liability-cap",
    "Cap On Liability": "liability-cap", "Liquidated Damage": "liquidated-damages", "Warranty Duration": "a person",
    "Insurance": "obligation", "Covenant Not To Sue": "a person", "Third Party Beneficiary": "a person",
    # the fields of Common Paper's agreement
    "General Cap Amount": "liability-cap", "Increased Cap Amount": "liability-cap",
    "Unlimited Claims": "liability-cap", "Increased Claims": "liability-cap", "Additional Warranties": "a person",
    "Provider Covered Claims": "liability-cap", "Chosen Courts": "`law`", "Subscription Start Date": "`effective`",
    "Subscription Period": "`effective`", "Non-Renewal Notice Date": "renewal", "Use Limitations": "permitted-use",
    "Fees": "payment", "Fee Increase": "escalator", "Service Level Agreement": "service-credit",
    "Insurance Minimums": "obligation", "DPA": "a person", "Payment Process": "a person",
    "Technical Support": "a person", "Pilot Period": "`effective`", "Acceptable Use Policy": "permitted-use",
    "Professional Services": "a person", "Security Policy": "a person", "Publicity Rights": "a person",
}  # fmt: skip
"""Names of clauses as two public sets write them (CUAD's 41, Common Paper's), and what each leads to."""


@pytest.mark.parametrize("label", LABELS)
def test_every_label_leads_to_its_kind_however_it_is_spelled(label: str) -> None:
    spellings = (
        label,
        label.lower().replace(" ", "-"),
        label.lower().replace(" ", "_"),
        label.upper(),
        "".join(map(str.capitalize, re.split(r"[ /-]", label))),
    )
    wanted = LABELS[label] if LABELS[label][0] in "`a" and LABELS[label] not in NAMES else f"`{LABELS[label]}`"
    for written in spellings:
        _, found = instead(written, NAMES)
        assert wanted in found.replace("`kind: ", "`"), written


@pytest.mark.parametrize("label", CUAD)
def test_every_label_of_contracts_is_found(label: str) -> None:
    asked = [row.split("|")[1].lower() for row in PAGE.splitlines() if row.startswith("| ")]
    assert any(label in said for said in asked)


def test_the_page_and_the_words_lead_to_the_same_kind() -> None:
    for row in PAGE.splitlines():
        said, _, write = row.removeprefix("| ").partition(" | ")
        kinds = [kind for kind in re.findall(r"\(([a-z-]+)\.md", write) if kind in NAMES]
        for word in re.split(r"[,:;]| or ", re.sub(r"\(.*?\)|[\"`]", "", said)) if kinds else ():
            if word.strip() not in ("", *NAMES):
                found = instead(word.strip(), NAMES)[1].replace("`kind: ", "`")
                assert any(f"`{kind}`" in found for kind in kinds), word


def test_every_kind_that_a_word_leads_to_is_there() -> None:
    for remedy, phrases in SAID.items():
        for kind in (part.split("`")[0] for part in remedy.split("`kind: ")[1:]):
            assert kind in NAMES, phrases
    every = [phrase.strip() for phrases in SAID.values() for phrase in phrases.split(",")]
    assert len(every) == len(set(every))
    assert instead("edp", NAMES)[1].endswith(LIST)
    assert instead("x" * 1_000_000, NAMES)[1].endswith(LIST)
