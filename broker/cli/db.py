"""`broker db`: the database's migrations."""

import sys

import click

from broker.config import Settings
from broker.db import migrate


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
