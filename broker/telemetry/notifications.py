"""The metric of bucket notifications: what became of the objects that they name."""

from prometheus_client import Counter

from broker.telemetry import metric_files

metric_files.prepare()

NOTIFICATIONS = Counter(
    "broker_bucket_notifications", "Objects in bucket notifications, by outcome", ["outcome"]
)


def notified(outcome: str, count: int = 1) -> None:
    """Count objects, or messages, of bucket notifications."""
    NOTIFICATIONS.labels(outcome).inc(count)
