"""Serve the metrics of several child processes on one port, also while one of them restarts."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from broker.cli.metrics_port import serve_metrics
from broker.telemetry import metric_files
from broker.telemetry.child_id import child_id


class SharedMetrics(Collector):
    """The metrics that children count in files of a directory, and how often each child ended."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._ends: Counter[str] = Counter()

    @property
    def environment(self) -> dict[str, str]:
        """The variable that makes children count in the directory."""
        return {metric_files.DIRECTORY: self._directory}

    def ended(self, name: str) -> None:
        """Count the end of a child, and remove its gauges that describe a running process."""
        self._ends[name] += 1
        mark_process_dead(child_id(name), self._directory)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """Yield how often each child has ended by itself."""
        family = CounterMetricFamily(
            "broker_background_ends",
            "Processes of `broker background` that ended by themselves",
            labels=["process"],
        )
        for name, count in self._ends.items():
            family.add_metric([name], count)
        yield family


@contextmanager
def shared_metrics(host: str, port: int) -> Iterator[SharedMetrics]:
    """Serve /metrics of all children from a new directory, see `serve_metrics`."""
    with metric_files.temporary_directory() as directory:
        metrics = SharedMetrics(directory)
        registry = CollectorRegistry()
        registry.register(metrics)
        MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
        serve_metrics(host, port, registry)
        yield metrics
