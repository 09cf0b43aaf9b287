"""`broker consume-events`: confirm uploads by the bucket's notifications in an SQS queue."""

import click

from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import stop_event
from broker.cli.workers import utc_now, worker
from broker.services.consume import Consumer
from broker.storage.queue import event_queue
from broker.telemetry import logs
from broker.telemetry.context import context


@click.command("consume-events")
@click.option("--once", is_flag=True, help="End when the queue is empty.")
@metrics_options
def consume_events(once: bool, metrics_port: int | None, metrics_host: str) -> None:
    """Read BROKER_EVENTS_QUEUE_URL until SIGTERM; a message is deleted after its commit."""
    logs.configure()
    context.via = "events"
    serve_metrics(metrics_host, metrics_port)
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
