"""`broker db`: the database's migrations, and whether its rows agree with each other."""

import sys

import click

from broker.cli.environment import broker_of_environment
from broker.cli.exit_status import DIFFERS, cannot_tell_is_two
from broker.config import Settings
from broker.db import migrate
from broker.services.reconcile.verify_rows import wrong_rows


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Run every migration that the database has not seen."""
    migrate.upgrade(Settings.load().database_url)
    click.echo(f"database at {migrate.head()}")


@db.command()
def check() -> None:
    """Exit with 1 unless the database is at the newest migration."""
    current, head = migrate.current(Settings.load().database_url), migrate.head()
    click.echo(f"database at {current or 'nothing'}, newest is {head}")
    sys.exit(0 if current == head else 1)


@db.command()
def verify() -> None:
    """Compare the rows with each other: images, uploads, owners, slots, quotas.

    Exit status 0: they agree. 1: some do not, a line for each. 2: it could not be told.
    """
    with cannot_tell_is_two():
        wrong = 0
        with broker_of_environment() as broker, broker.work() as work:
            for line in wrong_rows(work):
                click.echo(line)
                wrong += 1
        click.echo(f"{wrong} rows are wrong")
    sys.exit(DIFFERS if wrong else 0)
