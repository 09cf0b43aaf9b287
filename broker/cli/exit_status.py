"""Exit statuses of commands that compare: 0 no difference, 1 differences, 2 command failed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from broker.config import SettingsError
from broker.domain.errors import BrokerError

DIFFERS = 1
CANNOT_TELL = 2


def print_error(error: Exception) -> None:
    """Print an expected error without a traceback."""
    words = error.for_operators if isinstance(error, BrokerError) else error
    click.echo(f"broker: {words}", err=True)


@contextmanager
def cannot_tell_is_two() -> Iterator[None]:
    """Exit with 2 instead of 1 if the settings, the bucket, the database or a file fails."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        sys.exit(CANNOT_TELL)
    except (SettingsError, BrokerError) as error:
        print_error(error)
        sys.exit(CANNOT_TELL)
