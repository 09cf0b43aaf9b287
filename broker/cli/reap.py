"""`broker reap`: expire stale uploads and drain the outbox of deletions."""

from datetime import UTC, datetime

import click

from broker.config import Settings
from broker.db.session import Database
from broker.services.reap import reap_once
from broker.storage.factory import s3_storage


@click.command()
@click.option("--once", is_flag=True, required=True, help="Do what is due now, and end.")
def reap(once: bool) -> None:
    """Expire stale uploads and delete what the outbox says."""
    settings = Settings.load()
    database = Database(settings.database_url)
    try:
        with database.session() as session:
            done = reap_once(session, s3_storage(settings), settings.rules, now=datetime.now(UTC))
    finally:
        database.dispose()
    click.echo(f"expired {done.expired} deleted {done.deleted} postponed {done.postponed}")
