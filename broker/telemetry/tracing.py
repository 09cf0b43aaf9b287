"""OpenTelemetry spans of requests, SQL statements and S3 calls, if the SDK is installed.

To enable it, `pip install '.[otel]'` and set OTEL_EXPORTER_OTLP_ENDPOINT or
OTEL_TRACES_EXPORTER=otlp. The SDK reads its own OTEL_ variables. Without these settings it is not
imported.
"""

import importlib.util
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracer: "Tracer | None" = None


def is_enabled() -> bool:
    """Check whether the environment enables traces and the SDK is installed."""
    asked = os.environ.get("OTEL_TRACES_EXPORTER") == "otlp" or any(
        name in os.environ for name in _ENDPOINTS
    )
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return asked and not disabled and importlib.util.find_spec("opentelemetry.sdk") is not None


def configure() -> None:
    """Export spans by OTLP if that is enabled. A second call changes nothing."""
    if _tracer is not None or not is_enabled():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # OTEL_SERVICE_NAME has priority over this name.
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "upload-broker"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider.get_tracer("broker"))


def use(tracer: "Tracer | None") -> None:
    """Create spans with this tracer; with None, create none."""
    global _tracer  # noqa: PLW0603 - one tracer a process
    _tracer = tracer


def is_on() -> bool:
    """Check whether spans are created. If not, callers do not have to collect attributes."""
    return _tracer is not None


class RequestSpan:
    """The span of one request. Spans that are recorded before its end become its children."""

    def __init__(self, span: "Span", token: Any) -> None:
        self._span = span
        self._token = token
        self.trace_id = format(span.get_span_context().trace_id, "032x")

    def end(self, name: str, status: int, attributes: dict[str, Any]) -> None:
        """End the span. Only 5xx counts as a server error (semantic conventions for HTTP)."""
        from opentelemetry import context as otel
        from opentelemetry.trace import Status, StatusCode

        self._span.update_name(name)
        self._span.set_attributes({"http.response.status_code": status, **attributes})
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()
        otel.detach(self._token)


def begin_request(method: str, traceparent: str | None) -> RequestSpan | None:
    """Begin a request's span, a child of a valid `traceparent`; return None if tracing is off."""
    if _tracer is None:
        return None
    from opentelemetry import context as otel
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {} if traceparent is None else {"traceparent": traceparent}
    parent = TraceContextTextMapPropagator().extract(carrier, context=otel.Context())
    span = _tracer.start_span(method, context=parent, kind=SpanKind.SERVER)
    return RequestSpan(span, otel.attach(set_span_in_context(span, parent)))


def record(name: str, seconds: float, attributes: dict[str, Any], *, error: str | None) -> None:
    """Record a call to another server that has just ended. Do nothing if tracing is off."""
    if _tracer is None:
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    now = time.time_ns()
    span = _tracer.start_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, start_time=now - int(seconds * 1e9)
    )
    if error is not None:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR))
    span.end(now)
