"""Prices per token from the published list of models: what they say, by day and by length, and what is in doubt."""

from __future__ import annotations

import sys
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from detente.errors import MissingExtraError
from detente.market.catalog import Catalog
from detente.market.offer import TokenOffer
from tests.market.catalogs import OFFER, spelled


def flat(**prices: Any) -> SimpleNamespace:
    return SimpleNamespace(**{key: Decimal(p) if isinstance(p, str) else p for key, p in prices.items()})


def dated(*steps: tuple[Any, SimpleNamespace]) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(prices=p, constraint=SimpleNamespace(start_date=on) if isinstance(on, date) else on)
        for on, p in steps
    ]


def tiered(base: str, over: int, more: str) -> SimpleNamespace:
    return SimpleNamespace(base=Decimal(base), tiers=[SimpleNamespace(start=over, price=Decimal(more))])


PLAIN = flat(input_mtok="0.4", output_mtok="1.6", cache_read_mtok="0.10", cache_write_mtok=None, web_searches="10")
LATER = flat(input_mtok="0.2", output_mtok="10", cache_read_mtok=None)
MODELS = {
    "plain": PLAIN,
    "same": dated((None, PLAIN), (date(2026, 3, 1), PLAIN)),
    "cut": dated((None, PLAIN), (date(2026, 6, 1), LATER), (date(2026, 3, 1), flat(input_mtok="1", output_mtok="2"))),
    "new": dated((date(2026, 3, 1), LATER)),
    "long": flat(input_mtok=tiered("3", 200_000, "6"), output_mtok=tiered("15", 200_000, "22.5")),
    "night": dated((None, PLAIN), (SimpleNamespace(start_time=time(0), end_time=time(8)), LATER)),
    "embed": flat(input_mtok="0.1"),
    "free": flat(),
    "per-call": flat(input_mtok="1", output_mtok="1", requests_kcount="5"),
}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A genai-prices of our own, so that its next release changes no test."""
    package, data = ModuleType("genai_prices"), ModuleType("genai_prices.data")
    models = [SimpleNamespace(id=name, prices=prices) for name, prices in MODELS.items()]
    package.__dict__["__version__"] = "0.2.9"
    data.__dict__["providers"] = [
        SimpleNamespace(id="openai", models=models),
        SimpleNamespace(id="azure", models=[SimpleNamespace(id="other", prices=PLAIN)]),
    ]
    monkeypatch.setitem(sys.modules, "genai_prices", package)
    monkeypatch.setitem(sys.modules, "genai_prices.data", data)


def tokens(*models: str, **keys: Any) -> list[dict[str, Any]]:
    given_ = {"format": "genai-prices", "provider": "azure", "region": "eastus", "catalog_provider": "openai"}
    found = Catalog.model_validate(spelled({**given_, "models": list(models), **keys})).offers(Path())
    for offer in found:
        assert isinstance(OFFER.validate_python(offer), TokenOffer)
    return found


@pytest.mark.usefixtures("installed")
def test_prices_per_token() -> None:
    assert tokens("plain", capacity="20 Mtok per minute", batch="50%", source="list prices") == [
        {
            "kind": "tokens",
            "id": "azure-plain-eastus",
            "provider": "azure",
            "region": "eastus",
            "model": "plain",
            "price": {
                "input": "0.4 USD per Mtok",
                "cached-input": "0.1 USD per Mtok",
                "output": "1.6 USD per Mtok",
                "batch": "50%",
            },
            "source": "genai-prices 0.2.9 (list prices)",
            "capacity": "20 Mtok per minute",
        }
    ]


@pytest.mark.usefixtures("installed")
def test_prices_that_change_on_dates() -> None:
    old = {"input": "0.4 USD per Mtok", "cached-input": "0.1 USD per Mtok", "output": "1.6 USD per Mtok"}
    cut, new, same = (offer["price"] for offer in tokens("same", "cut", "new"))
    # The last of the list that holds on a day does: from June on that is the one from March.
    assert cut == {"1970-01-01": old, "2026-03-01": {"input": "1 USD per Mtok", "output": "2 USD per Mtok"}}
    assert new == {"2026-03-01": {"input": "0.2 USD per Mtok", "output": "10 USD per Mtok"}}
    assert same == old


@pytest.mark.usefixtures("installed")
def test_prices_by_length_need_a_word() -> None:
    with pytest.raises(ValueError, match=r"over 200,000 tokens; write `tier: base` where yours are shorter"):
        tokens("long")
    assert tokens("long", tier="base")[0]["price"] == {"input": "3 USD per Mtok", "output": "15 USD per Mtok"}


@pytest.mark.usefixtures("installed")
def test_all_models_in_doubt_at_once() -> None:
    with pytest.raises(ValueError, match="genai-prices") as error:
        tokens("night", "embed", "free", "per-call", "plane", "plain", "other")
    assert str(error.value).split("\n") == [
        "genai-prices: `night` of `openai` costs more at some hours of the day, which no offer states; "
        "write its offer by hand",
        "genai-prices: `embed` of `openai` has no price of output; write its offer by hand",
        "genai-prices: `free` of `openai` has no price of input; write its offer by hand",
        "genai-prices: `per-call` of `openai` has a price for each request, which no offer states; "
        "write its offer by hand",
        "genai-prices: `openai` has no model `plane`; did you mean `plain`?",
        "genai-prices: `openai` has no model `other`; `catalog-provider:` `azure` has it",
    ]
    with pytest.raises(ValueError, match=r"has no provider `openia`; did you mean `openai`"):
        tokens("plain", catalog_provider="openia")


def test_prices_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(MissingExtraError, match=r"detente\[prices\]"):
        tokens("plain")


def test_the_installed_prices_have_the_shape_we_read() -> None:
    pytest.importorskip("genai_prices")
    found = {offer["model"]: offer["price"] for offer in tokens("gpt-4.1-mini", "o3")}
    assert set(found["gpt-4.1-mini"]) == {"input", "cached-input", "output"}
    assert found["o3"]["2025-06-10"]["input"] == "2 USD per Mtok"
    long = tokens("claude-sonnet-4-5", catalog_provider="anthropic", tier="base")
    assert "input" in str(long[0]["price"])
