"""One JSON line a request. No body, no query, no header but the User-Agent is ever logged."""

import logging
import sys
import time
import uuid

from flask import Flask, Response, g, request
from pythonjsonlogger.json import JsonFormatter

from broker.api.problems import UPPY_PATH

log = logging.getLogger("broker.requests")
USER_AGENT_MAX = 200


def configure_logging() -> None:
    """Write the broker's log to standard error as JSON lines; a second call changes nothing."""
    root = logging.getLogger("broker")
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)
        root.setLevel(logging.INFO)


def init_app(app: Flask) -> None:
    """Give every request an id and a line."""
    configure_logging()
    app.before_request(_begin)
    app.after_request(_end)


def loggable(path: str) -> str:
    """Give a path without the capability in it, which is a secret."""
    if not path.startswith(UPPY_PATH):
        return path
    _, slash, rest = path.removeprefix(UPPY_PATH).partition("/")
    return f"{UPPY_PATH}…{slash}{rest}"


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = uuid.uuid4().hex


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    log.info(
        "request",
        extra={
            "request_id": g.get("request_id"),
            "method": request.method,
            "path": loggable(request.path),
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            "user_agent": request.headers.get("User-Agent", "")[:USER_AGENT_MAX],
        },
    )
    return response
