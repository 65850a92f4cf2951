"""Keys by the names that people bring along: the first case of somebody who has used something else before."""

from __future__ import annotations

import pytest

from detente.case.other_names import key_meant, value_meant
from tests.builders import Data, agreement, compute, data_of, gpus, mistakes


@pytest.mark.parametrize(
    ("word", "keys", "meant"),
    [
        ("contracts", {"agreements", "discount-rate", "choices"}, "agreements"),  # more like `discount-rate` by letters
        ("Vendor", {"provider", "price"}, "provider"),
        ("vendor", {"with", "terms"}, "with"),
        ("end_date", {"ends", "effective"}, "ends"),
        ("end", {"end", "start"}, "end"),
        ("maximum", {"at-least", "at-most"}, "at-most"),
        ("maximum", {"amount", "windows"}, "amount"),
        ("prise", {"price", "provider"}, "price"),  # no name, and misspelt
        ("colour", {"price", "provider"}, None),
        ("off", {"of", "rate", "amount"}, "rate"),  # a letter from `of`, and no slip of the pen
        ("price", {"parties", "method", "at"}, "at"),
        ("price", {"parties", "off"}, None),
        ("share", {"shares", "parties"}, "shares"),
        ("date", {"by", "reach", "fee"}, "by"),
        ("date", {"by", "notice", "fees"}, None),  # by whom
    ],
)
def test_a_key_is_found_by_its_other_names_and_else_by_its_letters(
    word: str, keys: set[str], meant: str | None
) -> None:
    assert key_meant(word, keys) == meant


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("before-discounts", ["list", "after-discounts", "after-credits"], "list"),  # by letters it is the contrary
        ("before credits", ["list", "after-discounts", "after-credits"], "after-discounts"),
        ("payment", ["use", "invoice", "purchase"], None),  # later than the invoice, and nothing that there is
        ("Annual", ["hour", "month", "year"], "year"),
        ("3 months", ["month", "quarter", "year", "term"], "quarter"),
        ("6 months", ["quarter", "half-year", "year"], "half-year"),
        ("12 months", ["month", "quarter", "year", "term"], "year"),
        ("volume", ["graduated", "all-units"], "all-units"),
        ("pro-rata", ["refuse", "prorate"], "prorate"),
    ],
)
def test_a_value_is_found_by_its_other_names_alone(word: str, choices: list[str], meant: str | None) -> None:
    assert value_meant(word, choices) == meant


def floor(**more: object) -> Data:
    return agreement({"id": "floor", "kind": "minimum-commitment", "amount": "1 k USD"} | more)


@pytest.mark.parametrize(
    ("case", "remedies"),
    [
        (data_of([gpus("north", 2)], [compute()]) | {"contracts": []}, ["did you mean `agreements`?"]),
        (data_of([gpus("north", 2)], [compute()], floor(penalty="50%")), ["did you mean `shortfall`?"]),
        (data_of([gpus("north", 2) | {"cost": "2 USD per GPU-hour"}], [compute()]), ["did you mean `price`?"]),
        (
            data_of([{"type" if key == "kind" else key: of for key, of in gpus("north", 2).items()}], [compute()]),
            ["write it for `type`; allowed: `gpu`"],
        ),
        (data_of([gpus("north", 2)], [compute(labels=["chat"])]), ["such as `{ chat: … }`"]),
        (data_of([gpus("north", 2)], [compute()], floor(amount="10B USD")), ["did you mean `bn`?"]),
        (  # more like `terms` by its letters, where a text never stands
            data_of([gpus("north", 2)], [compute()], floor() | {"term": "1 year"}),
            ["unknown key `term`", "did you mean `ends`?"],
        ),
        (  # ourselves are a party too
            data_of([gpus("north", 2)], [compute()], floor() | {"with": "me"}),
            ["there is no provider `me`", "`self`"],
        ),
        (  # another region of the same provider, and no slip of the pen
            data_of([gpus("north", 2) | {"region": "us-east-2"}], [compute()]),
            ["has no region `us-east-2`", "declare it under the provider"],
        ),
        (
            data_of([gpus("north", 2)], [compute()], floor(measure="before-discounts")),
            ["not allowed here; write `list`"],
        ),
        *(
            (data_of([gpus("north", 2)], [compute()], floor(**{key: value})), [said])
            for key, value, said in (
                ("every", "year", "`every`; write `windows: { every: year }`"),
                ("every", "1 year", "`every`; write `windows: { every: year }`"),  # `1 year` is no value of it
                ("every", "yearly", "`every`; write `windows: { every: year }`"),
                ("every", "5 years", "`every`; write `windows: { every: … }`"),
                ("windows", {"every": "1 month"}, "write `month`"),
                (
                    "valid-for",
                    "1 year",
                    "`shortfall: { valid-for: 1 year }` or `milestones: [ { valid-for: 1 year } ]`",
                ),
                ("combine", "product", "write `combine` in the agreement, beside its `terms`"),
                ("windows", "yearly", "such as `{ every: year }`"),
                ("shortfall", "100%", "`forbidden`, or a mapping with some of the keys `fee`, `price`"),
                ("milestones", {"reach": "1 USD"}, "expected a list, such as `[ { reach: … } ]`"),
                ("milestones", None, "found nothing; expected a list"),
                ("except", {"buy": "reserved"}, "expected a list, such as `[ { buy: … } ]`"),
                ("amount", "5 k USD per month", "write `5 k USD` by itself; a clause whose amount holds in each month"),
                ("expires", "2026-03-01", "did you mean `until`?"),
                ("with", "south", "beside its `terms`"),
                ("rounding", {"per": "line"}, "write `rounding` in the agreement"),  # not `readings`
                ("windows", {"every": "month", "zone": "UTC"}, "write `zone` in the agreement"),
                ("affiliates", ["lab"], "did you mean `parties`?"),
                ("credits", "excluded", "did you mean `measure`?"),
                ("of", {"buy": "!on-demand"}, "what is left out stands in `except: [ { buy: on-demand } ]`"),
                (
                    "windows",
                    {"every": "month", "ramp": ["40 k USD", "60 k USD"]},
                    "write `amount: 100000 USD` and `ramp: [40%, 60%]`",
                ),
                (
                    "windows",
                    {"every": "month", "ramp": ["40 k USD", "2 M EUR", "60 k USD"]},
                    "a clause is of one currency: write one for each, `amount: 100000 USD` and `ramp: [40%, 0%, 60%]`, "
                    "and `amount: 2000000 EUR` and `ramp: [0%, 100%, 0%]`",
                ),
            )
        ),
        (  # other money than what was meant, and no slip of the pen
            data_of(
                [gpus("north", 2)],
                [compute()],
                agreement({"id": "d", "kind": "liquidated-damages", "rate": "9%", "measure": "after-credits"}),
            ),
            ["not allowed here; allowed: `after-discounts`, `list`"],
        ),
        (
            data_of([gpus("north", 2)], [compute()]) | {"version": 3},
            ["leave it out; `version` is a key of an entry in"],
        ),
        (
            data_of([gpus("north", 2) | {"capacity": "unlimited"}], [compute()]),
            ["leave `capacity` out: then there is no limit"],
        ),
        (
            data_of([gpus("north", 2)], [compute() | {"runs-on": {"accelerators": {"h100": "2600 tok/s"}}}]),
            ["such as `9.36 Mtok per GPU-hour`"],
        ),
        (
            data_of(
                [gpus("north", 2)],
                [compute() | {"runs-on": {"accelerators": {"h100": "9.5 Mtok per GPU-hour"}, "models": ["m"]}}],
            ),
            ["write the work in tokens, such as `500 Mtok per day`"],
        ),
    ],
)
def test_the_mistake_says_which_key_is_meant(case: Data, remedies: list[str]) -> None:
    found = mistakes(case)
    assert [remedy for remedy in remedies if any(remedy in each for each in found)] == remedies, found


def test_a_place_for_a_list_of_places_is_told_by_its_code() -> None:
    lives = {"id": "lives", "kind": "residency", "within": "Europe"}
    (found,) = mistakes(data_of([gpus("north", 2)], [compute()], agreement(lives, party="self")))
    assert found.endswith("found `Europe`; expected a list, such as `[EU]`")


def test_a_credit_of_all_says_that_its_rate_is_all() -> None:
    (found,) = mistakes(
        data_of([gpus("north", 2)], [compute()], agreement({"id": "c", "kind": "credit", "rate": "100%"}))
    )
    assert "`rate` is 100%, and there is no `amount`" in found


def test_a_mapping_for_a_list_of_names_is_not_written_out_as_a_list_of_mappings() -> None:
    (found,) = mistakes(data_of([gpus("north", 2)], [compute()], floor(parties={"us": 1})))
    assert found.endswith("found a mapping; expected a list")


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            data_of([gpus("north", 2) | {"kind": "gpus", "price": "2,39 USD per GPU-hour"}], [compute()]),
            ["there is no kind `gpus`; did you mean `gpu`?", "`2,39 USD` is not an amount of money"],
        ),
        (
            data_of([gpus("north", 2)], [compute() | {"kind": "real-time", "runs-on": "h100"}]),
            ["there is no kind `real-time`; write `inference`", "found `h100`; expected a mapping"],
        ),
        (
            data_of([gpus("north", 2)], [compute()], floor(kind="MACC", amount="$1.2M", windows="annual")),
            ["there is no kind `MACC`; write `kind: minimum-commitment`", "`$1.2M` is not", "found `annual`"],
        ),
        (data_of([gpus("north", 2)], [compute()], floor(kind="nda", amount="$1.2M")), ["there is no kind `nda`"]),
    ],
)
def test_an_entry_of_an_unknown_kind_is_read_as_the_one_that_was_meant(case: Data, told: list[str]) -> None:
    found = mistakes(case)
    assert len(found) == len(told), found
    assert all(any(each in one for one in found) for each in told), found


def test_who_names_what_is_told_to_be_in_capitals_makes_no_mistake_of_its_own() -> None:
    case = data_of([gpus("north", 2) | {"provider": "north"}], [compute()])
    first, *others = case["providers"]
    case["providers"] = [first | {"id": "North"}, *others]
    assert mistakes(case) == [
        "`North` does not have the right form; write lower-case letters, digits, `.`, `_` and `-`"
    ]


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("survives", "`redundancy` has"),
        ("carry-over", "`minimum-commitment` and `take-or-pay` have"),
    ],
)
def test_a_key_that_other_kinds_have_is_no_slip_of_the_pen(key: str, kinds: str) -> None:
    given = agreement({"id": "c", "kind": "credit", "amount": "1 USD", key: "use"})
    remedy = f"leave it out: {kinds} such a key, and this kind has none"
    assert mistakes(data_of([gpus("north", 2)], [compute()], given)) == [f"unknown key `{key}`; {remedy}"]
