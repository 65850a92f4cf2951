"""Countries: which codes there are, and what is meant by other words for them."""

from __future__ import annotations

from importlib.resources import files

import pytest

from detente.errors import FlawError
from detente.values.country import CODES, area, country


def test_codes_are_those_of_the_tz_database() -> None:
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    assert {line[:2] for line in table.splitlines() if not line.startswith("#")} == CODES


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("de", "DE"),
        ("UK", "GB"),
        ("Netherlands", "NL"),
        ("the netherlands", "NL"),
        ("Germny", "DE"),
        ("Britain", "GB"),
        ("United Kingdom", "GB"),
        ("South Korea", "KR"),
        ("United States", "US"),
        ("Côte d’Ivoire", "CI"),
    ],
)
def test_a_name_leads_to_its_code(written: str, meant: str) -> None:
    for read in (country, area):
        with pytest.raises(FlawError, match=f"did you mean `{meant}`"):
            read(written)


def test_an_area_is_no_country() -> None:
    with pytest.raises(FlawError, match="did you mean `EU`"):
        area("European Union")
    with pytest.raises(FlawError, match="did you mean `EU`"):
        area("Europe")
    with pytest.raises(FlawError, match="write its two letters"):
        country("European Union")


@pytest.mark.parametrize("written", ["", "XX", "ZZZ", "Atlantis", "x" * 10_000])
def test_what_is_none_leads_nowhere(written: str) -> None:
    with pytest.raises(FlawError, match="two letters"):
        country(written)
