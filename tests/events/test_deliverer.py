"""A deliverer process: several threads, a slow receiver, a stop signal, a database that is away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any

import pytest

from broker.db.session import Database
from broker.domain.errors import DatabaseUnavailable
from broker.services.events import deliver, run
from broker.services.events.run import Deliverer, Sender, ThreadEnded
from broker.services.events.send import post
from broker.services.work import Broker
from tests.events.conftest import deliveries, insert_deliveries, webhook
from tests.events.receivers import Answer, Receiver, dripping, receiver, silent, status
from tests.http.first import FIRST_DATABASE

# What a query does on each database is tested in test_schedule.
pytestmark = FIRST_DATABASE


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(run, "PAUSE_FIRST_SECONDS", 0.02)


@contextmanager
def running(
    broker: Broker, to: Receiver, *, threads: int = 2, stop_seconds: float = 10
) -> Iterator[threading.Event]:
    """Run a deliverer until the block ends."""
    stop = threading.Event()
    made = Deliverer(
        broker=broker,
        webhook=webhook(to),
        threads=threads,
        wait=stop.wait,
        stop_seconds=stop_seconds,
    )
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def test_two_deliverers_send_each_event_once(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str], database_url: str
) -> None:
    other = Broker(
        settings=broker.settings,
        limits=broker.limits,
        database=Database(database_url),
        storage=broker.storage,
    )
    ids = [add_event() for _ in range(10)]
    with running(broker, accepting), running(other, accepting):
        ids += [add_event() for _ in range(20)]
        accepting.wait_for(len(ids))
    assert sorted(accepting.ids) == sorted(ids)
    assert deliveries(broker) == []
    other.database.dispose()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(silent, id="never answers"),
        pytest.param(dripping(b"HTTP/1.1 204 X\r\n", b"a"), id="drips"),
        pytest.param(status(500), id="500"),
        pytest.param(status(302, "Location: /"), id="redirect"),
    ],
)
def test_an_event_that_is_not_accepted_delays_no_other(
    broker: Broker, add_event: Callable[..., str], bad: Answer
) -> None:
    slow = add_event()

    def answer(request: Any, *others: Any) -> None:
        (bad if request.event_id == slow else status(204))(request, *others)

    with receiver(answer) as receiving, running(broker, receiving, stop_seconds=0):
        receiving.wait_for(1)
        begin = monotonic()
        for _ in range(10):
            add_event()
        receiving.wait_for(11)
        # An attempt may take 15 seconds.
        assert monotonic() - begin < 10
        while len(rows := deliveries(broker)) > 1:
            assert monotonic() - begin < 10
    assert rows[0].attempts == 1


def test_a_thread_is_free_again_after_the_time_limit(
    broker: Broker, add_event: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "post", partial(post, seconds=0.2))
    slow = add_event()

    def answer(request: Any, *others: Any) -> None:
        (silent if request.event_id == slow else status(204))(request, *others)

    with receiver(answer) as receiving, running(broker, receiving, threads=1):
        receiving.wait_for(1)
        add_event()
        receiving.wait_for(2)
    (row,) = deliveries(broker)
    assert (row.attempts, row.last_error) == (1, "timeout")


def test_a_stop_signal_waits_for_an_answer(broker: Broker, add_event: Callable[..., str]) -> None:
    stopped: list[threading.Event] = []

    def answer(request: Any, *others: Any) -> None:
        stopped[0].set()
        status(204)(request, *others)

    add_event()
    with receiver(answer) as receiving, running(broker, receiving) as stop:
        stopped.append(stop)
        receiving.wait_for(1)
    assert deliveries(broker) == []


def test_an_event_that_is_being_sent_at_the_end_is_given_back_uncounted(
    broker: Broker, add_event: Callable[..., str]
) -> None:
    add_event()
    with receiver(silent) as receiving, running(broker, receiving, stop_seconds=0):
        receiving.wait_for(1)
    (row,) = deliveries(broker)
    assert (row.attempts, row.last_error) == (0, None)


class Down:
    """Makes every use of the database fail while `is_down`."""

    def __init__(self) -> None:
        self.is_down = False
        self.failures = 0
        self._session = Database.session

    def session(self, database: Database) -> Any:
        if self.is_down:
            self.failures += 1
            raise DatabaseUnavailable("The database cannot be reached; try again.")
        return self._session(database)


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Down:
    made = Down()
    monkeypatch.setattr(Database, "session", lambda database: made.session(database))
    return made


def test_the_result_is_stored_when_the_database_answers_again(
    broker: Broker, accepting: Receiver, add_event: Callable[..., str], down: Down
) -> None:
    add_event()
    insert_deliveries(broker)
    sender = Sender(broker=broker, webhook=webhook(accepting), wait=lambda _: True)

    def answer(*arguments: Any) -> None:
        down.is_down = True
        status(204)(*arguments)

    accepting.answer = answer
    with pytest.raises(DatabaseUnavailable):
        sender.step()
    down.is_down = False
    assert not sender.step()
    assert len(accepting.received) == 1
    assert deliveries(broker) == []


def test_an_event_that_the_database_failed_to_read_is_given_back_uncounted(
    broker: Broker,
    accepting: Receiver,
    add_event: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_event()
    insert_deliveries(broker)
    sender = Sender(broker=broker, webhook=webhook(accepting), wait=lambda _: True)

    def unavailable(*_: Any) -> None:
        raise DatabaseUnavailable("The database cannot be reached; try again.")

    with monkeypatch.context() as patched:
        patched.setattr(deliver, "_message", unavailable)
        with pytest.raises(DatabaseUnavailable):
            sender.step()
    assert sender.step()
    assert len(accepting.received) == 1
    assert deliveries(broker) == []


def test_a_deliverer_waits_for_the_database_and_goes_on(
    broker: Broker,
    accepting: Receiver,
    add_event: Callable[..., str],
    down: Down,
    caplog: pytest.LogCaptureFixture,
) -> None:
    event_id = add_event()
    down.is_down = True
    with running(broker, accepting, threads=1):
        while down.failures < 6:
            assert accepting.received == []
        down.is_down = False
        accepting.wait_for(1)
    assert accepting.ids == [event_id]
    waiting = [one for one in caplog.messages if "waits for the database" in one]
    assert len(waiting) == 2  # each thread once


def test_a_process_ends_if_one_of_its_threads_has_ended(
    broker: Broker, accepting: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sender, "run", lambda _: None)
    stop = threading.Event()
    made = Deliverer(
        broker=broker, webhook=webhook(accepting), threads=1, wait=stop.wait, stop_seconds=0
    )
    with pytest.raises(ThreadEnded):
        made.run()
