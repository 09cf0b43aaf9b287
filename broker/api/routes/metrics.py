"""`/metrics`, for all processes if PROMETHEUS_MULTIPROC_DIR is set; and a counter of outcomes."""

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
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from broker.api.request.context import current
from broker.api.request.view_marks import probe
from broker.domain.errors import BrokerError, DatabaseUnavailable
from broker.services.events.backlog import backlog as waiting_for_delivery
from broker.services.processing.backlog import backlog as waiting_for_workers
from broker.services.uploads import outbox
from broker.storage.bucket_state import OK, UNKNOWN

blueprint = Blueprint("metrics", __name__)


@contextmanager
def counted(counter: Counter) -> Iterator[None]:
    """Count the outcome of the block: `ok`, or the code of its error."""
    try:
        yield
    except BrokerError as error:
        counter.labels(error.code).inc()
        raise
    counter.labels("ok").inc()


class OutboxCollector(Collector):
    """Gauges of the outbox, read from the database at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield four gauges, or nothing while the database is down."""
        try:
            with current().system_work() as work:
                backlog = outbox.backlog(work)
        except DatabaseUnavailable:
            return
        yield GaugeMetricFamily(
            "broker_outbox_waiting", "Deletions and aborts still to be done", backlog.waiting
        )
        yield GaugeMetricFamily(
            "broker_outbox_refused", "Of these, refused by S3 at the last try", backlog.refused
        )
        yield GaugeMetricFamily(
            "broker_outbox_given_up", "Deletions that are tried only once a month", backlog.given_up
        )
        yield GaugeMetricFamily(
            "broker_outbox_overdue_seconds",
            "For how long the oldest has been due",
            backlog.overdue_seconds,
        )


class ProcessingCollector(Collector):
    """Gauges of the uploads that wait for a worker, read from the database at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield three gauges, or nothing while the database is down."""
        try:
            with current().system_work() as work:
                backlog = waiting_for_workers(work)
        except DatabaseUnavailable:
            return
        yield GaugeMetricFamily(
            "broker_uploads_processing", "Uploads in state processing", backlog.processing
        )
        yield GaugeMetricFamily(
            "broker_uploads_processing_oldest_seconds",
            "For how long the oldest has been in this state",
            backlog.oldest_seconds,
        )
        yield GaugeMetricFamily(
            "broker_workers_alive",
            "Workers seen within a minute that passed their self-test",
            backlog.workers,
        )


class EventsCollector(Collector):
    """Gauges of the events that the receiver has not accepted, read at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield four gauges, or nothing while the database is down."""
        try:
            with current().system_work() as work:
                backlog = waiting_for_delivery(work)
        except DatabaseUnavailable:
            return
        yield GaugeMetricFamily(
            "broker_events_undelivered", "Events that are still to be delivered", backlog.count
        )
        yield GaugeMetricFamily(
            "broker_events_undelivered_oldest_seconds",
            "The age of the oldest of them",
            backlog.oldest.total_seconds(),
        )
        yield GaugeMetricFamily(
            "broker_events_dead", "Events whose last attempt has failed", backlog.dead
        )
        yield GaugeMetricFamily(
            "broker_events_stopped",
            "1 if the receiver has answered 410, so that nothing is sent",
            backlog.stopped_at is not None,
        )


class BucketCollector(Collector):
    """The gauge of the bucket, which is checked at a scrape if nothing else has checked it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge, or nothing before the first check has ended."""
        state = current().bucket_state.read()
        if state != UNKNOWN:
            yield GaugeMetricFamily(
                "broker_bucket_available",
                "1 if the bucket answers the broker, 0 if not",
                state == OK,
            )


@blueprint.get("/metrics")
@probe
def metrics() -> Response:
    """Return the metrics of all processes of this app."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    shared = CollectorRegistry()
    shared.register(OutboxCollector())
    shared.register(ProcessingCollector())
    shared.register(EventsCollector())
    shared.register(BucketCollector())
    text = generate_latest(registry) + generate_latest(shared)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
