"""A process that carries out one operation of the API and is killed at a step of it.

A step is a commit, or an answer of S3. The failpoint is put into the libraries from here, after
the app was made: the broker itself has no code for it.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from flask import Flask
from sqlalchemy import Select, event
from sqlalchemy.orm import Session

from broker.app import create_app
from broker.config import Settings
from broker.db.fast_path.driver_cursors import DriverCursor
from broker.domain.object_head import ObjectHead
from broker.services.background.reap import reap_once


@dataclass(frozen=True)
class Request:
    """A request as its client sends it; `path` None stands for a run of the reaper."""

    token: str
    method: str = "POST"
    path: str | None = None
    json: Any = None
    after: timedelta = timedelta()


def serve(orders: Connection, settings: dict[str, Any], environment: dict[str, str]) -> None:
    """Make the app once, and for each order fork a process that carries it out.

    An order is a request and the number of steps after which its process is no more; the answer
    is that process's exit code. Nothing is connected yet when it is forked.
    """
    os.environ.update(environment)
    app = create_app(Settings(**settings))
    while (order := orders.recv()) is not None:
        request, step = order
        pid = os.fork()
        if pid == 0:
            arm(app, step)
            perform(app, request)
            os._exit(0)
        orders.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def perform(app: Flask, request: Request) -> int:
    """Carry the request out; gives the answer's status, 200 for a run of the reaper."""
    if request.path is None:
        broker = app.extensions["broker"]
        with broker.work(now=datetime.now(UTC) + request.after) as work:
            reap_once(work)
        return 200
    answer = app.test_client().open(
        request.path,
        method=request.method,
        json=request.json,
        headers={"Authorization": f"Bearer {request.token}"},
    )
    return answer.status_code


def arm(app: Flask, step: int) -> None:
    """Kill this process, as `kill -9` does, when `step` steps are done."""
    left = step

    def done(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    listener: Callable[[Session], None] = lambda _session: done()  # noqa: E731
    event.listen(Session, "after_commit", listener)
    broker = app.extensions["broker"]
    after_what_is_committed_by_itself(done)
    broker.storage.client.meta.events.register("after-call.s3", done)
    head = broker.storage.head

    def answered_head(key: str) -> ObjectHead:
        try:
            found: ObjectHead = head(key)
        finally:
            done()
        return found

    broker.storage.head = answered_head


def after_what_is_committed_by_itself(done: Callable[[], None]) -> None:
    """Be told of what changes something apart from any session."""
    first, commit = DriverCursor.first, DriverCursor.commit

    def told_first(cursor: DriverCursor, statement: Any, values: Any) -> Any:
        row = first(cursor, statement, values)
        if cursor.commits_each and not isinstance(statement, Select):
            done()
        return row

    def told_commit(cursor: DriverCursor) -> None:
        commit(cursor)
        if not cursor.commits_each:
            done()

    DriverCursor.first, DriverCursor.commit = told_first, told_commit  # type: ignore[method-assign]
