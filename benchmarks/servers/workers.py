"""Run `broker worker`."""

import contextlib
import os
import re
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.servers import ROOT, START_ATTEMPTS, START_TIMEOUT
from broker.local.process import ChildProcess, PortTaken, ServerDied, free_ports

COMMAND = [sys.executable, "-m", "broker", "worker"]
# A worker inserts its row when its self-test has passed.
READY = "SELECT process_id FROM workers WHERE self_test IS NULL ORDER BY started_at"
STEP = re.compile(r'^broker_worker_step_seconds_sum\{step="(\w+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Running workers: the ids of their processes, and the port with the metrics of the first."""

    pids: Sequence[int]
    metrics_port: int

    def step_seconds(self) -> dict[str, float]:
        """Return the seconds that the first worker has spent in each step."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = STEP.findall(answer.read().decode())
        return {step: float(seconds) for step, seconds in found}


@contextlib.contextmanager
def workers(
    count: int,
    environment: dict[str, str],
    directory: Path,
    connection: psycopg.Connection,
    *,
    niceness: int = 0,
) -> Iterator[Workers]:
    """Run worker processes until the block ends. They log to workers.log."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(directory),
        "TMPDIR": str(directory),
        **environment,
    }
    for attempt in range(1, START_ATTEMPTS + 1):
        connection.execute("DELETE FROM workers")
        # With several workers, each further one uses the next port.
        port = free_ports(1)[0]
        processes = [] if count == 1 else ["--processes", str(count)]
        child = ChildProcess(
            ["nice", "-n", str(niceness), *COMMAND, *processes, "--metrics-port", str(port)],
            log_file=directory / "workers.log",
            cwd=ROOT,
            env=environment,
        )
        try:
            child.start(lambda: len(connection.execute(READY).fetchall()) == count, START_TIMEOUT)
            break
        except (PortTaken, ServerDied):
            if attempt == START_ATTEMPTS:
                raise
    try:
        pids = [int(pid) for (pid,) in connection.execute(READY).fetchall()]
        yield Workers(pids=pids, metrics_port=port)
    finally:
        child.stop()
