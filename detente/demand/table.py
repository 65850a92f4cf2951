"""A table: demand as a file of rates, one time a row.

Owns: the columns of a table, rates over time, and ServeGen's pair of files. Not here: requests (``trace``),
how a file is read (``sheet``, ``clock``), and how hours are folded (``pattern``).

A row lasts until the next row, and the last row as long as the one before it. Rates are kept to 18 decimals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.demand.demand_file import DemandFile
from detente.errors import FlawError
from detente.values.likeness import did_you_mean
from detente.values.micros import HOUR
from detente.values.noun import Label, Noun, Title
from detente.values.row_times import TimestampReader
from detente.values.sheet import UNREADABLE, File, Sheet, atto, shown

_PER = {"second": HOUR // 3600, "minute": HOUR // 60, "hour": HOUR}


class TableColumns(Noun):
    """Which columns of a table are what.

    Either ``rate``, of all tokens; or ``input`` and ``output``: where there are ``requests``, means of one.
    """

    timestamp: Title
    rate: Title | None = None
    input: Title | None = None
    output: Title | None = None
    requests: Title | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        apart = {self.input is not None, self.output is not None}
        if apart == {True, False} or (self.rate is not None) == (True in apart):
            raise FlawError("names neither `rate` nor `input` and `output`, or both", "name one of the two")
        if self.requests is not None and self.rate is not None:
            raise FlawError(
                "`requests` counts requests, and `rate` tokens",
                "name `input` and `output`, the mean tokens of a request",
            )
        return self


class Table(DemandFile):
    """Demand as a table: one row a time, with its rate."""

    format: Literal["rates", "servegen"] = Field(
        default="rates",
        description="`servegen`: requests a second by tenant, and their tokens in another file",
    )
    columns: TableColumns | None = None
    per: Literal["second", "minute", "hour"] | None = Field(default=None, description="what the rates are per")
    tokens: File | None = Field(default=None, description="`servegen`: the file of mean tokens")
    model: Label | None = Field(default=None, description="`servegen`: whose requests")
    tenants: tuple[Label, ...] = Field(default=(), description="`servegen`: whose requests; default: of all")
    missing_tokens: Literal["refuse", "skip"] = Field(
        default="refuse", description="`servegen`: requests of tenants whose tokens are not known"
    )

    @model_validator(mode="after")
    def _format(self) -> Self:
        rates, servegen = {"columns", "per"}, {"tokens"}
        needs, forbids = (servegen, rates) if self.format == "servegen" else (rates, servegen | {"model", "tenants"})
        missing = sorted(name for name in needs if getattr(self, name) is None)
        extra = sorted(name for name in forbids if getattr(self, name))
        if missing or extra:
            what = f"a table of `format: {self.format}` {'needs' if missing else 'has no'} `{(missing or extra)[0]}`"
            raise FlawError(what, "add it" if missing else "leave it out")
        return self

    @property
    def left_out(self) -> tuple[str, ...]:
        """Tenants whose requests are left out in whole or part, for their tokens are not known."""
        return self.pattern.left_out

    @property
    def left_out_share(self) -> Fraction:
        """The share of all requests that is left out."""
        return self.pattern.left_out_share

    def read(self, folder: Path) -> Self:
        """A copy that holds the table.

        Raises FlawError with every flaw, each with its own place in the file.
        """
        return self._read_servegen(folder) if self.format == "servegen" else self._read_rates(folder)

    def _read_rates(self, folder: Path) -> Self:
        columns = self.columns
        assert columns is not None
        assert self.per is not None
        roles = ["rate"] if columns.rate else ["input", "output"] + ["requests"] * bool(columns.requests)
        series: dict[int, tuple[int, int]] = {}
        clock: TimestampReader | None = None
        with Sheet(folder, self.file) as sheet:
            at = sheet.pick({role: getattr(columns, role) for role in ("timestamp", *roles)})
            for row, values in sheet.rows(at):
                clock = clock or TimestampReader.of(sheet, row, at[0], values[0], self.unit)
                try:
                    when, rates = clock.read(values[0]), [atto(value) for value in values[1:]]
                except UNREADABLE:
                    clock.explain(sheet, row, at, values)
                    continue
                if when in series:
                    sheet.wrong(row, at[0], f"{shown(values[0])} has a row already", "keep one, or add them up")
                each = rates[2] if columns.requests else 1
                series[when] = rates[0] * each, (rates[1] if len(roles) > 1 else 0) * each
        per = _PER[self.per] * 10 ** (36 if columns.requests else 18)
        return self._spread(sheet, clock, series, per, known=columns.rate is None)

    def _spread(
        self,
        sheet: Sheet,
        clock: TimestampReader | None,
        series: Mapping[int, tuple[int, int]],
        per: int,
        *,
        known: bool = True,
        left_out: tuple[str, ...] = (),
        left_out_share: Fraction = Fraction(0),
    ) -> Self:
        """The pattern of rates of input and output, each from its time to the next."""
        times = sorted(series)
        if clock is None or len(times) < 2:
            sheet.stop("has one time only, so that its row has no length", "give two rows or more")
        zero = self.zero_hour(sheet, clock, times[0], times[-1])
        tokens: dict[int, int] = defaultdict(int)
        covered: dict[int, int] = defaultdict(int)
        inputs = outputs = 0
        for time, until in zip(times, [*times[1:], 2 * times[-1] - times[-2]], strict=True):
            given, made = series[time]
            inputs, outputs = inputs + given * (until - time), outputs + made * (until - time)
            while time < until:
                hour = time // HOUR
                stop = min(until, (hour + 1) * HOUR)
                tokens[hour] += (given + made) * (stop - time)
                covered[hour] += stop - time
                time = stop
        if not inputs + outputs:
            sheet.stop("no row has any tokens", "check the columns, and which rows are chosen")
        return self.holding(
            *(sheet, zero, tokens, covered, per),
            output=Fraction(outputs, inputs + outputs) if known else None,
            left_out=left_out,
            left_out_share=left_out_share,
        )

    def _read_servegen(self, folder: Path) -> Self:
        """ServeGen's rates (model, client, t_s, rate_rps) by its means of tokens of six hours."""
        means = self._servegen_tokens(folder)
        series: dict[int, tuple[int, int]] = {}
        seen: set[tuple[str, str, int]] = set()
        missing: dict[str, int] = defaultdict(int)
        models, requests = set(), 0
        clock: TimestampReader | None = None
        with Sheet(folder, self.file) as sheet:
            at = sheet.pick({name: name for name in ("t_s", "rate_rps", "model", "client")})
            for row, (time, rate, model, client) in sheet.rows(at):
                model, tenant = str(model), str(client)
                models.add(model)
                if self.model not in (None, model):
                    continue
                clock = clock or TimestampReader.of(sheet, row, at[0], time, self.unit or "s")
                try:
                    when, each = clock.read(time), atto(rate)
                except UNREADABLE:
                    clock.explain(sheet, row, at[:2], (time, rate))
                    continue
                if (model, tenant, when) in seen:
                    sheet.wrong(row, at[0], f"{shown(time)} has a row of {shown(tenant)} already", "keep one")
                seen.add((model, tenant, when))
                given, made = series.get(when, (0, 0))
                if each and not (self.tenants and tenant not in self.tenants):
                    requests += each
                    window = means.get((model, tenant, when // (6 * HOUR)), {})
                    if len(window) < 2:
                        missing[tenant] += each
                    else:
                        given += each * window["input_tokens"]
                        made += each * window["output_tokens"]
                series[when] = given, made
            self._servegen_choice(sheet, models, {tenant for _, tenant, _ in seen})
        share = Fraction(sum(missing.values()), requests or 1)
        left_out = tuple(sorted(missing, key=lambda t: (len(t), t)))
        if missing and self.missing_tokens == "refuse":
            who = ", ".join(left_out[:8]) + (", …" if len(left_out) > 8 else "")
            sheet.stop(
                f"`{self.tokens}` lacks tokens of tenants {who} ({len(left_out)} in all, with "
                f"{float(share):.1%} of the requests)",
                "write `missing-tokens: skip` to leave these out",
            )
        per = _PER["second"] * 10**36
        return self._spread(sheet, clock, series, per, left_out=left_out, left_out_share=share)

    def _servegen_choice(self, sheet: Sheet, models: set[str], tenants: set[str]) -> None:
        if self.model is None and len(models) > 1:
            sheet.stop(
                f"has requests of {len(models)} models", f"add `model:`, one of {', '.join(sorted(models)[:12])}"
            )
        if self.model is not None and self.model not in models:
            sheet.stop(f"has no model `{self.model}`", did_you_mean(self.model, models))
        for tenant in self.tenants:
            if tenant not in tenants:
                sheet.stop(f"has no tenant `{tenant}`", did_you_mean(tenant, tenants))

    def _servegen_tokens(self, folder: Path) -> Mapping[tuple[str, str, int], Mapping[str, int]]:
        """Mean tokens by model, tenant and window of six hours: ``input_tokens`` and ``output_tokens``."""
        assert self.tokens is not None
        means: dict[tuple[str, str, int], dict[str, int]] = defaultdict(dict)
        clock: TimestampReader | None = None
        with Sheet(folder, self.tokens) as sheet:
            at = sheet.pick({name: name for name in ("window_start_s", "mean", "model", "client", "field")})
            for row, (time, mean, model, client, field) in sheet.rows(at):
                if field not in ("input_tokens", "output_tokens"):
                    continue
                clock = clock or TimestampReader.of(sheet, row, at[0], time, self.unit or "s")
                try:
                    window = means[str(model), str(client), clock.read(time) // (6 * HOUR)]
                    size = atto(mean)
                except UNREADABLE:
                    clock.explain(sheet, row, at[:2], (time, mean))
                    continue
                if window.setdefault(field, size) != size:
                    sheet.wrong(row, at[1], f"`{field}` of `{client}` has a mean already in this window", "keep one")
        return means
