"""Calls as OpenTelemetry's spans: what they say, whose they are, and that providers are told of them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.trace import SpanKind, StatusCode

from detente.gateway.serving.observing.exporting import Exporting
from detente.gateway.serving.observing.telemetry import Telemetry
from detente.ledger.journals.record import CallEnd
from tests.gateway.caller import HELLO, STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import HALF, HEARD, SERVED, Provider, http, play, refusal
from tests.gateway.stage import NOON, Stage, one, two

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "congo=t61rcWkgMzE"}
GIVEN: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "server.address": "127.0.0.1",
}


class Collector:
    """Keeps the spans."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracing = Telemetry(provider)

    @property
    def server(self) -> ReadableSpan:
        (found,) = (span for span in self._kept.get_finished_spans() if span.kind is SpanKind.SERVER)
        return found

    @property
    def clients(self) -> list[ReadableSpan]:
        return [span for span in self._kept.get_finished_spans() if span.kind is SpanKind.CLIENT]


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def heads(provider: Provider) -> list[dict[str, str]]:
    """The headers of the requests that a provider was sent."""
    lines = [head.decode().split("\r\n")[1:] for head, _ in provider.requests]
    return [dict(line.split(": ", 1) for line in found if ": " in line) for found in lines]


def test_a_call_belongs_to_its_callers_trace_and_its_provider_to_the_attempt(tmp_path: Path) -> None:
    collector = Collector()

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south), tracing=collector.tracing) as stage:
            await stage.ask(HELLO, **PARENT)
            (client,) = collector.clients
            server, (sent,) = collector.server, heads(south)
            assert server.parent is not None
            assert client.parent is not None
            assert (f"{server.parent.trace_id:032x}", f"{server.parent.span_id:016x}") == (TRACE, SPAN)
            assert client.parent.span_id == server.context.span_id
            assert sent["traceparent"] == f"00-{TRACE}-{client.context.span_id:016x}-01"
            assert sent["tracestate"] == PARENT["tracestate"]
            assert (server.name, client.name) == ("POST /v1/chat/completions", "chat m")
            (record,) = stage.records
            assert told(server) == {
                "http.request.method": "POST",
                "http.route": "/v1/chat/completions",
                "url.path": "/v1/chat/completions",
                "http.response.status_code": 200,
                "gen_ai.request.model": "m",
                "detente.workload": "chat",
                "detente.request": record.id,
                "detente.outcome": "complete",
                "detente.deployment": "south-m",
                "detente.cost": record.cost,
            }
            port = int(south.base.rpartition(":")[2])
            assert told(client) == GIVEN | {
                "gen_ai.request.stream": False,
                "gen_ai.response.finish_reasons": ("stop",),
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "http.response.status_code": 200,
                "server.port": port,
                "detente.deployment": "south-m",
            }

    run(main())


def test_each_deployment_that_is_asked_is_a_span(tmp_path: Path) -> None:
    collector = Collector()

    async def main() -> None:
        busy = http(refusal("overloaded"), "503 Busy")
        async with (
            play(busy) as south,
            play([*HEARD]) as north,
            Stage(tmp_path, two(south, north), tracing=collector.tracing) as stage,
        ):
            await stage.ask(STREAM, north)
            first, second = collector.clients
            assert (told(first)["error.type"], first.status.status_code) == ("unavailable", StatusCode.ERROR)
            assert told(first)["detente.deployment"] == "south-m"
            assert told(second)["gen_ai.request.stream"] is True
            assert told(second)["gen_ai.response.time_to_first_chunk"] >= 0
            assert told(second)["gen_ai.usage.output_tokens"] == 5
            assert first.context.trace_id == second.context.trace_id == collector.server.context.trace_id
            assert collector.server.status.status_code is StatusCode.UNSET

    run(main())


def test_a_stream_that_is_cut_is_an_error_and_a_refusal_is_none_of_ours(tmp_path: Path) -> None:
    cut, refused = Collector(), Collector()

    async def main() -> None:
        async with play([*HALF, "reset"]) as south, Stage(tmp_path / "cut", one(south), tracing=cut.tracing) as stage:
            await stage.ask(STREAM, south)
            (client,) = cut.clients
            assert (told(client)["error.type"], told(cut.server)["error.type"]) == ("broken", "cut")
            assert cut.server.status.status_code is StatusCode.ERROR
        async with play() as south, Stage(tmp_path / "no", one(south), tracing=refused.tracing) as stage:
            await stage.ask({**HELLO, "model": "another"})
            assert refused.clients == []
            assert told(refused.server)["http.response.status_code"] == 404
            assert refused.server.status.status_code is StatusCode.UNSET

    run(main())


def test_without_a_trace_a_call_begins_one(tmp_path: Path) -> None:
    collector = Collector()

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south), tracing=collector.tracing) as stage:
            await stage.ask(HELLO, traceparent="not one")
            assert collector.server.parent is None
            assert heads(south)[0]["traceparent"].startswith(f"00-{collector.server.context.trace_id:032x}-")

    run(main())


@pytest.mark.parametrize("name", sorted(name for name in GIVEN if name.startswith("gen_ai")))
def test_names_are_those_of_the_conventions(name: str) -> None:
    assert name in {value for key, value in vars(names).items() if key.startswith("GEN_AI")}


def test_a_stop_waits_for_no_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setattr("detente.gateway.serving.observing.exporting.FLUSH", 0.0)
    tracing = Exporting()
    end = CallEnd(id="req", at=NOON, outcome="complete", status=200)
    tracing.begins("/v1/messages", "chat", ()).ended(end, "m", "south-m", "")
    before = set(threading.enumerate())
    tracing.close()  # it ends
    for left in set(threading.enumerate()) - before:  # what tries on draws random numbers, which other tests watch
        left.join()
