"""A broker without a bucket, because a deliverer needs none, and events in its database."""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from broker.config.background import BackgroundSettings
from broker.db.models import Delivery
from broker.db.session import Database
from broker.domain.webhooks import Webhook, read_keys
from broker.services.events.queue import enqueue
from broker.services.events.run import SENDER, Sender
from broker.services.work import Broker
from broker.storage.factory import s3_storage
from broker.storage.protocol import Storage
from tests.events.receivers import Receiver, receiver
from tests.events.stored import store_event

NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture(autouse=True)
def without_bucket_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every key of the bucket: no deliverer needs one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for file in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(file, "/dev/null")


@functools.cache
def storage() -> Storage:
    """Return the bucket, whose URL is part of events. It takes longer to create than a test."""
    return s3_storage(BackgroundSettings(database_url="sqlite://", s3_bucket="media-bucket"))


@pytest.fixture
def broker(database_url: str) -> Iterator[Broker]:
    settings = BackgroundSettings(database_url=database_url, s3_bucket="media-bucket")
    database = Database(database_url)
    yield Broker(
        settings=settings,
        limits=settings.limits,
        database=database,
        storage=storage(),
    )
    # Those that a stopped deliverer has abandoned end with their receiver.
    for thread in threading.enumerate():
        if thread.name == SENDER:
            thread.join(20)
    database.dispose()


@pytest.fixture
def accepting() -> Iterator[Receiver]:
    """Yield a receiver that accepts every event, unless a test changes its `answer`."""
    with receiver() as made:
        yield made


@pytest.fixture
def add_event(broker: Broker) -> Callable[..., str]:
    """Return a function that records an event; it returns the event's id."""

    def add(**changes: Any) -> str:
        return store_event(broker.database, **changes)

    return add


def webhook(to: Receiver, secret: str = NEW) -> Webhook:
    return Webhook(url=to.url, keys=read_keys(secret))


def insert_deliveries(broker: Broker) -> None:
    """Do what a deliverer does with new events."""
    with broker.system_work() as work:
        enqueue(work)


def send_due(broker: Broker, to: Receiver, now: datetime | None = None) -> int:
    """Send every event that is due, as one thread of a deliverer does; return their number."""
    insert_deliveries(broker)
    sender = Sender(broker=broker, webhook=webhook(to), wait=lambda _: True, now=now)
    count = 0
    while sender.step():
        count += 1
    return count


def deliveries(broker: Broker) -> list[Delivery]:
    """Return the rows of all deliveries."""
    with broker.database.session() as session:
        found = session.query(Delivery).order_by(Delivery.id).all()
        session.expunge_all()
        return found
