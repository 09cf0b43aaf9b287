"""The servers of a soak, as they are deployed: PostgreSQL, S3, Redis, API, `broker background`.

The API runs with the command of the Dockerfile; only host and port differ.
"""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import ROOT, bucket, postgres
from benchmarks.servers.command import deployed
from broker.db import migrate
from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, answers, free_ports
from broker.local.seaweedfs import EmbeddedS3
from tests.servers import START_TIMEOUT
from tests.servers.counters import counters
from tests.soak.photos import VARIANTS

DATABASE = "broker"
APPLICATION = "broker-api"  # the application_name of the API's connections in pg_stat_activity
STOP_SECONDS = 10
WORKERS = 2
UNLIMITED = "1000000/minute"
BROKER = str(Path(sys.executable).parent / "broker")


@dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """Lifetimes in seconds. They are short, so that abandoned tickets expire during the run."""

    ttl: int = 60
    grace: int = 30
    reap_every: int = 5

    @property
    def longest(self) -> int:
        """The longest time until the reaper handles an upload or a deletion."""
        return self.ttl + self.grace


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The running servers."""

    url: str
    secret: str
    environment: dict[str, str]
    lifetimes: Lifetimes
    postgres: postgres.Postgres
    s3: EmbeddedS3
    s3_client: Any
    serving: int
    background: int
    reap: str
    command: str
    counts_requests: bool
    logs: Path


@contextlib.contextmanager
def running(directory: Path, lifetimes: Lifetimes, *, reap: str = "confirm") -> Iterator[Stack]:
    """Start all servers with their data in a directory; raise ServerNotInstalled."""
    directory.chmod(0o711)  # PostgreSQL runs as another user, which needs access
    credentials = bucket.Credentials.new()
    secret = secrets.token_urlsafe(40)
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres.postgres(directory))
        database.create(DATABASE)
        migrate.upgrade(database.url(DATABASE))
        s3 = stack.enter_context(bucket.seaweedfs(directory, credentials))
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(directory),
            **credentials.environment(),
            "BROKER_DATABASE_URL": database.url(DATABASE),
            "BROKER_S3_BUCKET": bucket.BUCKET,
            "BROKER_S3_ENDPOINT_URL": s3.endpoint_url,
            "BROKER_JWT_SECRET": secret,
            "BROKER_TICKET_TTL": str(lifetimes.ttl),
            "BROKER_PUT_TTL": str(lifetimes.ttl),
            "BROKER_TICKET_GRACE": str(lifetimes.grace),
            "PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics"),
            "BROKER_DRAIN_SECONDS": "0",
            "BROKER_AD_IMAGE_VARIANTS": ",".join(map(str, VARIANTS)),
            "BROKER_AVATAR_VARIANTS": str(VARIANTS[0]),
            "BROKER_REAP": reap,
            # The few users of a run send more in minutes than a real quota allows in a day.
            "BROKER_QUOTA_BYTES": str(10**15),
            "BROKER_QUOTA_FILES": str(10**9),
            "BROKER_STOP_SECONDS": str(STOP_SECONDS),
        }
        limits = _limits(stack)
        environment |= limits
        subprocess.run(
            [BROKER, "bucket", "apply"],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=START_TIMEOUT,
        )
        api, port = _api(directory, environment)
        # Longer than `broker serve` needs. If it were killed, its workers would keep running.
        stack.callback(api.stop, STOP_SECONDS + 10)
        options = ["--workers", str(WORKERS), "--reap-every", str(lifetimes.reap_every)]
        argv = [BROKER, "background", *options]
        background = _child("background", argv, directory, environment)
        background.start(lambda: True, START_TIMEOUT)
        stack.callback(background.stop, STOP_SECONDS + 10)
        yield Stack(
            url=f"http://{LOOPBACK}:{port}",
            secret=secret,
            environment=environment,
            lifetimes=lifetimes,
            postgres=database,
            s3=s3,
            s3_client=credentials.client(s3.endpoint_url),
            serving=api.pid or 0,
            background=background.pid or 0,
            reap=reap,
            command=" ".join(deployed(ROOT / "Dockerfile")),
            counts_requests=bool(limits),
            logs=directory,
        )
        background.check()


def _limits(stack: contextlib.ExitStack) -> dict[str, str]:
    """Return rate limits that are counted but never reached; empty if Redis is missing."""
    try:
        store = stack.enter_context(counters())
    except ServerNotInstalled:
        return {}
    kinds = ("USER", "TICKETS", "ADDRESS", "GUESSES")
    return {
        "BROKER_RATE_LIMIT_STORAGE_URL": store.url,
        **{f"BROKER_RATE_LIMIT_{kind}": UNLIMITED for kind in kinds},
    }


def _api(directory: Path, environment: dict[str, str]) -> tuple[ChildProcess, int]:
    (port,) = free_ports(1)
    argv = deployed(ROOT / "Dockerfile")
    for option, value in {"--host": LOOPBACK, "--port": str(port)}.items():
        argv[argv.index(option) + 1] = value
    argv[0] = BROKER
    child = _child("api", argv, directory, {**environment, "PGAPPNAME": APPLICATION})
    child.start(lambda: answers(f"http://{LOOPBACK}:{port}/readyz"), START_TIMEOUT)
    return child, port


def _child(name: str, argv: list[str], logs: Path, environment: dict[str, str]) -> ChildProcess:
    log = logs / f"{name}.log"
    return ChildProcess(argv, log_file=log, cwd=ROOT, env=environment, name=name)


def workers(serving: int) -> list[int]:
    """List the API's worker processes: the children of the server below `broker serve`."""
    children = _children()
    found = [pid for server in children.get(serving, []) for pid in children.get(server, [])]
    # If multiprocessing does not fork, its resource tracker is a child, too.
    return [pid for pid in found if b"resource_tracker" not in _command(pid)]


def inspectors(parent: int) -> list[int]:
    """List the workers among the children of `broker background`."""
    return [pid for pid in _children().get(parent, []) if b"\0worker\0" in _command(pid)]


def descendants(pid: int) -> list[int]:
    """List all descendants of a process."""
    children = _children()
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def _children() -> dict[int, list[int]]:
    """Return the running processes by parent, from /proc (Linux only)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    return children


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
