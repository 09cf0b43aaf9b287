"""The counter from which ads get their ids, on each dialect.

SQLite raises its counter with every row. PostgreSQL's sequence does not know the ids that rows are
inserted with, and `setval` can also lower it. So it is raised only while no transaction takes ids
from it.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

# The number of PostgreSQL's advisory lock for the counter: "ad ids" in ASCII.
_LOCK = int.from_bytes(b"ad ids")
_SHARE = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"
_LAST = {
    "postgresql": (
        "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence('ads', 'id') AS regclass))"
    ),
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'ads'",
}
_RAISE = {
    "postgresql": (
        f"SELECT pg_advisory_xact_lock({_LOCK})",
        "SELECT setval(pg_get_serial_sequence('ads', 'id'), :used)"
        f" WHERE :used > coalesce(({_LAST['postgresql']}), 0)",
    ),
    "sqlite": (
        "UPDATE sqlite_sequence SET seq = :used WHERE name = 'ads' AND seq < :used",
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'ads', :used"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'ads')",
    ),
}


def before_next(session: Session) -> None:
    """Keep others from raising the counter until the transaction that takes an id has ended."""
    if _dialect(session) == "postgresql":
        session.execute(text(_SHARE))


def raise_to(session: Session, used: int) -> None:
    """Raise the counter to `used` if it is lower, so that the next ad's id is higher.

    On PostgreSQL new ads wait until the caller's transaction ends, so it must end soon.
    """
    dialect = _dialect(session)
    if used <= (session.scalar(text(_LAST[dialect])) or 0):
        return
    for statement in _RAISE[dialect]:
        session.execute(text(statement), {"used": used})


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
