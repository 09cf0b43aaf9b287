"""`broker consume-events`: confirm uploads by the bucket's notifications in an SQS queue."""

import threading
from concurrent.futures import Future, wait

import click

from broker.cli.environment import broker_of_environment
from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import StopSignal, stop_signal
from broker.services.background.consume import Consumer
from broker.storage.protocol import EventQueue, QueueMessage
from broker.storage.queue import event_queue
from broker.telemetry import logs
from broker.telemetry.context import context

WATCH_SECONDS = 0.25


@click.command("consume-events")
@click.option("--once", is_flag=True, help="End when the queue is empty.")
@metrics_options
def consume_events(once: bool, metrics_port: int | None, metrics_host: str) -> None:
    """Read BROKER_EVENTS_QUEUE_URL until SIGTERM; a message is deleted after its commit."""
    logs.configure()
    context.via = "events"
    serve_metrics(metrics_host, metrics_port)
    with stop_signal() as stop, broker_of_environment() as broker:
        consumer = Consumer(
            queue=_Stoppable(event_queue(broker.settings), stop),
            open_work=broker.work,
            check=broker.check,
            wait=stop.wait,
        )
        totals = consumer.run(until_empty=once)
    click.echo(" ".join(f"{name} {count}" for name, count in sorted(totals.items())) or "nothing")


class _Stoppable:
    """An EventQueue whose long poll is left behind as soon as the process is asked to stop.

    A message that the queue hands to a poll that nobody waits for comes again when its
    visibility timeout has passed: it was neither handled nor deleted.
    """

    def __init__(self, queue: EventQueue, stop: StopSignal) -> None:
        self._queue = queue
        self._stop = stop

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        """Receive in a thread that does not hold up the end; nothing when asked to stop."""
        answer: Future[list[QueueMessage]] = Future()

        def poll() -> None:
            try:
                answer.set_result(self._queue.receive(wait_seconds=wait_seconds))
            except BaseException as error:  # whatever it is, it is raised where it is waited for
                answer.set_exception(error)

        threading.Thread(target=poll, daemon=True).start()
        while not self._stop.is_set():
            if wait([answer], WATCH_SECONDS).done:
                return answer.result()
        return []

    def delete(self, message: QueueMessage) -> None:
        """DeleteMessage, as it is."""
        self._queue.delete(message)
