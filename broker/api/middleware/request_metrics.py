"""Measure each request: count and time by route, method and status, and the time of its steps.

The children of a metric are looked up once for each set of labels and cached, because the lookup
takes as long as everything else here.
"""

import re
from collections.abc import Callable
from functools import cache

from flask import Request

from broker.api.request.view_marks import view_has
from broker.telemetry.context import context
from broker.telemetry.metrics import PROBLEMS, REFUSED, REQUEST_SECONDS, REQUESTS, STEP_SECONDS

UNMATCHED = "unmatched"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_CONVERTER = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")
_token = STEP_SECONDS.labels("token")
_database = STEP_SECONDS.labels("database")
_s3 = STEP_SECONDS.labels("s3")


def observe(request: Request, status: int, seconds: float, code: str | None) -> None:
    """Observe a request that has ended.

    Args:
        status: the HTTP status of its response.
        seconds: its duration.
        code: the code of its problem, if it failed.
    """
    method = request.method if request.method in METHODS else "other"
    count, time = _children(route(request), method, status // 100)
    count()
    time(seconds)
    if context.token:
        _token.observe(context.token)
    if context.database:
        _database.observe(context.database)
    if context.s3:
        _s3.observe(context.s3)
    if code is not None:
        PROBLEMS.labels(code).inc()
        if view_has("issues_tickets"):
            REFUSED.labels(code).inc()


def route(request: Request) -> str:
    """Return the template of the route as OpenAPI writes it, such as `/api/ads/{ad_id}/`."""
    rule = request.url_rule
    return UNMATCHED if rule is None else _template(rule.rule)


@cache
def _template(rule: str) -> str:
    return _CONVERTER.sub(r"{\1}", rule)


@cache
def _children(
    template: str, method: str, hundreds: int
) -> tuple[Callable[[], None], Callable[[float], None]]:
    """Return the methods that count and time requests with these labels."""
    count = REQUESTS.labels(template, method, f"{hundreds}xx")
    return count.inc, REQUEST_SECONDS.labels(template, method).observe
