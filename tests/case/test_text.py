"""Text in a case: what it may not hold, and that no two names are told apart by what nobody sees."""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.folder import MAX_MISTAKES
from detente.cli.command import mistakes_json
from detente.errors import HIDDEN, MAX_SHOWN, CaseError, FlawError, printable
from detente.values.likeness import did_you_mean, nearest
from detente.values.text import plain_name
from tests.builders import agreement, compute, data_of, gpus, tokens, work
from tests.effort import effort

HIDES = {
    "escape": "\x1b[2K\x1b[1GYes",
    "bell": "\x07",
    "carriage return": "No\rYes",
    "C1": "\x9b2K",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "zero width space": "per\u200bsonal",
    "zero width joiner": "a\u200db",
    "word joiner": "a\u2060b",
    "byte order mark": "a\ufeffb",
    "override": "\u202eseY",
    "isolate": "\u2066a\u2069",
    "soft hyphen": "a\u00adb",
    "filler": "a\u3164b",
    "variation": "a\ufe0fb",
    "tag": "a\U000e0062",
}


def mistakes(path: Path) -> list[str]:
    with pytest.raises(CaseError) as raised:
        Case.load(path)
    return [str(mistake) for mistake in raised.value.mistakes]


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(CaseError) as raised:
        Case.of(data)
    return str(raised.value)


def base(**labels: str) -> dict[str, Any]:
    return data_of([tokens("north", 3)], [work(labels=labels or {"data": "personal"})], months=1)


PLACES = ["title", "label", "text", "reading", "source", "interest", "model", "name", "key"]


def holding(place: str, text: str) -> dict[str, Any]:
    """A case with a text at a place."""
    data: dict[str, Any] = json.loads(json.dumps(base()))
    term = {"id": "t", "kind": "exclusivity", "provider": "north", "text": "x"}
    data["agreements"] = [agreement(term)]
    if place == "title":
        data["title"] = text
    elif place == "label":
        data["workloads"][0]["labels"]["data"] = text
    elif place == "text":
        data["agreements"][0]["terms"][0]["text"] = f"The clause {text} says"
    elif place == "reading":
        data["agreements"][0]["terms"][0]["readings"] = {text: {"of": {}}}
    elif place in ("source", "model"):
        data["offers"][0][place] = text
    elif place == "interest":
        data["providers"][0]["interest"] = text
    elif place == "name":
        data["providers"][0]["name"] = text
    else:
        data["offers"][0][text] = "x"
    return data


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HIDES.values(), ids=HIDES.keys())
def test_no_text_hides_or_forges_anything(place: str, text: str) -> None:
    found = refused(holding(place, text))
    assert "shows nothing or forges what is shown: U+" in found
    assert all(line.isprintable() for line in found.split("\n"))


def test_the_place_is_the_character_s(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text("name: x\r\n# ok\r\ntitle: per\u200bsonal\r\n", encoding="utf-8", newline="")
    assert mistakes(tmp_path / "case.yaml")[0].startswith(f"{tmp_path / 'case.yaml'}:3:11: ")
    (tmp_path / "case.yaml").write_text('name: x\ntitle: "a\\u202eb"\n', encoding="utf-8")
    assert mistakes(tmp_path / "case.yaml")[0].startswith(f"{tmp_path / 'case.yaml'}:2:8: ")


def test_a_clause_may_have_lines_and_any_language(tmp_path: Path) -> None:
    text = "Artikel 4:\n\tDie Daten bleiben „in Schweden“, 5\u00a0000 € im Jahr.\n数据留在瑞典。 הנתונים"
    data = holding("text", "x") | {"title": "Größe \N{GRINNING FACE} \\ud83d"}
    data["agreements"][0]["terms"][0]["text"] = text
    case = Case.of(data)
    assert case.terms[0].text == text
    assert case.declared.title == "Größe \N{GRINNING FACE} \\ud83d"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("person\u0430l", "mixes Latin letters (`p`) with Cyrillic ones (`\u0430`, U+0430)"),
        ("\u03bfpen", "mixes Greek letters"),
        ("\uff50ersonal", "has a character that looks like another: U+FF50"),
        ("cafe\u0301", "has an accent as a character of its own (U+0301), where one letter has it"),
        ("\ufb01nance", "U+FB01"),
        ("\U0001d429ersonal", "U+1D429"),
        ("a\u00a0b", "U+00A0"),
        ("personal ", "begins or ends with a blank"),
        ("per\nsonal", "has line breaks or tabs"),
    ],
)
def test_names_are_told_apart_by_what_is_seen(text: str, what: str) -> None:
    assert what in refused(base(data=text))
    term = {"id": "t", "kind": "exclusivity", "provider": "north", "of": {"data": text}}
    assert what in refused(data_of([tokens("north", 3)], [work()], agreement(term), months=1))


@pytest.mark.parametrize(
    "text", ["данные", "数据", "データ処理", "GPT数据", "données", "λόγος", "a-\u0431", "x_1.2/3 y", "데이터"]
)
def test_a_word_in_one_script_is_a_name(text: str) -> None:
    assert Case.of(base(data=text)).workloads[0].labels["data"] == text


@settings(deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_two_names_that_look_alike_by_their_form_are_never_both_taken(text: str) -> None:
    """Whatever is taken is its own plainest form: no other text that is taken has that form."""
    with suppress(FlawError):
        assert plain_name(text) == unicodedata.normalize("NFKC", text)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_is_printed_is_one_line_that_shows_all_it_has(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not HIDDEN.search(shown)


def test_keys_have_one_spelling() -> None:
    data = base()
    data["workloads"][0]["runs_on"] = data["workloads"][0].pop("runs-on")
    assert "unknown key `runs_on`\n    did you mean `runs-on`?" in refused(data)
    floor = {"id": "t", "kind": "minimum-commitment", "amount": "1 USD", "carry_over": "20%"}
    found = refused(data_of([tokens("north", 3)], [work()], agreement(floor), months=1))
    assert "unknown key `carry_over`\n    did you mean `carry-over`?" in found


@pytest.mark.parametrize(
    ("windows", "within", "remedy"),
    [
        ({"every": "month"}, "EU", "found `EU`\n    expected a list, such as `[EU]`"),
        (
            "month",
            ["EU"],
            "found `month`\n    expected a mapping (`key: value`), such as `{ every: month }`",
        ),
    ],
)
def test_one_value_where_several_are_expected(windows: Any, within: Any, remedy: str) -> None:
    floor = {"id": "t", "kind": "minimum-commitment", "amount": "1 USD", "windows": windows}
    home = {"id": "h", "kind": "residency", "within": within}
    assert remedy in refused(data_of([tokens("north", 3)], [work()], agreement(floor, home), months=1))


def test_a_price_per_hour_does_not_say_of_what() -> None:
    found = refused(data_of([gpus("north", 2, unit=8) | {"price": "2 USD per hour"}], [compute()], months=1))
    assert "`2 USD per hour` is per hour, and does not say of what\n    write per GPU-hour or per unit-hour" in found


@pytest.mark.parametrize("text", ["1__0", "1_", "007", "00012", "00.5", "\u0663", "\uff11"])
def test_numbers_have_one_form(text: str) -> None:
    for value in (f"{text} USD per Mtok", f"{text}% per month"):
        data = base()
        if "USD" in value:
            data["offers"][0]["price"]["input"] = value
        else:
            data["workloads"][0]["demand"] = {"start": "10 Mtok per day", "growth": value}
        found = refused(data)
        assert "    " in found


@pytest.mark.parametrize("text", ["0", "0.5", "1_000", "12_345_678", "1e3", "+5"])
def test_numbers_that_are_written_as_they_should(text: str) -> None:
    data = base()
    data["offers"][0]["price"]["input"] = f"{text} USD per Mtok"
    assert len(Case.of(data).offers) == 1


def test_what_says_nothing_is_a_mistake() -> None:
    term = {"id": "t", "kind": "exclusivity", "provider": "north", "readings": {}}
    assert "is empty" in refused(data_of([tokens("north", 3)], [work()], agreement(term), months=1))
    twice = {"models": ["m", "m"]}
    assert "the model `m` is named twice" in refused(
        data_of([tokens("north", 3)], [work() | {"runs-on": twice}], months=1)
    )


HEAD = "name: x\nhorizon: { start: 2026-01, end: 2026-02, every: month }\n"
FIRST_DAY = [
    ("name: x\ntitle: Small: a case\n", ":2:13: ", "put a text that has a colon in it in quotes"),
    ("name: x\noffers:\n\t- id: a\n", ":3:1: ", "indent with spaces, and not with a tab"),
    ("name: x\ntitle: @home\n", ":2:8: ", "put a text that begins with `@` in quotes"),
    ("name: x\ntitle: 'open\n", ":2:8: ", "close the quote or bracket that is opened here"),
    ("name:x\ntitle: y\n", ":2:6: ", "write a space after the colon of a key"),
    ("name: x\ntitle:\u00a0y\nidle: z\n", ":3:1: ", "replace the blank U+00A0 around here by a plain space"),
    ("name: x\ntitle: |y\n", ":2:9: ", "put a text that begins with `|` or `>` in quotes"),
    (HEAD.replace("name: x", "name: [x]"), ": found a list", "expected text: write `x`, without brackets"),
    (f"currency: #1\n{HEAD}", ":1:10: found nothing", "expected text; put one that begins with `#` or `&` in quotes"),
    ("x: { a: 0,44 USD, b: 1 }\n", ":1:11: `44 USD` is taken for a key, and has no value", "decimals with a point"),
    ("x: { a: one, two }\n", ":1:14: `two` is taken for a key", "put a text that has a comma in it in quotes"),
    ("providers:\n  id: a\n  - id: b\n", ":3:3: ", "each entry of a list with `- `"),
    ("hello\n", ":1:1: a case file is a mapping of sections", "begin it with a section, such as `offers:`"),
    ("PAR1\0\xff", "case.yaml: is not a text file", "name a folder with a `case.yaml`, or a YAML file"),
    ("PK\x03\x04\x14", "case.yaml: is not a text file", "name a folder with a `case.yaml`, or a YAML file"),
    ("%PDF-1.7\nx\n", "case.yaml: is not a text file", "name a folder with a `case.yaml`, or a YAML file"),
    ("", ":1:1: is empty", "start one with `detente init`"),
    ("# nothing\n", ":1:1: is empty", "start one with `detente init`"),
    ('{"format": "detente-plan/1"}', ":1:1: is a saved plan", "name the case"),
]


@pytest.mark.parametrize(("text", "what", "remedy"), FIRST_DAY)
def test_mistakes_of_the_first_day(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    (tmp_path / "case.yaml").write_text(text, encoding="latin-1" if "\xff" in text else "utf-8")
    found = mistakes(tmp_path)[0]
    assert what in found
    assert remedy in found


@pytest.mark.parametrize(
    ("section", "what", "remedy"),
    [
        ("agreements: [{ id: a, with: [b, c] }]", "found a list", "with each: `with: b`, `with: c`"),
        ("agreements: [{ id: a, with: b and c }]", "`b and c` is more than one", "with each: `with: b`, `with: c`"),
        (
            "offers: [{ id: a, kind: gpu, provider: 'b, c' }]",
            "`b, c` is more than one",
            "such as `b`; for several, write an",
        ),
    ],
)
def test_several_in_the_place_of_one(tmp_path: Path, section: str, what: str, remedy: str) -> None:
    (tmp_path / "case.yaml").write_text(f"{HEAD}{section}\n")
    (found,) = [each for each in mistakes(tmp_path) if what in each]
    assert remedy in found


@pytest.mark.parametrize(
    ("amount", "remedy"),
    [
        ("240 cents", "write `2.4 USD`, in the currency itself, with its three letters"),
        ("\u2212240 USD", "write the minus as `-`, and not as `\u2212` (U+2212)"),
        ("$240", "(the currency's three letters, not its sign)"),
        ("1,000 USD", "without thousands separators"),
        ("1'000 USD", "without thousands separators"),
        ("1 000 USD", "without thousands separators"),
        ("200000", "write the currency after it, in three capital letters"),
        ("200 k", "write the currency after it, in three capital letters"),
        ("200 k usd", "write the currency after it, in three capital letters"),
        ("USD 200k", "write `200 k USD`: the currency comes after the amount"),
    ],
)
def test_money_of_the_first_day(amount: str, remedy: str) -> None:
    term = {"id": "t", "kind": "minimum-commitment", "amount": amount}
    assert remedy in refused(data_of([tokens("north", 3)], [work()], agreement(term), months=1))


def test_a_plan_where_a_case_is_expected(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    assert "holds a saved plan, and no `case.yaml`\n    name the case" in mistakes(tmp_path)[0]


def test_a_scenario_where_there_is_none() -> None:
    with pytest.raises(CaseError, match="the case has no scenarios: leave it out"):
        Case.of(base()).under(scenario="boom")


def test_a_path_stays_in_the_case_s_folder(tmp_path: Path) -> None:
    secret = "top secret"
    (tmp_path / "secret.yaml").write_text(f"providers: {secret}\n")
    case = tmp_path / "case"
    (case / "offers").mkdir(parents=True)
    (case / "case.yaml").write_text("name: x\n")
    (case / "offers" / "a.yaml").symlink_to(tmp_path / "secret.yaml")
    (case / "offers" / "b.yaml").symlink_to("b.yaml")
    (case / "c.csv").symlink_to("c.csv")
    found = mistakes(case)
    assert any("a.yaml: leads out of the case's folder" in each for each in found)
    assert secret not in "".join(found)
    assert any("b.yaml: its symbolic links lead in a circle" in each for each in found)
    out = "leads out of the case's folder"
    for name, said in {"../secret.yaml": out, "sub/../../secret.yaml": out, "c.csv": "links lead in a circle"}.items():
        data = base()
        data["workloads"][0]["demand"] = {"trace": {"file": name}}
        with pytest.raises(CaseError, match=said) as raised:
            Case.of(data, case)
        assert secret not in str(raised.value)


def test_a_folder_that_leads_out_is_not_listed(tmp_path: Path) -> None:
    """Of what lies there no name is told: 116 mistakes named the files of another folder."""
    (tmp_path / "case").mkdir()
    (tmp_path / "elsewhere" / "hidden-folder").mkdir(parents=True)
    (tmp_path / "elsewhere" / "hidden").write_text("")
    (tmp_path / "case" / "case.yaml").write_text("name: x\n")
    (tmp_path / "case" / "offers").symlink_to(tmp_path / "elsewhere")
    found = mistakes(tmp_path / "case")
    assert sum("/offers: leads out of the case's folder" in each for each in found) == 1
    assert "hidden" not in "".join(found)


def test_a_file_of_two_versions_that_collide(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: x\n<<<<<<< HEAD\ntitle: a\n=======\ntitle: b\n>>>>>>> theirs\n")
    (only,) = mistakes(file)
    assert "a.yaml:2:1: `<<<<<<< HEAD` is a mark of git, where two versions of the file collide" in only


def test_suggestions_are_quick_among_many() -> None:
    """Looked up one by one, 3,000 took half a minute: four times as long as half as many."""

    def calls(many: int) -> int:
        known = frozenset(f"provider-number-{n:06}" for n in range(many))
        with effort() as taken:
            for n in range(many):
                assert nearest(f"provider-namber-{n:06}x", known) is not None
        return taken.calls

    assert calls(1000) < 2.5 * calls(500)
    known = frozenset(f"provider-number-{n:06}" for n in range(3000))
    assert did_you_mean("provider-nummber-001234", known) == "did you mean `provider-number-001234`?"
    assert nearest("PROVIDER-NUMBER-000007", known) == "provider-number-000007"
    assert nearest("zzz", known) is None


def test_many_entries_are_checked_in_a_time_that_grows_with_them() -> None:
    """Where each workload was held against each offer, twice as many took nearly four times as long."""

    def calls(many: int) -> int:
        offers = [tokens("north", 3) | {"id": f"o{i}", "model": f"m{i:05}"} for i in range(many)]
        loads = [work(f"w{i}", **{"runs-on": {"models": [f"m{i:05}"]}}) for i in range(many)]
        data = data_of(offers, loads, months=1)
        with effort() as taken:
            assert len(Case.of(data).offers) == many
        return taken.calls

    calls(1)  # what is imported and built once
    assert calls(400) < 2.3 * calls(200)


def test_a_flood_of_mistakes_is_cut() -> None:
    data = data_of(
        [tokens("north", 3)], [work(f"w{i}", mix={"output": "200%"}) for i in range(MAX_SHOWN + 50)], months=1
    )
    lines = refused(data).splitlines()
    assert lines[-2:] == ["and 50 more", "250 mistakes"]
    with pytest.raises(CaseError) as raised:
        Case.of(data)
    told = json.loads(mistakes_json(raised.value))
    assert (len(told["mistakes"]), told["more"]) == (MAX_SHOWN, 50)
    assert len(lines) == 2 * MAX_SHOWN + 2


def test_what_comes_after_a_thousand_mistakes_is_not_read_and_that_is_told() -> None:
    data = data_of([tokens("north", 3)], [work(f"w{i}", mixed=1) for i in range(2 * MAX_MISTAKES)], months=1)
    assert refused(data).splitlines()[-1] == "at least 1,001 mistakes: what comes after so many is not read"
    with pytest.raises(CaseError) as raised:
        Case.of(data)
    assert json.loads(mistakes_json(raised.value))["all-read"] is False


def test_a_mistake_is_cut() -> None:
    data = base()
    data["workloads"][0]["labels"]["x" * 100_000] = "y"
    assert max(map(len, refused(data).splitlines())) < 1200


def test_accelerators_too() -> None:
    data = data_of([gpus("north", 2)], [compute()], months=1)
    data["workloads"][0]["runs-on"] = {"accelerators": {"H\u0410100": 1}}
    assert "mixes Latin letters" in refused(data)
