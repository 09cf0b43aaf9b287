"""`broker worker`: inspect uploads and publish their images."""

import logging
import os
import sys
from pathlib import Path

import click

from broker.cli.environment import broker_of_environment, check_environment
from broker.cli.inspection_directory import inspection_directory
from broker.cli.metrics_port import metrics_options, serve_metrics
from broker.cli.stopping import StopSignal, stop_signal
from broker.cli.supervisor import Child, supervise
from broker.inspection.sandbox import inspect_in_child, protect_parent
from broker.inspection.self_test import SelfTest, self_test
from broker.services.processing.heartbeat import Heartbeat
from broker.services.processing.lease import CannotInspect
from broker.services.processing.process import Tools
from broker.services.processing.run import WorkerLoop
from broker.services.work import Broker
from broker.storage.factory import object_files
from broker.telemetry import logs
from broker.telemetry.context import context

COMMAND = [sys.executable, "-m", "broker", "worker"]
PROCESSES_MAX = 64
log = logging.getLogger("broker.worker")


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(1, PROCESSES_MAX),
    default=1,
    metavar="N",
    help="Start N worker processes, and start each again when it ends.  [default: 1]",
)
@metrics_options
def worker(processes: int, metrics_port: int | None, metrics_host: str) -> None:
    """Inspect uploads and publish their images until SIGTERM.

    Each process works on one image at a time. Several processes on several machines share the work.
    With --processes, the first process serves its metrics on --metrics-port, each other one on the
    next port.

    No key that verifies tokens is needed. The exit status is 1 if the self-test fails; then no
    upload is taken.
    """
    logs.configure()
    context.via = "worker"
    protect_parent()
    with stop_signal() as stop:
        if processes > 1:
            # Report errors of the settings and the profiles here, once.
            settings = check_environment(may_deliver=False)
            workers = [
                worker_child(number, metrics_host, metrics_port)
                for number in range(1, processes + 1)
            ]
            supervise(workers, stop=stop, stop_seconds=settings.stop_seconds)
            return
        serve_metrics(metrics_host, metrics_port)
        with broker_of_environment() as broker:
            try:
                _work(broker, stop, inspection_directory())
            except CannotInspect as failed:
                log.error("the self-test failed, so this worker takes no uploads: %s", failed)
                sys.exit(1)


def worker_child(number: int, metrics_host: str, metrics_port: int | None) -> Child:
    """Return a child of `broker worker --processes`. Each serves its metrics on its own port."""
    command = list(COMMAND)
    if metrics_port is not None:
        port = str(metrics_port + number - 1)
        command += ["--metrics-host", metrics_host, "--metrics-port", port]
    return Child(name=f"worker-{number}", command=command, environment=os.environ)


def _work(broker: Broker, stop: StopSignal, root: Path) -> None:
    found = _tested(root)
    heartbeat = Heartbeat(broker, is_isolated=found.is_isolated, content_types=found.content_types)
    tools = Tools(
        files=object_files(broker.settings),
        inspect=inspect_in_child,
        directory=root,
        self_test=lambda: _tested(root).failure,
        beat=heartbeat.beat,
        is_stopping=stop.is_set,
    )
    try:
        if found.failure is not None:
            raise CannotInspect(found.failure)
        WorkerLoop(broker=broker, tools=tools, wait=stop.wait).run()
    except CannotInspect as failed:
        heartbeat.fail(str(failed))
        raise
    heartbeat.end()


def _tested(root: Path) -> SelfTest:
    try:
        return self_test(root)
    except OSError as error:
        failure = f"{root} cannot be used: {error.strerror}"
        return SelfTest(failure=failure, is_isolated=False, content_types=())
