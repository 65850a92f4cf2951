"""What the gateway shows of itself: counts for Prometheus, spans for OpenTelemetry."""
