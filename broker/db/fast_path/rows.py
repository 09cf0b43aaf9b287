"""Read rows with a statement that is compiled once."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from broker.db.fast_path.statements import Row, SessionExecutor, Statement
from broker.db.fast_path.transactions import read_cursor


def read_rows(session: Session, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
    """Return the rows of a SELECT: outside the session, unless it is in a transaction.

    Args:
        session: a transaction of it sees its own changes.
        statement: the same object at each call, because it is compiled once.
        values: those of its parameters.
    """
    if session.in_transaction():
        return SessionExecutor(session).all(statement, values)
    with read_cursor(session) as cursor:
        return cursor.all(statement, values)


def is_one_of(column: Any, parameter: str, *, on_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that a column is one of the ids in a parameter; see `id_list`.

    The statement is the same for any number of ids.
    """
    if on_sqlite:
        listed = func.json_each(bindparam(parameter, type_=Text)).table_valued("value")
        return column.in_(select(listed.c.value))  # type: ignore[no-any-return]
    return column == any_(bindparam(parameter, type_=ARRAY(BigInteger)))  # type: ignore[no-any-return]


def id_list(ids: Sequence[int], *, on_sqlite: bool) -> object:
    """Return ids as a value for the parameter of `is_one_of`."""
    return orjson.dumps(ids).decode() if on_sqlite else ids
