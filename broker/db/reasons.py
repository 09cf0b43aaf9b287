"""Why the database cannot be used, in the driver's own words, for logs and commands.

The words may contain host, port, user and database, but never a password: libpq does not repeat
it, and `make_engine` refuses a URL whose password would be read as the host.
"""

import re

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

INSUFFICIENT_PRIVILEGE = "42501"
UNDEFINED_TABLE, UNDEFINED_COLUMN = "42P01", "42703"
# SQLite has no codes for these.
_SQLITE_UNDEFINED = re.compile(r"no such (table|column)|has no column named")
_SERVER_REFUSES = re.compile(r"FATAL: +(.+)")
_TEMPORARY = re.compile(r"starting up|shutting down|recovery|too many|slots are reserved")


def reason(error: SQLAlchemyError) -> str:
    """Return one line that says what is wrong and, if it is a setting, which one to correct."""
    words = driver_words(error)
    refused = _SERVER_REFUSES.search(words)
    if refused is None:
        return f"The database cannot be used: {words.splitlines()[0].rstrip('.')}."
    line = f"The database refuses the connection: {refused[1].rstrip('.')}."
    return line if _TEMPORARY.search(line) else f"{line} Check BROKER_DATABASE_URL."


def driver_words(error: BaseException | None) -> str:
    """Return the driver's message for an error of SQLAlchemy, without the statement."""
    return str(getattr(error, "orig", None) or error).strip() or "no reason given"


def is_missing_table(error: DBAPIError) -> bool:
    """Check whether a statement named a table or a column that the database does not have."""
    state = getattr(error.orig, "sqlstate", None)
    return state in (UNDEFINED_TABLE, UNDEFINED_COLUMN) or bool(
        state is None and _SQLITE_UNDEFINED.search(str(error.orig))
    )


def is_denied(error: DBAPIError) -> bool:
    """Check whether the database's user lacks a right to a table."""
    return getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE
