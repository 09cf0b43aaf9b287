"""Prometheus metrics; over several processes where PROMETHEUS_MULTIPROC_DIR is set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from broker.domain.errors import BrokerError

CONFIRMS = Counter("broker_confirms", "Confirms by result", ["result"])
FAILURES = Counter("broker_upload_failures", "Failures that clients reported", ["action"])
blueprint = Blueprint("metrics", __name__)


@contextmanager
def counted(counter: Counter) -> Iterator[None]:
    """Count the block's outcome: ok, or the code of its error."""
    try:
        yield
    except BrokerError as error:
        counter.labels(error.code).inc()
        raise
    counter.labels("ok").inc()


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give all metrics of all of this app's processes."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
