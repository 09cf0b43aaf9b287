"""`broker consume-bucket-notifications`: moto's SQS, a real bucket and both databases."""

import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from broker.config import Settings
from broker.db.models import Image
from broker.domain.errors import DatabaseUnavailable, QueueUnavailable
from broker.domain.storage_errors import StorageUnavailable
from broker.services.background.consume import BACKOFF_MAX_SECONDS, WAIT_SECONDS, Consumer
from broker.storage.queue import notification_queue
from tests.http.background.test_bucket_notifications import notification
from tests.http.client import SECRET, Client, rows, send
from tests.servers.fixtures import Bucket

POISON_AFTER = 2  # receives


@pytest.fixture(scope="module")
def sqs_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def listening(handle: Callable[[socket.socket, object], None]) -> Iterator[str]:
    """Accept connections and keep them open; `handle` reads from each new one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):  # the connections are closed at the end of the test
                while True:
                    connection, address = server.accept()
                    held.append(connection)
                    handle(connection, address)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


class Queue:
    """A queue with a dead-letter queue."""

    def __init__(self, endpoint_url: str, name: str) -> None:
        self.client = boto3.Session().client("sqs", endpoint_url=endpoint_url)
        self.dead = self.client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}-dead"
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": POISON_AFTER}
        self.url = self.client.create_queue(
            QueueName=name,
            Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"},
        )["QueueUrl"]

    def send(self, body: Any) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def waiting(self, url: str | None = None) -> int:
        name = "ApproximateNumberOfMessages"
        found = self.client.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=[name])
        return int(found["Attributes"][name])


@pytest.fixture
def queue(sqs_url: str, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs_url)
    return Queue(sqs_url, f"events-{uuid4().hex}")


@pytest.fixture
def consumer(app: Flask, queue: Queue, s3_bucket: Bucket) -> Consumer:
    broker = app.extensions["broker"]
    settings = s3_bucket.settings.model_copy(update={"bucket_notifications_queue_url": queue.url})

    def check() -> None:
        broker.database.check()
        broker.storage.check()

    return Consumer(
        queue=notification_queue(settings),
        open_work=broker.system_work,
        check=check,
        wait=lambda _seconds: False,
    )


def sent(alice: Client, s3_bucket: Bucket) -> dict[str, Any]:
    ticket: dict[str, Any] = alice.ticket(alice.ad()).get_json()
    assert send(ticket).status_code == 201
    return notification(ticket["upload"]["fields"]["key"], name=s3_bucket.name)


def test_messages_in_every_envelope_confirm_their_upload_and_are_deleted(
    app: Flask, alice: Client, queue: Queue, consumer: Consumer, s3_bucket: Bucket
) -> None:
    queue.send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": s3_bucket.name})
    event = sent(alice, s3_bucket)
    queue.send(event)
    queue.send(event)
    queue.send({"Type": "Notification", "Message": json.dumps(sent(alice, s3_bucket))})
    key = f"incoming/{sent_key(alice)}"
    detail = {"bucket": {"name": s3_bucket.name}, "object": {"key": key}}
    queue.send({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    queue.send(notification("media/ads/ad_1/foreign.jpg", name=s3_bucket.name))
    queue.send(notification("media/x", name="another-bucket"))
    totals = consumer.run(until_empty=True)
    assert totals == {"confirmed": 3, "settled": 1, "unknown": 1, "elsewhere": 1}
    assert (queue.waiting(), queue.waiting(queue.dead), rows(app, Image)) == (0, 0, 3)


def sent_key(alice: Client) -> str:
    ticket = alice.ticket(alice.ad()).get_json()
    assert send(ticket).status_code == 201
    return str(ticket["key"])


def test_an_unreadable_message_ends_in_the_dead_letter_queue_and_delays_no_other(
    alice: Client, queue: Queue, consumer: Consumer, s3_bucket: Bucket
) -> None:
    queue.send("no json")
    queue.send({"Records": [5]})
    queue.send(sent(alice, s3_bucket))
    totals = consumer.run(until_empty=True)
    assert totals["confirmed"] == 1
    assert totals["unreadable"] == 2 * POISON_AFTER
    assert (queue.waiting(), queue.waiting(queue.dead)) == (0, 2)


class Forgetful:
    """A queue where one delete fails, as if the process had died after its commit."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.failed = False

    def receive(self, *, wait_seconds: int) -> Any:
        return self.queue.receive(wait_seconds=wait_seconds)

    def delete(self, message: Any) -> None:
        if not self.failed:
            self.failed = True
            raise QueueUnavailable("gone")
        self.queue.delete(message)


def test_a_crash_between_commit_and_delete_loses_and_repeats_nothing(
    app: Flask, alice: Client, queue: Queue, consumer: Consumer, s3_bucket: Bucket
) -> None:
    queue.send(sent(alice, s3_bucket))
    forgetful = replace(consumer, queue=Forgetful(consumer.queue))
    with pytest.raises(QueueUnavailable):
        forgetful.run(until_empty=True)
    assert (queue.waiting(), rows(app, Image)) == (1, 1)
    assert forgetful.run(until_empty=True) == {"settled": 1}
    assert (queue.waiting(), rows(app, Image)) == (0, 1)


@pytest.mark.parametrize("error", [DatabaseUnavailable, StorageUnavailable])
def test_while_database_or_bucket_is_down_no_message_is_received(
    alice: Client,
    queue: Queue,
    consumer: Consumer,
    s3_bucket: Bucket,
    error: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue.send(sent(alice, s3_bucket))
    waits: list[float] = []

    def away() -> None:
        if len([seconds for seconds in waits if seconds]) < 9:
            raise error("away")

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return queue.waiting() == 0

    with caplog.at_level(logging.ERROR):
        totals = replace(consumer, check=away, wait=wait).run()
    assert totals == {"confirmed": 1}
    backoffs = [seconds for seconds in waits if seconds]
    assert backoffs == [1, 2, 4, 8, 16, 32, *[BACKOFF_MAX_SECONDS] * 3]
    assert queue.waiting(queue.dead) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_reads_the_queue_that_the_environment_names(
    alice: Client,
    queue: Queue,
    s3_bucket: Bucket,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue.send(sent(alice, s3_bucket))
    command = [sys.executable, "-m", "broker", "consume-bucket-notifications", "--once"]
    for name, value in {
        "DATABASE_URL": database_url,
        "S3_BUCKET": s3_bucket.name,
        "S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "JWT_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    unset = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (unset.returncode, unset.stdout) == (1, "")
    assert unset.stderr.startswith("broker: BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL: is needed")
    monkeypatch.setenv("BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL", queue.url)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "confirmed 1\n"), done.stderr
    assert "consume-bucket-notifications" not in done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_can_be_stopped_during_a_long_poll(
    queue: Queue, s3_bucket: Bucket, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATABASE_URL": database_url,
        "S3_BUCKET": s3_bucket.name,
        "S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "JWT_SECRET": SECRET,
        "BUCKET_NOTIFICATIONS_QUEUE_URL": queue.url,
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    polling = threading.Event()

    def never_answers(connection: socket.socket, _address: object) -> None:
        if b"ReceiveMessage" in connection.recv(65536):
            polling.set()

    with listening(never_answers) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
        with subprocess.Popen(
            [sys.executable, "-m", "broker", "consume-bucket-notifications"]
        ) as process:
            assert polling.wait(60)
            process.terminate()
            # The queue could keep the poll open for a long time. The command does not wait for it.
            assert process.wait(WAIT_SECONDS / 2) == 0


def test_a_missing_queue_is_reported(
    make_app: Callable[..., Flask], s3_bucket: Bucket, queue: Queue
) -> None:
    settings: Settings = s3_bucket.settings.model_copy(
        update={"bucket_notifications_queue_url": queue.url + "-nowhere"}
    )
    with pytest.raises(QueueUnavailable, match="QueueDoesNotExist|NonExistentQueue"):
        notification_queue(settings).receive(wait_seconds=0)
