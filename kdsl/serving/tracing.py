"""Traces by OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where they go; texts are in none of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from kdsl import __version__
from kdsl.machine import require_extra

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def trace(app: FastAPI) -> Callable[[], None]:
    """Send a span per request, with the request's id, if an endpoint is set; gives what sends the last ones.

    Raises:
        MissingDependency: an endpoint is set, and the extra `otel` is not installed.
    """
    if not os.environ.get(ENDPOINT):
        return lambda: None
    require_extra("otel")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    def name_request(span: Any, scope: dict[str, Any], message: dict[str, Any]) -> None:
        span.set_attribute("kdsl.request_id", scope["state"]["request_id"])

    provider = TracerProvider(resource=Resource.create({"service.name": "kdsl", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls="healthz,readyz,metrics",
        client_response_hook=name_request,
        exclude_spans=["receive"],
    )
    return provider.shutdown
