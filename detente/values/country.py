"""Countries, and the areas that clauses name.

Owns: which codes there are, and which countries are in an area. Not here: where a region lies (``provider``).

``CODES`` are the 249 officially assigned alpha-2 codes of ISO 3166-1, as in the tz database's ``iso3166.tab``
(in the public domain). It holds no reserved code (``UK``, ``EU``) and none that is left to users (``XK``, ``XX``).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from detente.errors import FlawError
from detente.values.likeness import nearest
from detente.values.noun import NAME

_ASSIGNED = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
CODES = frozenset(_ASSIGNED.split())

# Members of the European Union (27) and, with them, of the European Economic Area (30).
_UNION = "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_UNION.split())
AREAS = {"EU": EU, "EEA": EU | {"IS", "LI", "NO"}}

# What is written for a code and is neither one nor a name of the tz database's table (which says ``Britain (UK)``).
_MEANT = {
    "UK": "GB",
    "United Kingdom": "GB",
    "Great Britain": "GB",
    "England": "GB",
    "EL": "GR",
    "USA": "US",
    "United States of America": "US",
    "UAE": "AE",
    "Czechia": "CZ",
    "Holland": "NL",
    "The Netherlands": "NL",
    "South Korea": "KR",
    "Korea": "KR",
    "European Union": "EU",
    "Europe": "EU",
    "European Economic Area": "EEA",
}


def in_area(country: str, area: str) -> bool:
    """Whether a country is in an area: a country's own code, ``EU`` or ``EEA``."""
    return country == area or country in AREAS.get(area, frozenset())


def country(text: str) -> str:
    """A country's code. Raises FlawError with the likely meaning."""
    if text in CODES:
        return text
    raise FlawError(f"`{text}` is not a country", _meant(text) or "write its two letters (ISO 3166-1), such as `SE`")


def area(text: str) -> str:
    """A country's code, ``EU`` or ``EEA``. Raises FlawError with the likely meaning."""
    if text in CODES or text in AREAS:
        return text
    remedy = _meant(text, AREAS) or "write a country's two letters (ISO 3166-1), `EU` or `EEA`"
    raise FlawError(f"`{text}` is neither a country nor an area", remedy)


def _meant(text: str, areas: Collection[str] = ()) -> str:
    found = code_meant(text, areas)
    return f"did you mean `{found}`?" if found else ""


def code_meant(text: str, areas: Collection[str] = AREAS) -> str | None:
    """The code of the country, or of one of some areas, that a text seems to name; None where it names none."""
    names, written = _codes_by_name(), text.strip().casefold()
    if written not in names and len(written) > 3:  # near three letters there is always some code
        written = nearest(written, names, 0.8) or written
    found = names.get(written, "")
    return found if found in CODES or found in areas else None


@cache
def _codes_by_name() -> dict[str, str]:
    """Codes by themselves and by names of countries in English, all in small letters: for suggestions alone."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    codes = {name: code for code, full in rows for name in (code, full, full.partition(" (")[0])}
    return {name.casefold(): code for name, code in (codes | {a: a for a in AREAS} | _MEANT).items()}


_COUNTRY: dict[str, Any] = {
    "type": "string",
    "enum": sorted(CODES),
    "description": "ISO 3166-1 alpha-2",
    NAME: "country",
}
_AREA = {"anyOf": [{"type": "string", "enum": [*AREAS]}, _COUNTRY], "description": "a country's code, EU or EEA"}

Country = Annotated[str, AfterValidator(country), WithJsonSchema(_COUNTRY)]
Area = Annotated[str, AfterValidator(area), WithJsonSchema(_AREA)]
