"""Statements that SQLAlchemy compiles once and the driver executes.

SQLAlchemy's work around each execution, even of a cached statement, takes longer than everything
else in a ticket. Here a statement is compiled once; after that only its values are bound, with the
same types. `driver_cursors.py` executes it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.sql import Delete, Insert, Select, Update

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete
Row = Sequence[Any]
_NO_VALUE = object()


class Executor(Protocol):
    """Executes statements."""

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Row | None:
        """Execute a statement that returns at most one row, and return the row."""

    def many(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute a statement once for each row, whose values are in the statement's order.

        Only for SQLite, and for at least one row. The values are not converted.
        """


class Compiled:
    """A statement compiled for one dialect, with the conversions of its values and columns."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = compiled.string
        self._order: list[str] | None = getattr(compiled, "positiontup", None)
        binds = compiled.bind_names.items()
        writers = {
            name: process
            for bind, name in binds
            if (process := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        fixed = {name: bind.value for bind, name in binds if not bind.required}
        self._fixed = {
            name: writers[name](value) if name in writers else value
            for name, value in fixed.items()
        }
        self._writers = [(name, write) for name, write in writers.items() if name not in fixed]
        columns = list(statement.exported_columns)
        self.returns_rows = bool(columns)
        self._readers = [
            (index, process)
            for index, column in enumerate(columns)
            if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def bound(self, values: Mapping[str, Any]) -> Mapping[str, Any] | list[Any]:
        """Return the parameters as the driver takes them."""
        found = {**self._fixed, **values}
        for name, write in self._writers:
            found[name] = write(found[name])
        return found if self._order is None else [found[name] for name in self._order]

    def read(self, row: Row) -> Row:
        """Return a row's values as Python types."""
        if not self._readers:
            return row
        values = list(row)
        for index, read in self._readers:
            values[index] = read(values[index])
        return values

    def read_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the values of rows as Python types.

        A join repeats the values of a row for each row that it joins. Those are converted once.
        """
        if not self._readers:
            return rows
        found = [list(row) for row in rows]
        for index, read in self._readers:
            last: Any = _NO_VALUE
            value = None
            for values in found:
                if values[index] != last:
                    last = values[index]
                    value = read(last)
                values[index] = value
        return found


@lru_cache(maxsize=256)
def compiled(statement: Statement, dialect: Dialect) -> Compiled:
    """Return the compiled statement; compile it on the first call."""
    return Compiled(statement, dialect)


class SessionExecutor:
    """Executes statements in a session's transaction, with SQLAlchemy."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Row | None:
        """Execute a statement and return its first row."""
        found = self._session.connection().execute(statement, dict(values))
        return found.first() if found.returns_rows else None

    def many(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """See Executor."""
        connection = self._session.connection()
        connection.exec_driver_sql(compiled(statement, connection.dialect).text, list(rows))

    def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        """Execute a SELECT and return its rows."""
        return self._session.connection().execute(statement, dict(values)).all()
