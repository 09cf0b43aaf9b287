"""Observe the duration of statements and commits: in the request's context and as spans."""

import time
from typing import Any

from sqlalchemy import Engine, event

from broker.telemetry import tracing
from broker.telemetry.context import context


def watch(engine: Engine) -> None:
    """Observe every statement and commit of the engine, including failed statements.

    SQLAlchemy has an event before a commit but none after it, so this wraps the dialect's own
    method. If the disk syncs, the commit takes most of a transaction's time.
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
            observe("COMMIT", time.perf_counter() - started)

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]


def _begin(*_: Any) -> None:
    context.started = time.perf_counter()


def _end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    observe(statement, time.perf_counter() - context.started)


def _failed(error: Any) -> None:
    if error.statement is not None:
        name = type(error.original_exception).__name__
        observe(error.statement, time.perf_counter() - context.started, name)


def observe(statement: str, seconds: float, error: str | None = None) -> None:
    """Observe a statement that has ended; `error` names the exception, if any."""
    context.database += seconds
    if tracing.is_on():
        # The statement has placeholders; the values are never exported.
        name = statement.split(None, 1)[0].upper()
        attributes = {"db.query.text": statement, "db.operation.name": name}
        tracing.record(name, seconds, attributes, error=error)
