"""Tell pooled connections that are of no use any more: closed, or to a server that only reads."""

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

READ_ONLY_SQL_TRANSACTION = "25006"


def refuse_closed_connections(engine: Engine) -> None:
    """Replace a connection that the server closed while it lay in the pool, and all like it.

    A server that stops, or a pooler that ends a connection, closes the socket; that can be read
    off it in two microseconds. SQLAlchemy's `pool_pre_ping` finds out by a round trip, three a
    ticket as it was. Neither tells a server that has vanished without closing.
    """
    event.listen(engine, "checkout", _refuse_closed)


def leave_what_only_reads(engine: Engine) -> None:
    """Take a refusal to write for the end of the connection.

    After a failover a connection may be one to a server that was the first and is a standby now,
    or behind a proxy that still leads there. Kept, it would refuse whatever is asked of it.
    """
    is_disconnect = engine.dialect.is_disconnect

    def is_of_no_use(error: Any, connection: Any, cursor: Any) -> bool:
        return getattr(error, "sqlstate", None) == READ_ONLY_SQL_TRANSACTION or is_disconnect(
            error, connection, cursor
        )

    engine.dialect.is_disconnect = is_of_no_use  # type: ignore[method-assign,assignment]


def _refuse_closed(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    if "used" not in record.info:
        # It is new: whatever is wrong with it is for its first statement to say.
        record.info["used"] = True
        return
    if closed_by_server(connection):
        raise InvalidatePoolError("closed by the server while it lay in the pool")


def closed_by_server(connection: Any) -> bool:
    """Tell whether there is something to read: of an idle connection its end, or word of it."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
