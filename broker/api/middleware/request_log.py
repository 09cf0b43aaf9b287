"""Assign an id and a trace to each request, and write its log line, metrics and span.

Bodies, queries and headers are never logged, except the User-Agent.
"""

import logging
import os
import time
from typing import TYPE_CHECKING

from flask import Flask, Request, Response

from broker.api.middleware import request_metrics
from broker.api.request.context import current_request, current_values
from broker.telemetry import logs, tracing
from broker.telemetry.context import context
from broker.telemetry.redaction import redact
from broker.telemetry.trace_context import trace_id_of

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals

log = logging.getLogger("broker.requests")
PATH_MAX = 500
METHOD_MAX = 20
USER_AGENT_MAX = 200


def init_app(app: Flask) -> None:
    """Register the request log."""
    logs.configure()
    tracing.configure()
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    request, values = current_request(), current_values()
    values.started = time.perf_counter()
    header = request.headers.get("traceparent")
    span = values.span = tracing.begin_request(request.method, header)
    made = os.urandom(32).hex()
    trace_id = span.trace_id if span is not None else trace_id_of(header) or made[32:]
    context.begin(made[:32], trace_id, request.remote_addr)


def _end(response: Response) -> Response:
    request, values = current_request(), current_values()
    response.headers["X-Request-ID"] = context.request_id or ""
    response.headers["X-Content-Type-Options"] = "nosniff"
    seconds = time.perf_counter() - values.get("started", time.perf_counter())
    status = response.status_code
    request_metrics.observe(request, status, seconds, values.get("problem_code"))
    logs.write(log, "request", _fields(request, values, status, seconds))
    span = values.get("span")
    if span is not None:
        route, method = request_metrics.route(request), request.method[:METHOD_MAX]
        attributes = {"http.request.method": method, "http.route": route}
        span.end(f"{method} {route}", status, attributes)
    return response


def _fields(
    request: Request, values: "_AppCtxGlobals", status: int, seconds: float
) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": request.method[:METHOD_MAX],
        "path": redact(request.path[:PATH_MAX]),
        "status": status,
        "ms": round(seconds * 1000, 2),
        "client": request.remote_addr,
        "user_agent": redact(request.headers.get("User-Agent", "")[:USER_AGENT_MAX]),
    }
    for name in ("token", "database", "s3"):
        step = getattr(context, name)
        if step:
            fields[f"{name}_ms"] = round(step * 1000, 2)
    principal = values.get("principal")
    if principal is not None:
        fields["user"] = principal.user_id
    code = values.get("problem_code")
    if code is not None:
        fields["code"] = code
    reason = values.get("token_refused")
    if reason is not None:
        fields["reason"] = reason
    return fields


def _forget(_error: BaseException | None) -> None:
    context.end()
