"""Metrics of the reaper's rounds."""

from collections.abc import Mapping

from broker.telemetry.metrics import REAPER_RUNS, REAPER_SUCCESS, REAPER_WORK


def finished(work: Mapping[str, int]) -> None:
    """Count a successful round and its work, by kind."""
    REAPER_RUNS.labels("ok").inc()
    REAPER_SUCCESS.set_to_current_time()
    for name, count in work.items():
        REAPER_WORK.labels(name).inc(count)


def failed(code: str) -> None:
    """Count a round that failed with this error code."""
    REAPER_RUNS.labels(code).inc()
