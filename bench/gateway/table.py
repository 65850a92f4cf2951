"""The tables of a run: contender by contender, and one of them against the aims.

Owns: words and columns. Not here: what the figures are (``figures``) and what is aimed at (``aims``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.gateway.aims import AIMS
from bench.gateway.figures import Figures
from bench.gateway.measure import Throughput, usual

PEER_OF = {f"to-{name}": name for name in ("floor", "nginx", "vllm-router", "litellm")}
PEER_OF |= dict.fromkeys(("p50", "p99", "event"), "nginx")


def tables(figures: Figures) -> str:
    """What was measured."""
    parts = [_throughput(figures), _latency(figures), _streams(figures), _idle(figures), _workers(figures)]
    return "\n".join(part for part in parts if part)


def _table(title: str, header: str, rows: Sequence[str]) -> str:
    return "\n".join([f"\n{title}", f"  {header}", f"  {'-' * len(header)}", *rows]) if rows else ""


def _number(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.{digits}f}"


def _throughput(figures: Figures) -> str:
    def row(name: str, rounds: Sequence[Throughput]) -> str:
        one = usual(rounds)
        costs = [r.micros for r in rounds]
        spread = f"{min(costs):.1f} to {max(costs):.1f}"
        return f"  {name:<16}{one.micros:>10.1f}{spread:>22}{one.rate:>12.0f}{one.busy:>8.0%}{one.capacity:>14.0f}"

    header = f"{'':<16}{'CPU µs/req':>10}{'over the rounds':>22}{'req/s seen':>12}{'busy':>8}{'req/s a core':>14}"
    measured = {**figures.throughput, **figures.models}
    rows = [row(name, rounds) for name, rounds in measured.items()]
    return _table("As fast as it answers: 1 KB in, 1 KB out, 64 connections kept", header, rows)


def _latency(figures: Figures) -> str:
    rows = []
    for name, rounds in figures.latency.items():
        quantiles = "".join(_number(figures.latency_at(name, share), 10, 3) for share in (0.5, 0.9, 0.99))
        most = max(max(times) for times in rounds) * 1e3
        rows.append(f"  {name:<16}{quantiles}{most:>10.2f}{sum(map(len, rounds)):>9}")
    header = f"{'ms':<16}{'p50':>10}{'p90':>10}{'p99':>10}{'most':>10}{'calls':>9}"
    return _table("At 100 requests a second (LiteLLM, which has no room for so many: 20)", header, rows)


def _streams(figures: Figures) -> str:
    rows = []
    for name, runs in figures.streams.items():
        cost = _number(figures.event_micros(name), 10, 1)
        p50, p99 = (_number(figures.delay_at(name, share), 10, 2) for share in (0.5, 0.99))
        delays = [delay for run in runs for delay in run.delays]
        most = _number(max(delays) * 1e3 if delays else None, 10, 1)
        unfinished = sum(run.unfinished for run in runs)
        rows.append(f"  {name:<16}{cost}{p50}{p99}{most}{len(delays):>10}{figures.lost(name):>8}{unfinished:>12}")
    header = f"{'ms':<16}{'µs/event':>10}{'p50':>10}{'p99':>10}{'most':>10}{'events':>10}{'lost':>8}{'unfinished':>12}"
    return _table("400 streams of 50 events a second (LiteLLM: 20), each event's delay", header, rows)


def _idle(figures: Figures) -> str:
    rows = [
        f"  {name:<16}{one.started_in:>10.3f}{one.memory.rss:>10.1f}{_number(one.memory.pss, 10, 1)}"
        for name, one in figures.idle.items()
    ]
    return _table("Started, and not called yet", f"{'':<16}{'start s':>10}{'RSS MB':>10}{'PSS MB':>10}", rows)


def _workers(figures: Figures) -> str:
    rows = [
        f"  {name:<16}{one.single.micros:>12.1f}{one.both.micros:>14.1f}{one.single.rate:>12.0f}{one.both.rate:>12.0f}"
        f"{one.scaling:>9.2f}{one.lesser:>13.0%}"
        for name, one in figures.workers.items()
    ]
    header = (
        f"{'':<16}{'CPU µs/req: 1':>12}{'2 workers':>13}{'req/s: 1':>12}{'2 workers':>12}{'scaling':>9}"
        f"{'lesser part':>13}"
    )
    cores = max((one.cores for one in figures.workers.values()), default=1)
    where = (
        "a core each"
        if cores > 1
        else "on one core, as there are too few: the scaling is that of requests a CPU second"
    )
    return _table(f"One worker and two ({where})", header, rows)


def verdicts(figures: Figures, subject: str) -> str:
    """The subject against the aims, and what is to be known when reading it."""
    found = figures.aims(subject)
    rows = []
    for name, aim in AIMS.items():
        figure = found[name]
        if figure is None:
            failed = any(one in figures.missing for one in (subject, PEER_OF.get(name)))
            why = "not measured, see below" if failed else "not asked for"
            rows.append(f"  {aim.what:<62}{'-':>12}  {aim.says:<28}{why}")
        else:
            rows.append(f"  {aim.what:<62}{aim.shown(figure):>12}  {aim.says:<28}{aim.verdict(figure)}")
    notes = [f"  {name} is missing, or in part: {reason}" for name, reason in figures.missing.items()]
    peer_tail, own_delay = figures.latency_at("nginx", 0.99), figures.delay_at("direct", 0.99)
    if peer_tail is not None:
        notes.append(f"  nginx's own p99 at 100 req/s was {peer_tail:.2f} ms: the machine's part of any tail")
    if own_delay is not None:
        notes.append(f"  p99 delay of an event without any gateway: {own_delay:.2f} ms")
    notes.append(f"  all Python ran on {sys.version} ({Path(sys.executable).resolve()})")
    notes.append(f"  processes outside the bench took {figures.others:.0%} of the machine meanwhile")
    return "\n".join([f"\n{subject}, against the aims", *rows, "", *notes])
