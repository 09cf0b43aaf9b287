"""`broker consume-events`: confirm uploads by the bucket's notifications in an SQS queue."""

import click

from broker.cli.stopping import stop_event
from broker.cli.workers import utc_now, worker
from broker.services.consume import Consumer
from broker.storage.queue import event_queue


@click.command("consume-events")
@click.option("--once", is_flag=True, help="End when the queue is empty.")
def consume_events(once: bool) -> None:
    """Read BROKER_EVENTS_QUEUE_URL until SIGTERM; a message is deleted after its commit."""
    stop = stop_event()
    with worker() as parts:
        consumer = Consumer(
            queue=event_queue(parts.settings),
            storage=parts.storage,
            rules=parts.settings.rules,
            open_session=parts.database.session,
            check=parts.check,
            now=utc_now,
            wait=stop.wait,
        )
        totals = consumer.run(until_empty=once)
    click.echo(" ".join(f"{name} {count}" for name, count in sorted(totals.items())) or "nothing")
