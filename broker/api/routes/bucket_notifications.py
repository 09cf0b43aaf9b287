"""`/api/events/s3/`: the webhook that a bucket's notifications are sent to.

The bucket has no token of the marketplace's. It brings a secret of its own, which opens nothing
but this.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import request

from broker.api.problems.answers import STORAGE, answers
from broker.api.problems.handlers import ApiError
from broker.api.rate_limits.limits import spare_request
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.domain.bucket_notifications import objects_created
from broker.services.background.bucket_notifications import handle_events
from broker.telemetry.context import context
from broker.telemetry.metrics import EVENTS
from schemas import bucket_notifications as events

blueprint = Blueprint(
    "events",
    __name__,
    url_prefix="/api/events",
    description="What a bucket tells of objects that were written; with a secret of its own.",
)
P = ParamSpec("P")
R = TypeVar("R")


def requires_events_secret(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run for whoever knows BROKER_EVENTS_SECRET."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        secret = current().settings.events_secret
        if secret is None:
            raise ApiError("events_not_configured", "BROKER_EVENTS_SECRET is not set.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        expected = secret.get_secret_value().encode()
        same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected)
        if scheme.lower() != "bearer" or not same:
            raise ApiError("events_secret_invalid", "Send the secret of the bucket's events.")
        spare_request()
        return view(*args, **kwargs)

    wrapper.auth = "secret"  # type: ignore[attr-defined]
    return answers("events_not_configured", "events_secret_invalid")(wrapper)


@blueprint.route("/s3/", methods=["POST"], strict_slashes=False)
@answers("invalid_event", *STORAGE)
@requires_events_secret
@blueprint.arguments(events.Notification, unknown="include")
@blueprint.response(200, events.Handled)
def receive_events(notification: dict[str, Any]) -> dict[str, Any]:
    """Take a bucket's notification that objects were written; each is confirmed if it is due."""
    context.via = "events"
    created = objects_created(notification)
    with current().work() as work:
        outcomes = handle_events(work, created)
    for outcome, count in outcomes.items():
        EVENTS.labels(outcome.value).inc(count)
    return {"outcomes": {outcome.value: count for outcome, count in outcomes.items()}}
