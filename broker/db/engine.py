"""Engines for PostgreSQL and SQLite, with what each needs to be safe under many writers."""

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from broker.config import SettingsError
from broker.db.liveness import leave_what_only_reads, refuse_closed_connections

BUSY_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 3
VANISHED_SECONDS = 30
KEEPALIVE_INTERVAL_SECONDS = 2
POOL_TIMEOUT_SECONDS = 5
POOL_SIZE = 5
POOL_OVERFLOW = 10  # beyond the size, and closed again when they come back
_POOL = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW}


def make_engine(url: str, statement_timeout: int = 0) -> Engine:
    """Make an engine; no connection is opened yet.

    SQLite's driver begins a transaction at the first write, not at a read. So what a service
    reads before its first write holds no lock and no snapshot, which is PostgreSQL's READ
    COMMITTED; a write waits for the lock up to the busy timeout instead of failing at once.

    PostgreSQL ends a statement that takes, or waits for a lock, longer than `statement_timeout`
    seconds; 0 is no limit. A server that is gone without a word is given up a little later, or
    after `VANISHED_SECONDS` where there is no limit: a worker would wait for it for hours.

    The URL's `prepare_threshold=none` keeps psycopg from preparing statements, which a pooler of
    transactions may not know.

    An error names its statement without the values: kept answers hold signatures, and errors
    are logged.

    Raises:
        SettingsError: the URL is not one of a database that the broker knows.
    """
    try:
        return _engine(url, statement_timeout)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        # What they say would show the URL, and a password in it.
        raise SettingsError(
            "BROKER_DATABASE_URL: must be a URL such as postgresql://user:password@host/broker"
            " or sqlite:///broker.db"
        ) from None


def _engine(url: str, statement_timeout: int) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
            # A database in memory is one connection, and has no such pool.
            **(_POOL if parsed.database else {}),
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "postgresql+psycopg":
        raise ValueError(parsed.drivername)
    prepare = parsed.query.get("prepare_threshold")
    engine = create_engine(
        parsed.difference_update_query(["prepare_threshold"]),
        hide_parameters=True,
        **_POOL,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **({} if prepare is None else {"prepare_threshold": _threshold(prepare)}),
            **_within(statement_timeout, str(parsed.query.get("options", ""))),
            **_noticed_as_gone(statement_timeout or VANISHED_SECONDS),
        },
    )
    refuse_closed_connections(engine)
    leave_what_only_reads(engine)
    return engine


def _threshold(value: str | tuple[str, ...]) -> int | None:
    """Read psycopg's prepare_threshold, which a URL cannot hand to it as a number or as None."""
    return None if value == "none" else int(str(value))


def _within(seconds: int, options: str) -> dict[str, Any]:
    """Give libpq's settings that bound a statement; the URL's own options go with them."""
    if not seconds:
        return {}
    bound = f"-c statement_timeout={seconds * 1000} -c lock_timeout={seconds * 1000}"
    return {"options": f"{bound} {options}".strip()}


def _noticed_as_gone(seconds: int) -> dict[str, int]:
    """Give libpq's settings that end a connection to whose other end nothing gets any more.

    What was sent is confirmed within `tcp_user_timeout`; while an answer is waited for the other
    end is asked whether it is there, and once more. A server that is merely slow says that it is.
    """
    return {
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": seconds,
        "keepalives_interval": KEEPALIVE_INTERVAL_SECONDS,
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what SQLite keeps a connection: WAL lets readers go on beside one writer."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
