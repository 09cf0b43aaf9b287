"""The metrics of a worker's process, on a port of their own: a worker has no API."""

from collections.abc import Callable
from typing import Any

import click
from prometheus_client import start_http_server


def metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --metrics-port and --metrics-host to a worker."""
    for option in (
        click.option(
            "--metrics-host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="Where to listen for it.  [default: 127.0.0.1]",
        ),
        click.option(
            "--metrics-port",
            type=click.IntRange(1, 65535),
            metavar="PORT",
            help="Let Prometheus ask this process at /metrics.",
        ),
    ):
        command = option(command)
    return command


def serve_metrics(host: str, port: int | None) -> None:
    """Answer from a thread that ends with the process; does nothing without a port.

    Raises:
        click.ClickException: the port is taken, or the address is not this machine's.
    """
    if port is None:
        return
    try:
        start_http_server(port, host)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
