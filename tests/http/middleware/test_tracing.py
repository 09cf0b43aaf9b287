"""OpenTelemetry with the in-memory exporter of its SDK; it is not imported unless configured."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from broker.telemetry import tracing
from tests.canaries.checker import leaks
from tests.http.client import Client, send, token
from tests.http.uppy_calls import open_session, params

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider.get_tracer("tests"))
    yield exporter
    tracing.use(None)
    provider.shutdown()


def request_of(exporter: InMemorySpanExporter) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """Return the span of the last request and its child spans."""
    found = exporter.get_finished_spans()
    last = [span for span in found if span.kind is SpanKind.SERVER][-1]
    assert last.context is not None
    below = [span for span in found if span.parent and span.parent.span_id == last.context.span_id]
    return last, below


@ON_SQLITE
def test_a_requests_statements_and_s3_calls_are_below_its_span_in_the_callers_trace(
    alice: Client, spans: InMemorySpanExporter
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    alice.post(ticket["confirm_url"], headers=PARENT)
    request, below = request_of(spans)
    assert request.name == "POST /api/uploads/{upload_id}/confirm/"
    assert request.context is not None
    assert format(request.context.trace_id, "032x") == TRACE
    assert request.parent is not None
    assert format(request.parent.span_id, "016x") == "00f067aa0ba902b7"
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    names = {span.name for span in below}
    assert {"S3.HeadObject", "SELECT", "UPDATE", "INSERT", "COMMIT"} <= names
    assert all(span.start_time and span.end_time for span in below)


@ON_SQLITE
def test_a_request_without_a_valid_parent_starts_a_new_trace(
    alice: Client, spans: InMemorySpanExporter
) -> None:
    alice.post("/api/ads/", {"title": "x", "price": "1"}, headers={"traceparent": "00-0-0-0"})
    request, _ = request_of(spans)
    assert request.parent is None
    assert request.context is not None
    assert request.context.trace_id


@ON_SQLITE
def test_a_failed_s3_call_is_an_error_of_its_span_and_of_the_request(
    make_app: Callable[..., Flask], spans: InMemorySpanExporter
) -> None:
    down = Client(make_app(s3_endpoint_url="http://127.0.0.1:9"), token(1))
    ticket = down.ticket(down.ad()).get_json()
    spans.clear()
    assert down.post(ticket["confirm_url"]).status_code == 503
    request, below = request_of(spans)
    assert request.status.status_code is StatusCode.ERROR
    (head,) = [span for span in below if span.name == "S3.HeadObject"]
    assert head.status.status_code is StatusCode.ERROR
    assert head.attributes is not None
    assert head.attributes["error.type"] == "storage_unavailable"


@ON_SQLITE
def test_report_26_the_check_of_the_bucket_has_a_span_in_the_trace_of_its_probe(
    anyone: Client, spans: InMemorySpanExporter
) -> None:
    assert anyone.get("/readyz").status_code == 200
    _, below = request_of(spans)
    assert [span.name for span in below if span.name.startswith("S3.")] == ["S3.HeadBucket"]


@ON_SQLITE
def test_no_span_contains_a_secret(
    alice: Client, anyone: Client, spans: InMemorySpanExporter
) -> None:
    ad = alice.ad()
    params(anyone, open_session(alice, ad))
    anyone.get(f"/api/{token(1)}/")
    alice.ticket(ad)
    exported = "\n".join(span.to_json() for span in spans.get_finished_spans())
    assert "/api/uppy/{capability}/s3/params" in exported
    assert "unmatched" in exported
    assert leaks(exported) == []


def test_without_its_settings_opentelemetry_is_not_imported() -> None:
    code = (
        "import sys; from broker.app import create_app; from broker.config import Settings;"
        "create_app(Settings(database_url='sqlite://', s3_bucket='media-bucket', "
        "jwt_secret='x' * 32))"
        ".test_client().get('/healthz');"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_endpoint_in_the_environment_enables_opentelemetry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not tracing.is_enabled()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert tracing.is_enabled()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not tracing.is_enabled()
    assert "OTEL_TRACES_EXPORTER" not in os.environ
