"""What metrics and the doctor say about events that are not delivered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import update

from broker.db.models import Delivery, EventFeed
from broker.doctor import events
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding
from broker.services.events.backlog import backlog
from broker.services.events.feed import latest
from broker.services.work import Broker
from tests.events.conftest import NEW, insert_deliveries, send_due
from tests.events.receivers import Receiver, status
from tests.http.first import FIRST_DATABASE

pytestmark = FIRST_DATABASE
CONFIGURED = {"webhook_url": "https://shop.example/events/", "webhook_secret": NEW}


def ago(**age: int) -> datetime:
    return datetime.now(UTC) - timedelta(**age)


def examine(broker: Broker, **changes: Any) -> list[Finding]:
    settings = type(broker.settings)(**{**broker.settings.model_dump(), **changes})
    return list(events.check(cast("Examination", SimpleNamespace(settings=settings))))


def change(broker: Broker, model: Any, **values: Any) -> None:
    with broker.database.session() as session:
        session.execute(update(model).values(**values))
        session.commit()


def refused(broker: Broker, accepting: Receiver, **last_change: Any) -> None:
    """Let the receiver refuse the events, and change the rows afterwards."""
    accepting.answer = status(503)
    send_due(broker, accepting)
    change(broker, Delivery, **last_change)


def test_events_are_not_undelivered_before_a_deliverer_has_run(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(hours=2))
    with broker.system_work() as work:
        assert backlog(work).count == 0
    send_due(broker, accepting)
    add_event(created_at=ago(hours=1))
    with broker.system_work() as work:
        latest(work)  # a reader of the feed numbers it
        found = backlog(work)
    assert (found.count, found.dead, found.stopped_at) == (1, 0, None)
    assert timedelta(minutes=59) < found.oldest < timedelta(minutes=61)


def test_events_are_undelivered_if_the_url_is_set_and_no_deliverer_has_run(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(hours=2))
    limits = replace(broker.limits, webhook_url=CONFIGURED["webhook_url"])
    with replace(broker, limits=limits).system_work() as work:
        found = backlog(work)
    assert found.count == 1
    assert found.oldest > timedelta(minutes=119)


def test_the_backlog_counts_waiting_and_dead_events(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(hours=3))
    refused(broker, accepting, dead_at=ago(hours=1))
    add_event(created_at=ago(hours=2))
    insert_deliveries(broker)
    add_event()
    with broker.system_work() as work:
        found = backlog(work)
    assert (found.count, found.dead) == (2, 1)
    assert timedelta(minutes=119) < found.oldest < timedelta(minutes=121)


def test_the_doctor_skips_the_check_without_a_webhook(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(hours=1))
    (finding,) = examine(broker)
    assert finding.outcome == "skip"


def test_the_doctor_needs_no_secret_because_only_the_deliverer_has_it(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    (finding,) = examine(broker, webhook_url=CONFIGURED["webhook_url"])
    assert finding.outcome == "ok"
    add_event(created_at=ago(minutes=3))
    (finding,) = examine(broker, webhook_url=CONFIGURED["webhook_url"])
    assert finding.outcome == "fail"


def test_the_doctor_refuses_http_on_the_internet(broker: Broker) -> None:
    (finding,) = examine(broker, webhook_url="http://shop.example/events/")
    assert (finding.outcome, finding.setting) == ("fail", "BROKER_WEBHOOK_URL")


def test_the_doctor_sees_that_nobody_delivers(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    add_event()
    (finding,) = examine(broker, **CONFIGURED)
    assert finding.outcome == "ok"
    add_event(created_at=ago(minutes=3))
    (finding,) = examine(broker, **CONFIGURED)
    assert finding.outcome == "fail"
    assert "2 events wait, and one should have been sent 3 minutes ago" in finding.detail
    insert_deliveries(broker)
    change(broker, Delivery, due_at=ago(minutes=4))
    (finding,) = examine(broker)
    assert "4 minutes ago" in finding.detail


def test_the_doctor_says_why_the_oldest_event_was_refused(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(minutes=20))
    refused(broker, accepting, due_at=ago(minutes=-30))
    (finding,) = examine(broker, **CONFIGURED)
    assert finding.outcome == "warn"
    assert "the oldest for 20 minutes; its last attempt: http_503" in finding.detail


def test_the_doctor_names_dead_letters(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    ids = [add_event() for _ in range(7)]
    refused(broker, accepting, dead_at=ago(minutes=1))
    (finding,) = examine(broker, **CONFIGURED)
    assert finding.outcome == "warn"
    assert f"{ids[0]} (http_503), {ids[1]} (http_503)" in finding.detail
    assert finding.detail.endswith("and 2 others")


def test_the_doctor_says_that_a_410_has_stopped_everything(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    add_event(created_at=ago(hours=1))
    insert_deliveries(broker)
    change(broker, EventFeed, stopped_at=datetime(2026, 11, 29, 10, tzinfo=UTC))
    (finding,) = examine(broker, **CONFIGURED)
    assert finding.outcome == "fail"
    assert "answered 410 at 2026-11-29T10:00:00Z" in finding.detail
    assert finding.fix is not None
    assert finding.fix.endswith("broker events resume")
