"""The metrics of the worker: what became of uploads, and how long each step takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from broker.telemetry import metric_files

metric_files.prepare()

UPLOADS = Counter(
    "broker_worker_uploads", "Attempts to process an upload, by their outcome", ["outcome"]
)
REJECTIONS = Counter("broker_worker_rejections", "Rejected uploads, by reason", ["reason"])
STEP_SECONDS = Histogram(
    "broker_worker_step_seconds",
    "Seconds of each step of an attempt",
    ["step"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


def finished(outcome: str) -> None:
    """Count an attempt."""
    UPLOADS.labels(outcome).inc()


def rejected(reason: str) -> None:
    """Count a rejected upload."""
    REJECTIONS.labels(reason).inc()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Observe how long a step takes, also if it fails."""
    with STEP_SECONDS.labels(name).time():
        yield
