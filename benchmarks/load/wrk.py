"""Run wrk with our own requests and parse its output. Any failed request fails the run."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rounds import Sample

SCRIPT = Path(__file__).parent / "rotate.lua"
MARK = "SUMMARY "
FAULTS = ("connect", "read", "write", "status", "timeout")


class LoadFailed(Exception):
    """A request failed or got no answer."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The results of wrk; times in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float

    def sample(self, cpu_seconds: float) -> Sample:
        """Return a sample with the server's CPU time; raise LoadFailed if there is no answer."""
        if self.requests == 0:
            raise LoadFailed("wrk got no answers")
        return Sample(
            rate=self.requests / self.seconds,
            cpu=cpu_seconds / self.requests,
            p50=self.p50,
            p99=self.p99,
            requests=self.requests,
        )


class RequestFile:
    """A file of requests for wrk."""

    def __init__(self, path: Path, requests: Sequence[bytes], *, once: bool = False) -> None:
        if any(b"\0" in request for request in requests):
            raise ValueError("a request must not contain a NUL byte")
        path.write_bytes(b"".join(request + b"\0" for request in requests))
        self.path = path
        self.first = requests[0]
        self.once = once


def run(port: int, file: RequestFile, *, seconds: int, connections: int, start: int = 0) -> Summary:
    """Send requests for this many seconds; raise LoadFailed if any of them fails."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadFailed("wrk is missing: apt-get install wrk")
    # fmt: off
    argv = [
        wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT),
        f"http://127.0.0.1:{port}", str(file.path), str(start), "once" if file.once else "cycle",
    ]
    # fmt: on
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if ended.returncode != 0:
        raise LoadFailed(f"wrk ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return parse(ended.stdout)


def parse(output: str) -> Summary:
    """Parse the line that rotate.lua writes; raise LoadFailed if any request failed."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if len(lines) != 1:
        raise LoadFailed(f"wrk printed no summary: {output[-500:]}")
    summary = json.loads(lines[0].removeprefix(MARK))
    faults = {name: summary[name] for name in FAULTS if summary[name]}
    if faults:
        raise LoadFailed(
            f"some of {summary['requests']} requests failed: {faults} (status counts answers of 400"
            " and above; requests for /exhausted mean that the plan has too few uploads)"
        )
    return Summary(
        requests=summary["requests"],
        seconds=summary["microseconds"] / 1e6,
        p50=summary["p50"] / 1e6,
        p99=summary["p99"] / 1e6,
    )
