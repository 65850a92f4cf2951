"""Traces, as a collector gets them: by the real exporter, over HTTP, from a served gateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import serving
from tests.end_to_end.wires import CLAUDE, WIRES, written

HI: Any = [{"role": "user", "content": "sandbox:echo hi"}]


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Somebody who takes what exporters send."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


def test_a_collector_gets_the_spans_of_every_call_before_the_gateway_is_gone(tmp_path: Path) -> None:
    proto = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    with collector() as (address, taken):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        with (
            serving(written(tmp_path / "case", WIRES), tmp_path, "--sandbox", "--traces", env=told) as gateway,
            of_openai(gateway, "everything") as client,
        ):
            raw = client.chat.completions.with_raw_response.create(model=CLAUDE, messages=HI)
        (batch,) = [proto.ExportTraceServiceRequest.FromString(body) for body in taken]
        (resource,) = batch.resource_spans
        named = {item.key: item.value.string_value for item in resource.resource.attributes}
        assert named["service.name"] == "detente"
        (scope,) = resource.scope_spans
        spans = {span.name: span for span in scope.spans}
        assert set(spans) == {"POST /v1/chat/completions", f"chat {CLAUDE}"}
        server, asked = spans["POST /v1/chat/completions"], spans[f"chat {CLAUDE}"]
        assert asked.parent_span_id == server.span_id
        assert server.start_time_unix_nano <= asked.start_time_unix_nano <= asked.end_time_unix_nano
        values = {item.key: item.value for item in [*server.attributes, *asked.attributes]}
        assert values["detente.request"].string_value == raw.headers["x-detente-request-id"]
        assert values["gen_ai.provider.name"].string_value == "aws.bedrock"
        assert values["gen_ai.usage.output_tokens"].int_value == 4
