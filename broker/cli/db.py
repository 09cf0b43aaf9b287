"""`broker db`: run migrations and check that the rows are consistent."""

import sys

import click

from broker.cli.environment import broker_of_environment
from broker.cli.exit_status import DIFFERS, cannot_tell_is_two
from broker.config.background import BackgroundSettings
from broker.db import migrate
from broker.db.profiles_probe import faults_of_profiles
from broker.db.schema_version import is_behind
from broker.services.reconcile.verify_rows import wrong_rows


@click.group()
def db() -> None:
    """Manage the database."""


@db.command()
def upgrade() -> None:
    """Run all pending migrations."""
    url = BackgroundSettings.load().database_url
    migrate.upgrade(url)
    click.echo(f"database at {migrate.current(url)}")


@db.command()
def check() -> None:
    """Exit with status 1 unless the database has all migrations and the profiles fit its uploads.

    Nothing is changed.
    """
    settings = BackgroundSettings.load()
    current, head = migrate.current(settings.database_url), migrate.head()
    click.echo(f"database at {current or 'nothing'}, newest is {head}")
    if is_behind(current):
        sys.exit(1)
    faults = faults_of_profiles(settings.database_url, settings.limits.profiles)
    for fault in faults:
        click.echo(fault)
    sys.exit(1 if faults else 0)


@db.command()
def verify() -> None:
    """Check that images, uploads, owners, slots and quotas are consistent.

    Exit status 0: they are. 1: some rows are wrong; each is printed. 2: the check failed.
    """
    with cannot_tell_is_two():
        wrong = 0
        with broker_of_environment() as broker, broker.system_work() as work:
            for line in wrong_rows(work):
                click.echo(line)
                wrong += 1
        click.echo(f"{wrong} rows are wrong")
    sys.exit(DIFFERS if wrong else 0)
