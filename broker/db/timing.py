"""Tell how long statements and commits take: in the request's context, and as spans."""

import time
from typing import Any

from sqlalchemy import Engine, event

from broker.telemetry import tracing
from broker.telemetry.context import context


def watch(engine: Engine) -> None:
    """Time all that the engine sends; a failed statement's time counts as well.

    SQLAlchemy has an event before a commit and none after it, so the dialect's own method is
    wrapped: on a disk that syncs, the commit is most of a transaction's time.
    """
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _failed)
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        started = time.perf_counter()
        try:
            commit(connection)
        finally:
            told("COMMIT", time.perf_counter() - started)

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]


def _begin(*_: Any) -> None:
    context.started = time.perf_counter()


def _end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    told(statement, time.perf_counter() - context.started)


def _failed(error: Any) -> None:
    if error.statement is not None:
        name = type(error.original_exception).__name__
        told(error.statement, time.perf_counter() - context.started, name)


def told(statement: str, seconds: float, error: str | None = None) -> None:
    """Count the seconds of a statement that has ended; `error` names what it ended with."""
    context.database += seconds
    if tracing.is_on():
        # The statement has placeholders; the values are never told.
        name = statement.split(None, 1)[0].upper()
        attributes = {"db.query.text": statement, "db.operation.name": name}
        tracing.record(name, seconds, attributes, error=error)
