"""One attempt to deliver one event to the marketplace, by HTTP.

No transaction is open while the event is sent. If the database does not answer afterwards, the
result is kept and stored later; if that fails too, the event is sent again when its lease ends.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from importlib.metadata import version

import orjson
from sqlalchemy import select

from broker.db.models import Delivery, Event, User
from broker.domain.webhooks import Webhook
from broker.services.events import queue
from broker.services.events.payload import payload
from broker.services.events.send import NotDelivered, post
from broker.services.work import Broker, Work, utc_now
from broker.telemetry import deliveries

USER_AGENT = f"upload-broker/{version('upload-broker')}"
GONE = "gone"
log = logging.getLogger("broker.deliver")


class Outcome(StrEnum):
    """What became of an attempt; `lost`: another deliverer has taken the event."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    STOPPED = "stopped"
    GIVEN_BACK = "given_back"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An attempt that has ended. `reason` is why it failed; None if the event was accepted."""

    delivery: Delivery
    event_id: str
    reason: str | None


def begin(broker: Broker, *, now: datetime | None = None) -> Delivery | None:
    """Lease an event that is due; return None if none is. `now` replaces the database's time."""
    with broker.system_work(now=now) as work:
        return queue.take(work, now=now)


def send(
    broker: Broker, webhook: Webhook, delivery: Delivery, *, now: datetime | None = None
) -> Attempt:
    """Send a leased event, and return the result, which is not stored yet."""
    with broker.system_work(now=now) as work:
        event_id, body = _message(work, delivery)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        **webhook.headers(event_id, body, now or utc_now()),
    }
    try:
        reason = _reason(post(webhook.url, body, headers))
    except NotDelivered as failure:
        reason = failure.reason
    return Attempt(delivery=delivery, event_id=event_id, reason=reason)


def settle(broker: Broker, attempt: Attempt, *, now: datetime | None = None) -> Outcome:
    """Store the result of an attempt, and count it."""
    with broker.system_work(now=now) as work:
        outcome, is_stored = _settled(work, attempt, now)
    if not is_stored:
        outcome = Outcome.LOST
    elif outcome is Outcome.DEAD:
        log.error("event %s is a dead letter: %s", attempt.event_id, attempt.reason)
    elif outcome is Outcome.STOPPED:
        log.error("the receiver answered 410: nothing is sent until `broker events resume`")
    elif outcome is Outcome.FAILED:
        log.warning("event %s was not delivered: %s", attempt.event_id, attempt.reason)
    deliveries.finished(outcome)
    return outcome


def give_back(broker: Broker, delivery: Delivery) -> None:
    """Return a lease, so that the attempt does not count and the event is due at once."""
    with broker.system_work() as work:
        is_stored = queue.give_back(work, delivery)
    deliveries.finished(Outcome.GIVEN_BACK if is_stored else Outcome.LOST)


def _message(work: Work, delivery: Delivery) -> tuple[str, bytes]:
    """Return the event's id and its JSON."""
    event, subject = work.session.execute(
        select(Event, User.subject)
        .outerjoin(User, User.id == Event.user_id)
        .where(Event.id == delivery.id)
    ).one()
    work.session.commit()
    profiles, media_url = work.limits.profiles, work.storage.media_url
    json = payload(event, subject, profiles=profiles, media_url=media_url)
    return str(event.event_id), orjson.dumps(json, option=orjson.OPT_UTC_Z)


def _reason(status: int) -> str | None:
    """Return why an answer means that the event was not accepted; None if it was."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status < HTTPStatus.BAD_REQUEST:
        return "redirect"
    return GONE if status == HTTPStatus.GONE else f"http_{status}"


def _settled(work: Work, attempt: Attempt, now: datetime | None) -> tuple[Outcome, bool]:
    delivery, reason = attempt.delivery, attempt.reason
    if reason is None:
        return Outcome.DELIVERED, queue.finish(work, delivery)
    if reason == GONE:
        return Outcome.STOPPED, queue.stop(work, delivery, reason, now=now)
    if queue.is_last(delivery):
        return Outcome.DEAD, queue.bury(work, delivery, reason, now=now)
    return Outcome.FAILED, queue.retry_later(work, delivery, reason, now=now)
