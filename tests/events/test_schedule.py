"""When events are sent, and what each answer changes. The clock is moved; nothing waits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from broker.db.models import Delivery, EventFeed
from broker.db.session import Session
from broker.services.events import deliver, queue, replay
from broker.services.events.numbering import FeedState, lock_feed, restart
from broker.services.events.queue import LEASE, WAITS, take
from broker.services.events.send import LIMIT_SECONDS
from broker.services.work import Broker
from broker.telemetry.deliveries import DELIVERIES
from tests.events.conftest import deliveries, insert_deliveries, send_due
from tests.events.receivers import Answer, Receiver, receiver, status

SCHEDULE = [0, 5, 305, 2105, 9305, 27305, 63305, 99305]


def counted(outcome: str) -> float:
    return DELIVERIES.labels(outcome)._value.get()


def send_until_done(broker: Broker, to: Receiver, begin: datetime) -> list[int]:
    """Send the one event whenever it is due; return the seconds of each attempt since `begin`."""
    now, times = begin, []
    while send_due(broker, to, now) == 1:
        times.append(round((now - begin).total_seconds()))
        waiting = [row for row in deliveries(broker) if row.dead_at is None]
        if not waiting:
            break
        now = waiting[0].due_at
    return times


@pytest.fixture
def begin() -> datetime:
    """Return a time after the database's, so that this clock decides."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def test_an_accepted_event_is_sent_once(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    before = counted("delivered")
    ids = [add_event(), add_event()]
    assert send_due(broker, accepting) == 2
    assert send_due(broker, accepting) == 0
    assert sorted(accepting.ids) == sorted(ids)
    assert deliveries(broker) == []
    assert counted("delivered") == before + 2


def test_events_from_before_the_first_start_are_sent_in_several_batches(
    broker: Broker,
    accepting: Receiver,
    add_event: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "BATCH", 2)
    ids = [add_event() for _ in range(5)]
    assert send_due(broker, accepting) == 5
    assert sorted(accepting.ids) == sorted(ids)


def test_the_gap_after_a_restore_costs_one_batch(
    broker: Broker,
    accepting: Receiver,
    add_event: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = add_event()
    assert send_due(broker, accepting) == 1
    with broker.system_work() as work:
        restart(work)
    locks: list[object] = []

    def counted(session: Session) -> FeedState:
        locks.append(session)
        return lock_feed(session)

    monkeypatch.setattr(queue, "lock_feed", counted)
    insert_deliveries(broker)
    after = add_event()
    assert send_due(broker, accepting) == 1
    assert accepting.ids == [before, after]
    assert len(locks) == 2


def test_an_event_that_is_refused_for_ever_is_sent_at_the_times_of_the_schedule(
    broker: Broker, add_event: Callable[..., str], begin: datetime
) -> None:
    event_id = add_event()
    with receiver(status(500)) as refusing:
        times = send_until_done(broker, refusing, begin)
        assert times == SCHEDULE
        assert [one.timestamp - int(begin.timestamp()) for one in refusing.received] == SCHEDULE
        assert set(refusing.ids) == {event_id}
        (dead,) = deliveries(broker)
        assert (dead.attempts, dead.last_error) == (8, "http_500")
        assert dead.dead_at == begin + timedelta(seconds=SCHEDULE[-1])
        assert send_due(broker, refusing, begin + timedelta(days=400)) == 0


def test_an_event_is_delivered_after_an_hour_of_errors(
    broker: Broker, add_event: Callable[..., str], begin: datetime
) -> None:
    add_event()

    def answer(request: Any, *others: Any) -> None:
        late = request.timestamp - begin.timestamp()
        status(500 if late < 3600 else 204)(request, *others)

    with receiver(answer) as recovering:
        assert send_until_done(broker, recovering, begin) == [0, 5, 305, 2105, 9305]
    assert deliveries(broker) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(302, "Location: http://127.0.0.1:9/"), "redirect"),
        (status(304), "redirect"),
        (status(404), "http_404"),
        (status(429), "http_429"),
        (status(503), "http_503"),
    ],
)
def test_any_other_answer_than_2xx_is_a_failure(
    broker: Broker, add_event: Callable[..., str], begin: datetime, answer: Answer, reason: str
) -> None:
    add_event()
    with receiver(answer) as refusing:
        assert send_due(broker, refusing, begin) == 1
    (row,) = deliveries(broker)
    assert (row.attempts, row.last_error, row.dead_at) == (1, reason, None)
    assert row.due_at == begin + WAITS[0]


def test_after_a_410_nothing_is_sent_until_an_operator_resumes(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    first = add_event()
    accepting.answer = status(410)
    assert send_due(broker, accepting) == 1
    second = add_event()
    accepting.answer = status(204)
    assert send_due(broker, accepting, datetime.now(UTC) + timedelta(days=2)) == 0
    assert [row.attempts for row in deliveries(broker)] == [0, 0]
    with broker.system_work() as work:
        assert work.session.scalar(select(EventFeed.stopped_at)) is not None
        work.session.commit()
        assert replay.resume(work)
        assert not replay.resume(work)
    assert send_due(broker, accepting) == 2
    assert sorted(accepting.ids) == sorted([first, first, second])


def test_an_event_that_fails_unexpectedly_delays_no_other(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event(data="{")
    good = add_event()
    assert send_due(broker, accepting) == 2
    assert accepting.ids == [good]
    (row,) = deliveries(broker)
    assert row.last_error == "internal_error"


def test_the_event_of_a_killed_deliverer_is_sent_when_its_lease_ends(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str], begin: datetime
) -> None:
    add_event()
    insert_deliveries(broker)
    assert deliver.begin(broker, now=begin) is not None
    assert send_due(broker, accepting, begin + LEASE - timedelta(seconds=1)) == 0
    assert send_due(broker, accepting, begin + LEASE) == 1


def test_a_lease_is_longer_than_an_attempt() -> None:
    assert LEASE.total_seconds() > 2 * LIMIT_SECONDS


def test_a_deliverer_that_lost_its_lease_changes_nothing(
    broker: Broker, add_event: Callable[..., str], begin: datetime
) -> None:
    add_event()
    insert_deliveries(broker)
    slow = deliver.begin(broker, now=begin)
    assert slow is not None
    with broker.system_work() as work:
        assert take(work, now=begin + LEASE) is not None
    before = counted("lost")
    for reason in (None, "http_500", "gone"):
        attempt = deliver.Attempt(delivery=slow, event_id="one", reason=reason)
        assert deliver.settle(broker, attempt, now=begin + LEASE) is deliver.Outcome.LOST
    assert counted("lost") == before + 3
    (row,) = deliveries(broker)
    assert (row.attempts, row.last_error) == (2, None)
    assert isinstance(row, Delivery)
