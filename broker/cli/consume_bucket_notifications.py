"""`broker consume-bucket-notifications`: confirm uploads by the notifications in an SQS queue."""

import threading
from concurrent.futures import Future, wait

import click

from broker.cli.environment import broker_of_environment
from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import StopSignal, stop_signal
from broker.services.background.consume import Consumer
from broker.storage.protocol import NotificationQueue, QueueMessage
from broker.storage.queue import notification_queue
from broker.telemetry import logs
from broker.telemetry.context import context

WATCH_SECONDS = 0.25


@click.command("consume-bucket-notifications")
@click.option("--once", is_flag=True, help="End when the queue is empty.")
@metrics_options
def consume_bucket_notifications(once: bool, metrics_port: int | None, metrics_host: str) -> None:
    """Read BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL until SIGTERM.

    Each message is deleted after its results are committed.
    """
    logs.configure()
    context.via = "bucket_notification"
    serve_metrics(metrics_host, metrics_port)
    with stop_signal() as stop, broker_of_environment() as broker:
        consumer = Consumer(
            queue=_Stoppable(notification_queue(broker.settings), stop),
            open_work=broker.system_work,
            check=broker.check,
            wait=stop.wait,
        )
        totals = consumer.run(until_empty=once)
    click.echo(" ".join(f"{name} {count}" for name, count in sorted(totals.items())) or "nothing")


class _Stoppable:
    """A NotificationQueue that abandons its long poll when the process is asked to stop.

    If the queue returns a message to an abandoned poll, the message is not handled and not deleted.
    It is received again after its visibility timeout.
    """

    def __init__(self, queue: NotificationQueue, stop: StopSignal) -> None:
        self._queue = queue
        self._stop = stop

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        """Receive messages in a daemon thread; return none if the process is asked to stop."""
        answer: Future[list[QueueMessage]] = Future()

        def poll() -> None:
            try:
                answer.set_result(self._queue.receive(wait_seconds=wait_seconds))
            except BaseException as error:  # raised again by `answer.result()`
                answer.set_exception(error)

        threading.Thread(target=poll, daemon=True).start()
        while not self._stop.is_set():
            if wait([answer], WATCH_SECONDS).done:
                return answer.result()
        return []

    def delete(self, message: QueueMessage) -> None:
        """Delete a message (DeleteMessage)."""
        self._queue.delete(message)
