"""The metric of `broker deliver`: what became of each attempt."""

from prometheus_client import Counter

from broker.telemetry import metric_files

metric_files.prepare()

DELIVERIES = Counter(
    "broker_event_deliveries", "Attempts to deliver an event, by their outcome", ["outcome"]
)


def finished(outcome: str) -> None:
    """Count an attempt."""
    DELIVERIES.labels(outcome).inc()
