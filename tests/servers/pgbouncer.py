"""PgBouncer in transaction mode in front of the tests' PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled
from tests.servers import START_TIMEOUT, start_on_free_port
from tests.servers.postgres import SUPERUSER, Postgres

CONFIGURATION = """
[databases]
* = host={host} port={server_port} user={user}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = options,extra_float_digits
"""


@contextlib.contextmanager
def pgbouncer(server: Postgres) -> Iterator[int]:
    """Run PgBouncer with two connections per database; yield its port."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise ServerNotInstalled("pgbouncer is not installed: apt-get install pgbouncer")
    with tempfile.TemporaryDirectory(prefix="pgb-", ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        # PgBouncer refuses to run as root.
        account = pwd.getpwnam(SUPERUSER) if os.geteuid() == 0 else None
        if account is not None:
            os.chown(root, account.pw_uid, account.pw_gid)

        def start(port: int) -> tuple[ChildProcess, int]:
            path = root / "pgbouncer.ini"
            path.write_text(
                CONFIGURATION.format(
                    host=LOOPBACK, server_port=server.port, user=SUPERUSER, port=port
                )
            )
            path.chmod(0o644)
            child = ChildProcess(
                [program, str(path)],
                log_file=root / "pgbouncer.log",
                cwd=root,
                env={"PATH": os.defpath},
                user=account.pw_name if account else None,
            )
            child.start(lambda: _answers(port), START_TIMEOUT)
            return child, port

        child, port = start_on_free_port(start)
        try:
            yield port
        finally:
            child.stop()


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host=LOOPBACK, port=port, user=SUPERUSER, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
