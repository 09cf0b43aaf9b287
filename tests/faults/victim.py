"""A process that carries out one operation of the API and is killed after one of its steps.

A step is a commit, an answer of S3, or one of the receiver of events. This module patches the
libraries after the app was created. The broker itself contains no code for this.
"""

import importlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from sqlalchemy import Select, event
from sqlalchemy.orm import Session

from broker.app import create_app
from broker.config import Settings
from broker.db.fast_path.driver_cursors import DriverCursor
from broker.domain.object_head import ObjectHead
from broker.domain.webhooks import Webhook
from broker.inspection.inspect import inspect
from broker.services.background.reap import reap_once
from broker.services.events import deliver
from broker.services.events.queue import enqueue
from broker.services.events.run import Sender
from broker.services.processing.process import Tools, process_next
from broker.storage.factory import object_files
from broker.storage.object_files import ObjectFiles
from tests import once_per_process


@dataclass(frozen=True)
class Request:
    """A request to the API, or if `path` is None, a run of the reaper.

    With `works` it is a run of a worker, with `delivers_to` of a deliverer, to this URL.
    """

    token: str
    method: str = "POST"
    path: str | None = None
    json: Any = None
    after: timedelta = timedelta()
    works: bool = False
    delivers_to: str | None = None


@dataclass(frozen=True)
class Start:
    """An order to create the app that the next requests are for."""

    settings: dict[str, Any]
    environment: dict[str, str]


@dataclass(frozen=True)
class Kill:
    """An order to run a request in a process that is killed after a number of steps."""

    request: Request
    step: int


def serve(orders: Connection) -> None:
    """Create an app for each `Start`, and fork a process of it for each `Kill`; end at None.

    The answer to `Kill` is the exit code of that process. What takes long is done before the fork,
    but the app has sent no request and no statement of an operation, and has no open connections.
    """
    once_per_process.install()
    once_per_process.spare_from_collection()
    app: Flask | None = None
    while (order := orders.recv()) is not None:
        if isinstance(order, Start):
            os.environ.clear()
            os.environ.update(order.environment)
            app = create_app(Settings(**order.settings))
            warm_up(app)
            continue
        assert app is not None
        pid = os.fork()
        if pid == 0:
            arm(app, order.step)
            perform(app, order.request)
            os._exit(0)
        orders.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def warm_up(app: Flask) -> None:
    """Do what every process would have to do after the fork, and what no step depends on."""
    if app.extensions["broker"].limits.inspects:
        files_of(app)
        importlib.import_module("broker.inspection.publishable")
    app.test_client().get("/healthz")  # sorts the routes


def files_of(app: Flask) -> ObjectFiles:
    """Return what the workers of an app read and write objects with. Creating it takes 0.1 s."""
    files: ObjectFiles = app.extensions.get("files") or object_files(
        app.extensions["broker"].settings
    )
    app.extensions["files"] = files
    return files


def perform(app: Flask, request: Request) -> int:
    """Run the request; return the status of its answer, 200 for a background process."""
    if request.delivers_to is not None:
        deliver_all(app, request.delivers_to, datetime.now(UTC) + request.after)
        return 200
    if request.works:
        process_all(app, datetime.now(UTC) + request.after)
        return 200
    if request.path is None:
        broker = app.extensions["broker"]
        with broker.system_work(now=datetime.now(UTC) + request.after) as work:
            reap_once(work)
        return 200
    answer = app.test_client().open(
        request.path,
        method=request.method,
        json=request.json,
        headers={"Authorization": f"Bearer {request.token}"},
    )
    return answer.status_code


def process_all(app: Flask, now: datetime) -> None:
    """Do what a worker does until no upload is due. Without inspection none ever is."""
    broker = app.extensions["broker"]
    if not broker.limits.inspects:
        return
    with TemporaryDirectory() as directory:
        tools = Tools(
            files=files_of(app),
            inspect=lambda request, **_: inspect(request),
            directory=Path(directory),
            now=now,
        )
        while process_next(broker, tools) is not None:
            pass


def deliver_all(app: Flask, url: str, now: datetime) -> None:
    """Do what a deliverer does until no event is due."""
    broker = app.extensions["broker"]
    with broker.system_work(now=now) as work:
        enqueue(work)
    webhook = Webhook(url=url, keys=(b"k" * 32,))
    sender = Sender(broker=broker, webhook=webhook, wait=lambda _: True, now=now)
    while sender.step():
        pass


def arm(app: Flask, step: int) -> None:
    """Kill this process with SIGKILL after `step` steps."""
    left = step

    def done(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    listener: Callable[[Session], None] = lambda _session: done()  # noqa: E731
    event.listen(Session, "after_commit", listener)
    broker = app.extensions["broker"]
    after_each_commit_without_session(done)
    broker.storage.client.meta.events.register("after-call.s3", done)
    if broker.limits.inspects:
        files_of(app)._client.meta.events.register("after-call.s3", done)
    head = broker.storage.head

    def answered_head(key: str) -> ObjectHead:
        try:
            found: ObjectHead = head(key)
        finally:
            done()
        return found

    broker.storage.head = answered_head
    post = deliver.post

    def answered_post(*arguments: Any) -> int:
        try:
            return post(*arguments)
        finally:
            done()

    deliver.post = answered_post  # type: ignore[assignment]


def after_each_commit_without_session(done: Callable[[], None]) -> None:
    """Call `done` after each change that the driver commits without a session."""
    first, commit = DriverCursor.first, DriverCursor.commit

    def counted_first(cursor: DriverCursor, statement: Any, values: Any) -> Any:
        row = first(cursor, statement, values)
        if cursor.commits_each and not isinstance(statement, Select):
            done()
        return row

    def counted_commit(cursor: DriverCursor) -> None:
        commit(cursor)
        if not cursor.commits_each:
            done()

    DriverCursor.first, DriverCursor.commit = counted_first, counted_commit  # type: ignore[method-assign]
