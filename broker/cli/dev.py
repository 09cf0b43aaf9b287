"""`broker dev`: run everything with embedded defaults."""

from pathlib import Path

import click

from broker.cli.stopping import stop_signal
from broker.local.dev import run
from broker.local.dev_env import DEFAULT_DATA_DIR


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, help="The API's port.")
@click.option("--s3-port", type=click.IntRange(1, 65535), default=8333, help="The bucket's port.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA_DIR,
    help="The directory for all data.",
)
def dev(port: int, s3_port: int, data_dir: Path) -> None:
    """Start an S3 server, a database, the API and broker background on this machine.

    BROKER_ settings of the environment are used, except those of the S3 server, the database and
    the keys. The command prints their names.
    """
    with stop_signal() as stop:
        run(data_dir, port=port, s3_port=s3_port, say=click.echo, stopped=stop.wait)
