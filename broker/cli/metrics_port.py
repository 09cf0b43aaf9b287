"""Serve metrics on a separate port, because background processes have no API."""

from collections.abc import Callable
from typing import Any

import click
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server


def metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --metrics-port and --metrics-host to the command of a background process."""
    for option in (
        click.option(
            "--metrics-host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="The address of that port.  [default: 127.0.0.1]",
        ),
        click.option(
            "--metrics-port",
            type=click.IntRange(1, 65535),
            metavar="PORT",
            help="Serve /metrics for Prometheus on this port.",
        ),
    ):
        command = option(command)
    return command


def serve_metrics(host: str, port: int | None, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve /metrics from a daemon thread, by default this process's. Do nothing without a port.

    Raises:
        click.ClickException: the port is in use, or the address is not on this machine.
    """
    if port is None:
        return
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
