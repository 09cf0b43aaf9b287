"""`broker bucket`: set the bucket up."""

import click

from broker.config import Settings
from broker.storage import bucket_setup


@click.group()
def bucket() -> None:
    """Look after the bucket."""


@bucket.command()
def apply() -> None:
    """Make the bucket, its public-read policy and its CORS rules."""
    for line in bucket_setup.apply(Settings.load()):
        click.echo(line)
