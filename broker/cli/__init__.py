"""The `broker` command: each subcommand is one module, which is imported when it is needed."""

import gc
import sys
from importlib import import_module

import click

from broker.cli.exit_status import print_error
from broker.config import SettingsError
from broker.domain.errors import BrokerError
from broker.local.process import ServerError

COMMANDS = (
    *("dev", "serve", "token", "upload", "db", "bucket"),
    *("background", "worker", "reap", "deliver", "consume-bucket-notifications"),
    *("events", "history", "reconcile", "adopt", "reprocess", "doctor"),
)


class _Commands(click.Group):
    """Finds a command by its name. To import all of them takes a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"broker.cli.{name}"), name)
        gc.enable()  # `broker.__main__` has disabled it for the imports
        return command


@click.group(cls=_Commands)
@click.version_option(
    package_name="upload-broker", prog_name="broker", message="%(prog)s %(version)s"
)
def broker() -> None:
    """Presigned direct uploads to S3, with ownership checks and confirmation."""


def main() -> None:
    """Run the command. Expected errors print one line without a traceback."""
    try:
        broker()
    except (SettingsError, BrokerError, ServerError) as error:
        print_error(error)
        sys.exit(1)
