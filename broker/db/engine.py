"""Engines for PostgreSQL and SQLite, configured to be safe with many writers."""

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from broker.config import SettingsError
from broker.db.liveness import discard_read_only_connections, refuse_closed_connections

BUSY_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 3
VANISHED_SECONDS = 30
KEEPALIVE_INTERVAL_SECONDS = 2
POOL_TIMEOUT_SECONDS = 5
POOL_SIZE = 5
POOL_OVERFLOW = 10  # connections beyond the pool's size, closed when they are returned
_POOL = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW}


def make_engine(url: str, statement_timeout: int = 0) -> Engine:
    """Return an engine; no connection is opened yet.

    SQLite's driver begins a transaction at the first write, not at a read. So a read before the
    first write holds no lock and no snapshot, as with PostgreSQL's READ COMMITTED. A write waits
    for the lock up to the busy timeout instead of failing at once.

    PostgreSQL ends a statement that runs, or waits for a lock, longer than `statement_timeout`
    seconds; 0 means no limit. If the server vanishes without closing the connection, the statement
    fails a little later, or after `VANISHED_SECONDS` if there is no limit. Otherwise a worker
    would wait for hours.

    With `prepare_threshold=none` in the URL, psycopg does not prepare statements. A pooler in
    transaction mode may not support prepared statements.

    Errors show their statement without the values, because errors are logged and stored
    responses contain signatures.

    Raises:
        SettingsError: the URL is not that of a supported database.
    """
    try:
        return _engine(url, statement_timeout)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        # The message of these errors would show the URL with its password.
        raise SettingsError(
            "BROKER_DATABASE_URL: must be a URL such as postgresql://user:password@host/broker"
            " or sqlite:///broker.db; an @ in the password is written %40"
        ) from None


def _engine(url: str, statement_timeout: int) -> Engine:
    parsed = make_url(url)
    if "@" in (parsed.host or ""):
        # A password with an unencoded @. Its end would be the host, which errors and logs show.
        raise ValueError("host")
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
            # A database in memory has one connection and no pool with a size.
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
            **_statement_limits(statement_timeout, str(parsed.query.get("options", ""))),
            **_dead_peer_timeouts(statement_timeout or VANISHED_SECONDS),
        },
    )
    refuse_closed_connections(engine)
    discard_read_only_connections(engine)
    return engine


def _threshold(value: str | tuple[str, ...]) -> int | None:
    """Return psycopg's prepare_threshold as a number or None; a URL holds only text."""
    return None if value == "none" else int(str(value))


def _statement_limits(seconds: int, options: str) -> dict[str, Any]:
    """Return libpq's settings that limit statements, followed by the URL's own options."""
    if not seconds:
        return {}
    bound = f"-c statement_timeout={seconds * 1000} -c lock_timeout={seconds * 1000}"
    return {"options": f"{bound} {options}".strip()}


def _dead_peer_timeouts(seconds: int) -> dict[str, int]:
    """Return libpq's settings that end a connection to a server that has vanished.

    The server's TCP must acknowledge sent data within `tcp_user_timeout`. It must also acknowledge
    keepalive probes while the broker waits for an answer. A slow server still acknowledges both.
    """
    return {
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": seconds,
        "keepalives_interval": KEEPALIVE_INTERVAL_SECONDS,
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set SQLite's options of each connection. WAL lets readers work beside one writer."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
