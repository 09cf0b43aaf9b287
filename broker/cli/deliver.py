"""`broker deliver`: send the events to the marketplace."""

import click

from broker.cli.environment import broker_of_environment
from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import stop_signal
from broker.config.background import DelivererSettings
from broker.services.events.run import Deliverer
from broker.telemetry import logs
from broker.telemetry.context import context

THREADS = 8
THREADS_MAX = 64


@click.command()
@click.option(
    "--threads",
    type=click.IntRange(1, THREADS_MAX),
    default=THREADS,
    show_default=True,
    metavar="N",
    help="Send up to N events at the same time.",
)
@metrics_options
def deliver(threads: int, metrics_port: int | None, metrics_host: str) -> None:
    """Send every event to BROKER_WEBHOOK_URL until SIGTERM.

    Several processes on several machines share the work. No key of the bucket and no key that
    verifies tokens is needed.
    """
    logs.configure()
    context.via = "deliver"
    settings = DelivererSettings.load()
    with stop_signal() as stop, broker_of_environment(settings) as broker:
        serve_metrics(metrics_host, metrics_port)
        Deliverer(
            broker=broker,
            webhook=settings.webhook,
            threads=threads,
            wait=stop.wait,
            stop_seconds=settings.stop_seconds,
        ).run()
