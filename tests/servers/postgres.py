"""PostgreSQL for the tests: a temporary cluster with databases copied from a template."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled
from tests.servers import START_TIMEOUT, start_on_free_port

SUPERUSER = "postgres"
# The data is temporary, so it does not have to reach the disk. One cluster per test process must
# fit into the memory of a laptop.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "autovacuum": "off",
    "jit": "off",
}
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass(frozen=True)
class Postgres:
    """A running cluster. `stop` kills it without a shutdown; `start` lets it recover."""

    port: int
    pid: int | None
    stop: Callable[[], None]
    start: Callable[[], None]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, *, template: str = "template1", name: str | None = None) -> str:
        """Copy a template without open connections; return the new database's name."""
        name = name or f"test_{uuid4().hex}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and close its connections."""
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def answers(self) -> bool:
        """Check whether the cluster accepts connections."""
        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(
            host=LOOPBACK, port=self.port, user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Run an empty PostgreSQL cluster; raise ServerNotInstalled.

    Only a `durable` cluster keeps committed data after a `stop`.
    """
    binaries = postgres_binaries()
    account = _account()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        if account is not None:
            os.chown(root, account.pw_uid, account.pw_gid)
        _init(binaries, root, account)

        def start(port: int) -> tuple[ChildProcess, Postgres]:
            settings = SETTINGS | {"port": str(port), "unix_socket_directories": str(root)}
            settings["synchronous_commit"] = "on" if durable else "off"
            child = ChildProcess(
                [
                    str(binaries / "postgres"),
                    f"-D{root / 'data'}",
                    *(f"-c{name}={value}" for name, value in settings.items()),
                ],
                log_file=root / "postgres.log",
                cwd=root,
                env=ENVIRONMENT,
                user=account.pw_name if account else None,
                stop_signal=signal.SIGQUIT,  # "immediate" shutdown, because the data is thrown away
            )

            def up() -> None:
                child.start(cluster.answers, START_TIMEOUT)

            cluster = Postgres(port, None, child.stop, up)
            up()
            return child, Postgres(port, child.pid, child.stop, up)

        child, cluster = start_on_free_port(start)
        try:
            yield cluster
        finally:
            child.stop()


def postgres_binaries() -> Path:
    """Return the directory of `initdb` and `postgres` in PATH, or the newest one installed."""
    on_path = shutil.which("postgres")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for pattern in (
        "usr/lib/postgresql/*/bin",  # Debian
        "usr/pgsql-*/bin",  # Red Hat
        "opt/homebrew/opt/postgresql*/bin",
        "usr/local/opt/postgresql*/bin",  # Homebrew on Intel
    ):
        candidates += sorted(Path("/").glob(pattern), key=_version, reverse=True)
    for candidate in candidates:
        if (candidate / "initdb").is_file() and (candidate / "postgres").is_file():
            return candidate
    raise ServerNotInstalled(
        "PostgreSQL is missing: `apt-get install postgresql`, or `brew install postgresql`"
    )


def _version(binaries: Path) -> int:
    digits = "".join(filter(str.isdigit, binaries.parent.name))
    return int(digits) if digits else 0


def _account() -> pwd.struct_passwd | None:
    """Return the account to run as. PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ServerNotInstalled(
            "PostgreSQL does not run as root, and there is no user `postgres`: `useradd postgres`"
        ) from None


def _init(binaries: Path, root: Path, account: pwd.struct_passwd | None) -> None:
    # fmt: off
    argv = [
        str(binaries / "initdb"), f"--pgdata={root / 'data'}", f"--username={SUPERUSER}",
        "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1",
    ]
    # fmt: on
    subprocess.run(
        argv,
        check=True,
        capture_output=True,
        cwd=root,
        env=ENVIRONMENT,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
