"""`broker bucket`: set the bucket up, and say what its users must be allowed."""

import json

import click

from broker.config import Settings
from broker.storage import bucket_setup
from broker.storage.bucket_setup.iam import iam_policy


@click.group()
def bucket() -> None:
    """Look after the bucket."""


@bucket.command()
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
def apply(dry_run: bool) -> None:
    """Make the bucket, and bring policy, CORS, lifecycle and notification to the settings."""
    for step in bucket_setup.apply(Settings.load(), dry_run=dry_run):
        click.echo(f"{step.outcome.value}: {step.title}")
        for line in step.diff:
            click.echo(f"    {line}")


@bucket.command()
@click.argument("role", type=click.Choice(["api", "worker"]))
def iam(role: str) -> None:
    """Print the IAM policy that a process needs.

    `worker` is for `broker reap` and `broker consume-bucket-notifications`.
    """
    settings = Settings.load()
    policy = iam_policy(settings, "worker" if role == "worker" else "api")
    click.echo(json.dumps(policy, indent=2))
    click.echo(
        "Note: s3:GetObject is needed for HEAD and for promoting; the broker itself refuses to"
        " read an object's bytes.",
        err=True,
    )
