"""`broker bucket`: configure the bucket and print the IAM policies."""

import json

import click

from broker.config import Settings
from broker.storage import bucket_setup
from broker.storage.bucket_setup.iam import iam_policy


@click.group()
def bucket() -> None:
    """Manage the bucket."""


@bucket.command()
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
def apply(dry_run: bool) -> None:
    """Create the bucket; set policy, CORS, lifecycle rules and notifications as configured.

    This needs keys of the bucket's owner or of an administrator. The API's keys are not enough.
    """
    for step in bucket_setup.apply(Settings.load(), dry_run=dry_run):
        click.echo(f"{step.outcome.value}: {step.title}")
        if step.reason is not None:
            click.echo(f"    {step.reason}")
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
        "Note: s3:GetObject is needed for HEAD and for promoting. The broker itself never reads"
        " an object's bytes.",
        err=True,
    )
