"""Calls as OpenTelemetry's spans, by its conventions for generative AI: its API alone.

Owns: which span says what. A call is a span of a server; each deployment that is asked is one of a client within it,
which its provider's own spans are below. What was said is in none of them. Not here: where spans go (``exporting``).

Source: OpenTelemetry, Semantic conventions for generative client AI spans, and for HTTP spans.
"""

from __future__ import annotations

from time import monotonic

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from detente.gateway.deciding.policy import Deployed
from detente.gateway.upstream.origin import parsed
from detente.ledger.journals.record import Attempt, CallEnd, TokenCounts
from detente.providers.outgoing import HeaderPairs
from detente.providers.wire import Call

_PROPAGATOR = TraceContextTextMapPropagator()
_OPERATION = {"embeddings": "embeddings", "count": "count_tokens"}
"""What the conventions call an operation; all others are ``chat``."""


class Attempted:
    """A deployment that is asked, as a span."""

    def __init__(self, span: Span, context: Context) -> None:
        self._span, self._began = span, monotonic()
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, context))
        self.trace: HeaderPairs = tuple(carrier.items())

    def speaks(self) -> None:
        """The first content of its stream has come."""
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", monotonic() - self._began)

    def ended(self, attempt: Attempt, usage: TokenCounts | None = None, finish: str | None = None) -> None:
        """How it went, and what it used where that is known."""
        span = self._span
        if attempt.status:
            span.set_attribute("http.response.status_code", attempt.status)
        if attempt.outcome != "served":
            span.set_attribute("error.type", attempt.outcome)
            span.set_status(StatusCode.ERROR)
        if usage is not None:
            span.set_attributes(_used(usage))
        if finish is not None:
            span.set_attribute("gen_ai.response.finish_reasons", (finish,))
        span.end()


class Called:
    """A call, as a span."""

    def __init__(self, tracer: trace.Tracer, span: Span, context: Context) -> None:
        self._tracer, self._span = tracer, span
        self._context = trace.set_span_in_context(span, context)

    def asks(self, deployed: Deployed, call: Call) -> Attempted:
        """A client's span."""
        operation = _OPERATION.get(call.operation, "chat")
        origin, _ = parsed(deployed.base)
        told: dict[str, AttributeValue] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": deployed.wire.known_as,
            "gen_ai.request.model": deployed.model,
            "gen_ai.request.stream": call.stream,
            "server.address": origin.host,
            "server.port": origin.port,
            "detente.deployment": deployed.id,
        }
        name = f"{operation} {deployed.model}"
        return Attempted(self._tracer.start_span(name, self._context, SpanKind.CLIENT, told), self._context)

    def ended(self, end: CallEnd, model: str, deployment: str, clauses: str) -> None:
        """How it ended."""
        told: dict[str, AttributeValue] = {
            "http.response.status_code": end.status,
            "detente.request": end.id,
            "detente.outcome": end.outcome,
            "gen_ai.request.model": model,
        }
        more = {"detente.deployment": deployment, "detente.clauses": clauses, "detente.cost": end.cost or ""}
        self._span.set_attributes(told | {name: value for name, value in more.items() if value})
        if end.status >= 500 or end.outcome == "cut":
            self._span.set_attribute("error.type", end.outcome)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Telemetry:
    """What tells of calls to a provider of OpenTelemetry's.

    Parameters
    ----------
    provider
        Whose tracers make the spans.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("detente")

    def begins(self, path: str, workload: str, trace: HeaderPairs) -> Called:
        """A server's span, within the trace that the call belongs to."""
        context = _PROPAGATOR.extract(dict(trace), Context())
        told = {"http.request.method": "POST", "http.route": path, "url.path": path, "detente.workload": workload}
        return Called(self._tracer, self._tracer.start_span(f"POST {path}", context, SpanKind.SERVER, told), context)

    def close(self) -> None:
        """Nothing: whoever made the provider ends it."""


def _used(usage: TokenCounts) -> dict[str, int]:
    """Its tokens. Of all but the input a zero is left out: many providers count none of them, which is no zero."""
    told = {
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.cache_creation.input_tokens": usage.written,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }
    counted = {name: count for name, count in told.items() if count}
    return {"gen_ai.usage.input_tokens": usage.input, **counted}
