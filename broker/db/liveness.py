"""Tell pooled connections that the server has closed, without asking it."""

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry


def refuse_closed_connections(engine: Engine) -> None:
    """Replace a connection that the server closed while it lay in the pool, and all like it.

    A server that stops, or a pooler that ends a connection, closes the socket; that can be read
    off it in two microseconds. SQLAlchemy's `pool_pre_ping` finds out by a round trip, three a
    ticket as it was. Neither tells a server that has vanished without closing.
    """
    event.listen(engine, "checkout", _refuse_closed)


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
