"""The `broker` command: each subcommand is one module."""

import sys

import click

from broker.cli.adopt import adopt
from broker.cli.background import background
from broker.cli.bucket import bucket
from broker.cli.consume_bucket_notifications import consume_bucket_notifications
from broker.cli.db import db
from broker.cli.deliver import deliver
from broker.cli.dev import dev
from broker.cli.doctor import doctor
from broker.cli.events import events
from broker.cli.exit_status import print_error
from broker.cli.history import history
from broker.cli.reap import reap
from broker.cli.reconcile import reconcile
from broker.cli.reprocess import reprocess
from broker.cli.serve import serve
from broker.cli.token import token
from broker.cli.upload import upload
from broker.cli.worker import worker
from broker.config import SettingsError
from broker.domain.errors import BrokerError
from broker.local.process import ServerError


@click.group()
@click.version_option(
    package_name="upload-broker", prog_name="broker", message="%(prog)s %(version)s"
)
def broker() -> None:
    """Presigned direct uploads to S3, with ownership checks and confirmation."""


COMMANDS = (
    *(dev, serve, token, upload, db, bucket),
    *(background, worker, reap, deliver, consume_bucket_notifications),
    *(events, history, reconcile, adopt, reprocess, doctor),
)
for command in COMMANDS:
    broker.add_command(command)


def main() -> None:
    """Run the command. Expected errors print one line without a traceback."""
    try:
        broker()
    except (SettingsError, BrokerError, ServerError) as error:
        print_error(error)
        sys.exit(1)
