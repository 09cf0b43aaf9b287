"""`/api/bucket_notifications/`: the webhook that receives the bucket's notifications.

The bucket has no token of the marketplace. It authenticates with its own secret, which is valid
only for this route.
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
from broker.api.request.view_marks import allows_large_body
from broker.domain.bucket_notifications import objects_created
from broker.services.background.bucket_notifications import handle_bucket_notifications
from broker.telemetry.context import context
from broker.telemetry.notifications import notified
from schemas.bucket_notifications import Handled, Notification

blueprint = Blueprint(
    "bucket_notifications",
    __name__,
    url_prefix="/api/bucket_notifications",
    description="Notifications that the bucket sends when objects are written to it.",
)
P = ParamSpec("P")
R = TypeVar("R")


def requires_bucket_notifications_secret(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view only if the request carries BROKER_BUCKET_NOTIFICATIONS_SECRET."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        secret = current().settings.bucket_notifications_secret
        if secret is None:
            raise ApiError(
                "events_not_configured", "BROKER_BUCKET_NOTIFICATIONS_SECRET is not set."
            )
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        expected = secret.get_secret_value().encode()
        same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected)
        if scheme.lower() != "bearer" or not same:
            raise ApiError(
                "events_secret_invalid",
                "Send Authorization: Bearer with the secret for bucket notifications.",
            )
        spare_request()
        return view(*args, **kwargs)

    wrapper.auth = "secret"  # type: ignore[attr-defined]
    return answers("events_not_configured", "events_secret_invalid")(wrapper)


@blueprint.route("/", methods=["POST"], strict_slashes=False)
@allows_large_body
@answers("invalid_event", *STORAGE)
@requires_bucket_notifications_secret
@blueprint.arguments(Notification, unknown="include")
@blueprint.response(200, Handled)
def receive_bucket_notification(notification: dict[str, Any]) -> dict[str, Any]:
    """Confirm the uploads that a bucket notification names."""
    context.via = "bucket_notification"
    created = objects_created(notification)
    with current().system_work() as work:
        outcomes = handle_bucket_notifications(work, created)
    for outcome, count in outcomes.items():
        notified(outcome.value, count)
    return {"outcomes": {outcome.value: count for outcome, count in outcomes.items()}}
