"""The counter from which ads get their ids, on each dialect."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_POSTGRESQL = """
    SELECT setval(pg_get_serial_sequence('ads', 'id'), :used)
    WHERE :used > coalesce(
        pg_sequence_last_value(CAST(pg_get_serial_sequence('ads', 'id') AS regclass)), 0
    )
"""
_SQLITE = (
    "UPDATE sqlite_sequence SET seq = :used WHERE name = 'ads' AND seq < :used",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'ads', :used"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'ads')",
)


def raise_to(session: Session, used: int) -> None:
    """Raise the counter to `used` if it is lower, so that the next ad's id is higher."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    for statement in (_POSTGRESQL,) if is_postgresql else _SQLITE:
        session.execute(text(statement), {"used": used})
