"""Detect pooled connections that cannot be used: closed ones, and those to a read-only server."""

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

READ_ONLY_SQL_TRANSACTION = "25006"


def refuse_closed_connections(engine: Engine) -> None:
    """Replace all pooled connections when one of them was closed by the server while idle.

    A server that stops, or a pooler that ends a connection, closes the socket. Checking the socket
    takes two microseconds. SQLAlchemy's `pool_pre_ping` needs a round trip instead. Neither
    detects a server that has vanished without closing its connections.
    """
    event.listen(engine, "checkout", _refuse_closed)


def discard_read_only_connections(engine: Engine) -> None:
    """Treat a refusal to write as a disconnect, so that the pool discards its connections.

    After a failover a connection may lead, directly or through a proxy, to the former primary,
    which is a standby now. It would refuse every further write.
    """
    is_disconnect = engine.dialect.is_disconnect

    def is_disconnect_or_read_only(error: Any, connection: Any, cursor: Any) -> bool:
        return getattr(error, "sqlstate", None) == READ_ONLY_SQL_TRANSACTION or is_disconnect(
            error, connection, cursor
        )

    engine.dialect.is_disconnect = is_disconnect_or_read_only  # type: ignore[method-assign,assignment]


def _refuse_closed(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    if "used" not in record.info:
        # The connection is new; if something is wrong, its first statement fails.
        record.info["used"] = True
        return
    if closed_by_server(connection):
        raise InvalidatePoolError("closed by the server while idle in the pool")


def closed_by_server(connection: Any) -> bool:
    """Check whether an idle connection has data to read: end of file, or a closing message."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
