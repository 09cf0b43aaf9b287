"""PostgreSQL with durable commits, which are the default."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.processes import parent_of
from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, free_ports

SUPERUSER = "postgres"
START_TIMEOUT = 60.0
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
# These are the defaults. The table shows the values that the server reports.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True)
class Postgres:
    """A running cluster. `stop` kills it like a power cut; `start` recovers it."""

    port: int
    stop: Callable[[], None]
    start: Callable[[], None]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect in autocommit mode."""
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user=SUPERUSER, dbname=database, autocommit=True
        )

    def create(self, database: str) -> None:
        """Create an empty database."""
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def settings(self, *names: str) -> dict[str, str]:
        """Return the values of some settings, as the server reports them."""
        with self.connect() as connection:
            found = {}
            for name in names:
                row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
                found[name] = str(row[0]) if row else ""
            return found

    def answers(self) -> bool:
        """Check whether the cluster accepts connections."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def server_pids(connection: psycopg.Connection) -> list[int]:
    """Return the server's processes that run now, and their parent, which counts the ended ones."""
    rows = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
    return [*(pid for (pid,) in rows), parent_of(connection.info.backend_pid)]


def binaries() -> Path | None:
    """Return the directory of the newest `postgres`, or None."""
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )[::-1]
    for candidate in found:
        if (candidate / "initdb").is_file() and (candidate / "postgres").is_file():
            return candidate
    return None


@contextlib.contextmanager
def postgres(directory: Path) -> Iterator[Postgres]:
    """Run a new cluster below a directory; raise ServerNotInstalled if there is no PostgreSQL."""
    programs = binaries()
    if programs is None:
        raise ServerNotInstalled("PostgreSQL is missing: apt-get install postgresql")
    root = directory / "postgres"
    root.mkdir(mode=0o700)
    # PostgreSQL refuses to run as root.
    account = pwd.getpwnam(SUPERUSER) if os.geteuid() == 0 else None
    if account is not None:
        os.chown(root, account.pw_uid, account.pw_gid)
    # fmt: off
    subprocess.run(
        [
            programs / "initdb", f"--pgdata={root / 'data'}", f"--username={SUPERUSER}",
            "--auth=trust", "--encoding=UTF8", "--locale=C",
        ],
        check=True, capture_output=True, cwd=root, env=ENVIRONMENT,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    # fmt: on
    port = free_ports(1)[0]
    settings = DURABLE | {
        # Every broker that a row starts keeps its connections until the end.
        "max_connections": "400",
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": str(root),
    }
    child = ChildProcess(
        [
            str(programs / "postgres"),
            f"-D{root / 'data'}",
            *(f"-c{name}={value}" for name, value in settings.items()),
        ],
        log_file=root / "postgres.log",
        cwd=root,
        env=ENVIRONMENT,
        user=account.pw_name if account else None,
        stop_signal=signal.SIGQUIT,  # the data is no longer needed
    )

    def start() -> None:
        child.start(cluster.answers, START_TIMEOUT)

    cluster = Postgres(port, child.stop, start)
    start()
    try:
        yield cluster
    finally:
        child.stop()
