"""Where spans go: to a collector, by OTLP over HTTP, as the environment says (``OTEL_…``).

Owns: OpenTelemetry's SDK, which nothing else imports. Not here: which spans there are (``telemetry``).
"""

from __future__ import annotations

import os
import threading

from detente.gateway.serving.observing.telemetry import Telemetry

FLUSH = 2.0
"""Seconds that a stop waits for a collector to take the last spans."""


class Exporting(Telemetry):
    """Spans in batches, from a thread of their own."""

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        resource = Resource.create({} if named else {"service.name": "detente"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        super().__init__(self._provider)

    def close(self) -> None:
        """Hand over what was collected, where it is taken in time."""
        handing = threading.Thread(target=self._provider.shutdown, daemon=True)  # it tries again where nobody takes it
        handing.start()
        handing.join(FLUSH)
