"""`broker background`: workers, reaper, deliverer and consumer under one supervisor."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import click

from broker.cli.environment import check_environment
from broker.cli.metrics_port import metrics_options
from broker.cli.shared_metrics import shared_metrics
from broker.cli.stopping import stop_signal
from broker.cli.supervisor import Child, ignore, supervise
from broker.cli.worker import PROCESSES_MAX
from broker.config import Settings
from broker.config.child_environment import (
    CONSUMER,
    DELIVERER,
    REAPER,
    WORKER,
    ChildSecrets,
    child_environment,
)
from broker.inspection.sandbox import protect_parent
from broker.telemetry import logs
from broker.telemetry.child_id import CHILD_ID, child_id

BROKER = [sys.executable, "-m", "broker"]


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(0, PROCESSES_MAX),
    default=1,
    metavar="N",
    help="Start N workers, which inspect images.  [default: 1]",
)
@click.option(
    "--reap-every",
    type=click.IntRange(1, 86400),
    default=60,
    metavar="SECONDS",
    help="Pause between two rounds of the reaper.  [default: 60]",
)
@metrics_options
def background(workers: int, reap_every: int, metrics_port: int | None, metrics_host: str) -> None:
    """Run all background processes until SIGTERM, and start each again when it ends.

    These are the workers, the reaper, the deliverer of events if BROKER_WEBHOOK_URL is set, and
    the consumer of bucket notifications if BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL is set. Each gets
    only its own secrets. --metrics-port serves the metrics of all of them.
    """
    logs.configure()
    protect_parent()
    environment = dict(os.environ)
    ended: Callable[[str], None] = ignore
    with ExitStack() as stack:
        stop = stack.enter_context(stop_signal())
        # Report errors of the settings and the profiles here, once.
        settings = check_environment(may_deliver=True)
        if metrics_port is not None:
            metrics = stack.enter_context(shared_metrics(metrics_host, metrics_port))
            environment |= metrics.environment
            ended = metrics.ended
        found = children(settings, environment, workers=workers, reap_every=reap_every)
        supervise(list(found), stop=stop, stop_seconds=settings.stop_seconds, ended=ended)


def children(
    settings: Settings, environment: Mapping[str, str], *, workers: int, reap_every: int
) -> Iterator[Child]:
    """Yield the processes, each with its own environment, in the order in which they are stopped.

    Args:
        settings: which of them are configured.
        environment: the environment of `broker background`.
        workers: the number of workers.
        reap_every: the pause of the reaper, in seconds.
    """

    def child(name: str, secrets: ChildSecrets, *arguments: str) -> Child:
        own = child_environment(environment, secrets)
        own[CHILD_ID] = child_id(name)
        return Child(name=name, command=[*BROKER, *arguments], environment=own)

    if settings.bucket_notifications_queue_url is not None:
        yield child("consumer", CONSUMER, "consume-bucket-notifications")
    for number in range(1, workers + 1):
        yield child(f"worker-{number}", WORKER, "worker")
    yield child("reaper", REAPER, "reap", "--every", str(reap_every))
    if settings.webhook_url is not None:
        yield child("deliverer", DELIVERER, "deliver")
