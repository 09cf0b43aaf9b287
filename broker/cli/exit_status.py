"""Exit statuses of commands that compare: 0 the same, 1 differs, 2 could not be told."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from broker.config import SettingsError
from broker.domain.errors import BrokerError

DIFFERS = 1
CANNOT_TELL = 2


@contextmanager
def cannot_tell_is_two() -> Iterator[None]:
    """End with 2, not with 1, when settings, bucket, database or a given file fail."""
    try:
        yield
    except (SettingsError, BrokerError) as error:
        click.echo(f"broker: {error}", err=True)
        sys.exit(CANNOT_TELL)
