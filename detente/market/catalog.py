"""A catalogue: offers taken from a published list of prices.

Owns: reading price lists into offers as one would write them in a case. Not here: what an offer is
(``offer``), where a region lies (``provider``).

Three formats, all in USD: ``skypilot`` (GPU machines by the hour, on demand and spot: SkyPilot's catalogue),
``gcp-cud`` (Google's machines with committed use: Cyclenerd/google-cloud-pricing-cost-calculator) and
``genai-prices`` (prices per token: the installed package of that name). A machine priced at nothing or 0 is
not on offer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from detente.errors import Flaw, FlawError, MissingExtraError, printable
from detente.values.dated import Dated
from detente.values.likeness import did_you_mean
from detente.values.noun import Id, Label, Noun, read_by, written_as
from detente.values.period import FIRST, Day
from detente.values.quantity import Amount, Rate, amount_in, in_percent, plain, rate_in
from detente.values.quantity_field import Portion
from detente.values.sheet import UNREADABLE, File, Sheet, atto, shown

TermLength = Literal["1 year", "3 years"]

_NEEDS = {"skypilot": {"file", "accelerators"}, "genai-prices": {"region", "models"}}
_NEEDS["gcp-cud"] = _NEEDS["skypilot"]
_MAY = {"skypilot": {"regions", "instances", "buy"}, "genai-prices": {"catalog_provider", "tier", "batch"}}
_MAY["gcp-cud"] = _MAY["skypilot"] | {"terms", "starts", "cut"}
_ALL = {"format", "provider", "capacity", "id_prefix", "source"}
_CHOOSE = "choose other rows by `regions:` or `instances:`"
# Parts of a token price that these offers cannot state, and that every request would pay.
_UNSTATED = {"requests_kcount": "each request", "output_reasoning_mtok": "tokens of reasoning apart"}


def _capacity(given: Any) -> Amount | Rate:
    text = str(given)
    found: Amount | Rate = rate_in("Mtok")(given) if " per " in text or "/" in text else amount_in("GPU", "unit")(given)
    return found


Plenty = Annotated[
    Amount | Rate,
    read_by(_capacity, written_as(r"^[0-9][0-9_.eE]*\s?[A-Za-z].*$", "64 GPU", "GPUs, units or tokens over time")),
]


class _Machine(NamedTuple):
    """A row of a price list: a machine in a region, and how it may be bought."""

    row: int
    instance: str
    accelerator: str
    gpus: int
    region: str
    prices: Mapping[str, Decimal]  # by "on-demand", "spot", or a term


class Catalog(Noun):
    """Offers from a price list; each filter is a list of names as the price list writes them."""

    format: Literal["skypilot", "gcp-cud", "genai-prices"]
    provider: Id = Field(description="who sells them, by the name the case gives it")
    file: File | None = None
    accelerators: tuple[Label, ...] = Field(default=(), description="which GPUs")
    regions: tuple[Label, ...] = Field(default=(), description="default: every region of the list")
    instances: tuple[Label, ...] = Field(default=(), description="default: every machine with these GPUs")
    buy: tuple[Literal["on-demand", "spot", "reserved"], ...] = Field(default=("on-demand",), min_length=1)
    terms: tuple[TermLength, ...] = Field(
        default=("1 year", "3 years"), min_length=1, description="of what is reserved"
    )
    starts: tuple[Day, ...] | None = Field(default=None, description="days on which a reservation may start")
    cut: Literal["prorate", "refuse"] | None = Field(default=None, description="a term that runs past the horizon")
    region: Id | None = Field(default=None, description="`genai-prices`: where the endpoint is")
    catalog_provider: Label | None = Field(
        default=None, description="`genai-prices`: who sells them, by the list's name; default: as `provider`"
    )
    models: tuple[Label, ...] = Field(default=(), description="`genai-prices`: which models")
    tier: Literal["base"] | None = Field(
        default=None,
        description="`base`: where long requests cost more, take the price of short ones for all",
    )
    batch: Portion | None = Field(default=None, description="`genai-prices`: what batch use costs of these prices")
    capacity: Dated[Plenty] | None = Field(default=None, description="of each offer; default: no limit")
    id_prefix: Id | None = Field(default=None, description="what the offers' ids begin with; default: the provider")

    @model_validator(mode="after")
    def _format(self) -> Self:
        needs, may = _NEEDS[self.format], _MAY[self.format]
        missing = sorted(key for key in needs if not getattr(self, key))
        extra = sorted(self.model_fields_set - needs - may - _ALL)
        if missing or extra:
            key = (missing or extra)[0].replace("_", "-")
            what = f"a catalog of `format: {self.format}` {'needs' if missing else 'has no'} `{key}`"
            raise FlawError(what, "add it" if missing else "leave it out")
        tokens = self.format == "genai-prices"
        for capacity in self.capacity.values() if self.capacity else ():
            if isinstance(capacity, Rate) != tokens:
                example = "20 Mtok per minute" if tokens else "64 GPU"
                raise FlawError(f"the capacity is `{capacity}`", f"write for example `{example}`")
        return self

    def offers(self, folder: Path) -> list[dict[str, Any]]:
        """The offers as one would write them, in the order of their ids.

        Raises FlawError with every flaw, each with its own place in the file, and MissingExtraError.
        """
        found = list(self._tokens()) if self.format == "genai-prices" else list(self._machines(folder))
        taken: set[str] = set()
        for offer in sorted(found, key=lambda offer: str(offer["id"])):
            name, n = offer["id"], 1
            while offer["id"] in taken:
                n += 1
                offer["id"] = f"{name}-{n}"
            taken.add(offer["id"])
        return sorted(found, key=lambda offer: str(offer["id"]))

    def _offer(self, kind: str, region: str, name: Sequence[str], source: str, **more: Any) -> dict[str, Any]:
        """What every kind of offer says."""
        offer: dict[str, Any] = {
            "kind": kind,
            "id": _slug("-".join([self.id_prefix or self.provider, *name]))[:100].strip("-"),
            "provider": self.provider,
            "region": region,
            **more,
            "source": f"{source} ({self.source})" if self.source else source,
        }
        if self.capacity:
            steps = self.capacity.steps
            texts = {str(on): str(amount) for on, amount in steps}
            offer["capacity"] = str(steps[0][1]) if steps[0][0] is None else texts
        return offer

    def _machines(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Offers of machines: one for each way to buy each of them in each region."""
        assert self.file is not None
        bought: set[str] = set()
        for machine in self._chosen(folder, self.file):
            for way, price in machine.prices.items():
                buy = way if way in ("on-demand", "spot") else "reserved"
                if buy not in self.buy or (buy == "reserved" and way not in self.terms):
                    continue
                bought.add(buy)
                region = _slug(machine.region)
                instance = re.sub("^standard_", "", machine.instance, flags=re.IGNORECASE)
                name = [instance, region, buy if buy == way else f"reserved-{way}"]
                held: dict[str, Any] = {"term": way} if buy == "reserved" else {}
                if held and self.starts:
                    held["starts"] = [str(day) for day in self.starts]
                if held and self.cut:
                    held["cut"] = self.cut
                yield self._offer(
                    *("gpu", region, name, f"{self.file}, row {machine.row}"),
                    accelerator=machine.accelerator,
                    unit=machine.gpus,
                    buy=buy,
                    price=f"{plain(price)} USD per {'unit per 730 hours' if held else 'unit-hour'}",
                    **held,
                )
        for buy in self.buy:
            if buy not in bought:
                raise FlawError(
                    f"{self.file}: has no price for `{buy}` of what is chosen", f"leave `{buy}` out of `buy:`"
                )

    def _chosen(self, folder: Path, file: str) -> list[_Machine]:
        """The machines that the filters leave, each checked."""
        found: dict[tuple[str, str, str], _Machine] = {}
        known: set[str] = set()
        regions: set[str] = set()
        instances: set[str] = set()
        fits = 0
        with Sheet(folder, file) as sheet:
            for row in (_skypilot if self.format == "skypilot" else _gcp_cud)(sheet):
                known.add(row.gpu)
                if row.gpu not in self.accelerators:
                    continue
                regions |= {row.region, _slug(row.region)}
                instances.add(row.instance)
                if self.regions and not {row.region, _slug(row.region)} & set(self.regions):
                    continue
                if self.instances and row.instance not in self.instances:
                    continue
                fits += 1
                if not row.instance:
                    bare = "is the price of a GPU without its machine"
                    sheet.stop(bare, "for Google's, use `format: gcp-cud`", row.row, row.at[0] + 1)
                try:
                    machine = row.machine()
                except _Wrong as wrong:
                    sheet.wrong(row.row, *wrong.args)
                    continue
                same = found.setdefault((row.instance, row.gpu, row.region), machine)
                if same.prices != machine.prices:
                    what = f"{shown(row.instance)} in {shown(row.region)} has other prices in row {same.row}"
                    sheet.wrong(row.row, row.at[0], what, "keep one")
            for asked, there in (
                (self.accelerators, known),
                (self.regions, regions),
                (self.instances, instances),
            ):
                for name in asked:
                    if there and name not in there:
                        remedy = did_you_mean(name, (printable(each)[:60] for each in there if each))
                        sheet.note(f"has no row for `{name}`", remedy)
            if regions and not fits:
                sheet.note("has no row that fits every filter", "leave out `regions:` or `instances:`")
        return list(found.values())

    def _tokens(self) -> Iterator[dict[str, Any]]:
        """Offers of endpoints, with the prices of the installed genai-prices."""
        try:
            import genai_prices
            from genai_prices.data import providers
        except ImportError:
            raise MissingExtraError("a catalog of `format: genai-prices`", "prices") from None
        assert self.region is not None
        name = self.catalog_provider or self.provider
        sellers = {seller.id: seller for seller in providers}
        if name not in sellers:
            raise FlawError(f"genai-prices: has no provider `{name}`", did_you_mean(name, sellers))
        models = {model.id: model for model in sellers[name].models}
        wrong, release = list[Flaw](), f"genai-prices {genai_prices.__version__}"
        for model in self.models:
            if model not in models:
                others = [f"`{s.id}`" for s in providers if any(m.id == model for m in s.models)]
                remedy = did_you_mean(model, models)
                if others:
                    remedy = f"`catalog-provider:` {' or '.join(others[:4])} has it"
                wrong.append(Flaw(f"genai-prices: `{name}` has no model `{model}`", remedy))
                continue
            try:
                price = self._dated(models[model].prices)
            except FlawError as error:
                wrong += [Flaw(f"genai-prices: `{model}` of `{name}` {f.what}", f.remedy) for f in error.flaws]
                continue
            yield self._offer("tokens", self.region, [model, self.region], release, model=model, price=price)
        if wrong:
            raise FlawError.of(*wrong)

    def _dated(self, prices: Any) -> dict[str, Any]:
        """The prices, by the day from which they hold where they changed."""
        if not isinstance(prices, list):
            return self._prices(prices)
        if any(p.constraint is not None and not hasattr(p.constraint, "start_date") for p in prices):
            raise FlawError("costs more at some hours of the day, which no offer states", "write its offer by hand")
        begins = [FIRST if p.constraint is None else p.constraint.start_date for p in prices]
        steps: dict[date, dict[str, str]] = {}
        for on in sorted(set(begins)):
            # Of all prices that hold on a day, the last in the list does.
            now = self._prices([p for p, begin in zip(prices, begins, strict=True) if begin <= on][-1].prices)
            if not steps or now != list(steps.values())[-1]:
                steps[on] = now
        always = list(steps) == [FIRST]
        return dict(steps[FIRST]) if always else {str(on): price for on, price in steps.items()}

    def _prices(self, prices: Any) -> dict[str, str]:
        """Input, cached input and output, of a ``ModelPrice``."""
        parts = {key: value for key, value in vars(prices).items() if value is not None}
        for key, what in _UNSTATED.items():
            if key in parts:
                raise FlawError(f"has a price for {what}, which no offer states", "write its offer by hand")
        found = {}
        for name, key in (
            ("input", "input_mtok"),
            ("cached-input", "cache_read_mtok"),
            ("output", "output_mtok"),
        ):
            price: Any = parts.get(key)
            if price is None and name != "cached-input":
                raise FlawError(f"has no price of {name}", "write its offer by hand")
            if hasattr(price, "tiers"):
                if self.tier != "base":
                    over = " and ".join(f"{tier.start:,}" for tier in price.tiers)
                    what = f"has another price for requests of over {over} tokens"
                    raise FlawError(what, "write `tier: base` where yours are shorter")
                price = price.base
            if price is not None:
                found[name] = f"{plain(price)} USD per Mtok"
        return found | ({"batch": in_percent(self.batch)} if self.batch is not None else {})


def _slug(name: str) -> str:
    return re.sub("[^a-z0-9.]+", "-", name.casefold()).strip("-.")


class _Wrong(Exception):  # noqa: N818 - never leaves this file
    """A column, what is wrong there, and the remedy."""


class _Row(NamedTuple):
    """A row of a price list as it stands, and the columns of its machine, GPUs and region."""

    row: int
    at: tuple[int, int, int]
    instance: str
    gpu: str
    gpus: Any
    region: str
    prices: Mapping[str, tuple[int, Any]]  # each with its column

    def machine(self) -> _Machine:
        """The machine. Raises _Wrong."""
        gpus, rest = divmod(_attos(self.gpus), 10**18)
        if rest or not 0 < gpus <= 10_000:
            what = f"{shown(self.gpus)} is not a whole number of {printable(self.gpu)} in {shown(self.instance)}"
            raise _Wrong(self.at[1], what, "name other machines under `instances:`")
        if not _slug(self.region):
            raise _Wrong(self.at[2], f"{shown(self.region)} is not a region", "name others under `regions:`")
        found: dict[str, Decimal] = {}
        for way, (column, text) in self.prices.items():
            price = _attos(text) if text not in (None, "") else 0
            if not 0 <= price < 10**27:
                raise _Wrong(column, f"{shown(text)} is not a price in USD", _CHOOSE)
            if price:
                found[way] = Decimal(price) * Decimal("1e-18")
        if found.get("spot", 0) > found.get("on-demand", Decimal("inf")):
            spot, demand = plain(found["spot"]), plain(found["on-demand"])
            what = f"the spot price {spot} is above the price on demand, {demand}"
            raise _Wrong(self.prices["spot"][0], what, f"one is wrong: {_CHOOSE}")
        return _Machine(self.row, self.instance, self.gpu, gpus, self.region, found)


def _skypilot(sheet: Sheet) -> Iterator[_Row]:
    """Rows of SkyPilot's catalogue."""
    names = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Region", "Price", "SpotPrice")
    at = sheet.pick({name: name for name in names})
    for row, (instance, gpu, gpus, region, price, spot) in sheet.rows(at):
        prices = {"on-demand": (at[4], price), "spot": (at[5], spot)}
        yield _Row(row, (at[0], at[2], at[3]), _text(instance), _text(gpu), gpus, _text(region), prices)


def _gcp_cud(sheet: Sheet) -> Iterator[_Row]:
    """Rows of Google's list with committed use, one for each kind of GPU in a machine."""
    names = ("instance_type", "accel", "region", "hour", "hour_spot", "month_1y", "month_3y")
    at = sheet.pick({name: name for name in names})
    ways = ("on-demand", "spot", "1 year", "3 years")
    for row, (instance, accel, region, *each) in sheet.rows(at):
        prices = dict(zip(ways, zip(at[3:], each, strict=True), strict=True))
        for part in _text(accel).split(";"):
            gpu, _, gpus = part.partition("=")
            if gpu and gpu != "local-ssd":
                yield _Row(row, (at[0], at[1], at[2]), _text(instance), gpu, gpus, _text(region), prices)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _attos(value: Any) -> int:
    """A number in units of 1e-18; -1 where it is none."""
    try:
        return atto(value)
    except UNREADABLE:
        return -1
