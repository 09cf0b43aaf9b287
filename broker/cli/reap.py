"""`broker reap`: end stale uploads and drain the outbox, once or repeatedly."""

import logging
from contextlib import suppress
from dataclasses import asdict

import click

from broker.cli.environment import broker_of_environment
from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import stop_signal
from broker.domain.errors import BrokerError
from broker.services.background.reap import Reaped, reap_once
from broker.services.work import Broker
from broker.telemetry import logs, reaper
from broker.telemetry.context import context

log = logging.getLogger("broker.reap")


@click.command()
@click.option("--once", is_flag=True, help="Run once and exit.")
@click.option(
    "--every", type=click.IntRange(1, 86400), metavar="SECONDS", help="Repeat until SIGTERM."
)
@metrics_options
def reap(once: bool, every: int | None, metrics_port: int | None, metrics_host: str) -> None:
    """Confirm or expire stale uploads, and delete objects that are no longer needed."""
    if once == (every is not None):
        raise click.UsageError("Use either --once or --every SECONDS.")
    logs.configure()
    context.via = "reap"
    with broker_of_environment() as broker:
        if every is None:
            click.echo(_summary(_round(broker)))
            return
        serve_metrics(metrics_host, metrics_port)
        with stop_signal() as stop:
            while not stop.is_set():
                _try_round(broker)
                stop.wait(every)


def _try_round(broker: Broker) -> None:
    try:
        done = _round(broker)
    except BrokerError as error:
        # The database or the bucket is down. The next round finds everything that is still due.
        log.error("%s: %s", error.code, error.for_operators)
    except Exception:
        # The process stays, so that one fault does not stop all that the next round can do. The
        # log has its traceback, and the metric counts the failed round.
        log.exception("the round failed unexpectedly")
    else:
        if done != Reaped():
            # If standard output is closed or its disk is full, the work still continues.
            with suppress(OSError):
                click.echo(_summary(done))


def _round(broker: Broker) -> Reaped:
    try:
        with broker.system_work() as work:
            done = reap_once(work)
    except BrokerError as error:
        reaper.failed(error.code)
        raise
    except Exception:
        reaper.failed(BrokerError.code)
        raise
    reaper.finished(asdict(done))
    return done


def _summary(done: Reaped) -> str:
    return (
        f"kept {done.kept} expired {done.expired} late {done.late}"
        f" deleted {done.deleted} pruned {done.pruned} postponed {done.postponed}"
    )
