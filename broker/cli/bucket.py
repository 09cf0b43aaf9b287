"""`broker bucket`: configure the bucket and print the IAM policies."""

import importlib.util
import json
import sys

import click

from broker.config.background import BackgroundSettings
from broker.storage import bucket_setup
from broker.storage.bucket_setup.grant import grant, has_own_policies
from broker.storage.bucket_setup.iam import ROLES, Role, iam_policy

_HEAD_ONLY = (
    "Note: s3:GetObject is needed for HEAD and for copies. The process itself never reads an"
    " object's bytes."
)
NOTES: dict[Role, str] = {
    "api": _HEAD_ONLY,
    "worker": _HEAD_ONLY,
    "inspect": "Note: this process reads and writes objects. Give its key to no other process.",
    "read-private": (
        "Note: the API presigns downloads with this key: BROKER_PRIVATE_ACCESS_KEY_ID and"
        " BROKER_PRIVATE_SECRET_ACCESS_KEY. Give it to no other process."
    ),
}


@click.group()
def bucket() -> None:
    """Manage the bucket."""


@bucket.command()
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
def apply(dry_run: bool) -> None:
    """Create the bucket; set policy, CORS, lifecycle rules and notifications as configured.

    This needs keys of the bucket's owner or of an administrator. The API's keys are not enough.
    """
    for step in bucket_setup.apply(BackgroundSettings.load(), dry_run=dry_run):
        click.echo(f"{step.outcome.value}: {step.title}")
        if step.reason is not None:
            click.echo(f"    {step.reason}")
        for line in step.diff:
            click.echo(f"    {line}")


@bucket.command()
@click.argument("role", type=click.Choice(ROLES))
def iam(role: Role) -> None:
    """Print the IAM policy that a process needs.

    `api` is for the API, `worker` for `broker reap`, `broker consume-bucket-notifications` and
    `broker reconcile`, `inspect` for `broker worker`, and `read-private` for the second key of the
    API, which presigns downloads of private files.
    """
    click.echo(json.dumps(iam_policy(BackgroundSettings.load(), role), indent=2))
    click.echo(NOTES[role], err=True)


@bucket.command("grant")
@click.argument("role", type=click.Choice(ROLES))
@click.argument("name")
def grant_in_policy(role: Role, name: str) -> None:
    """Allow a user of the S3 server what a process needs, in the policy of the bucket.

    For versitygw, whose users have no policies of their own, NAME is the user's access key.

    Ceph reads no other policy for forms. There NAME is arn:aws:iam:::user/USER, and may send forms
    and nothing else. Only the API's user needs this, in addition to the policy of `broker bucket
    iam api`.

    Statements that name only this user are replaced, others stay.

    This needs keys of the bucket's owner or of an administrator.
    """
    if has_own_policies(name) and role != "api":
        raise click.UsageError(
            f"Only the API signs forms. Give this user the policy of `broker bucket iam {role}`."
        )
    for step in grant(BackgroundSettings.load(), role, name):
        click.echo(f"{step.outcome.value}: {step.title}")


@bucket.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("name")
def minio_user(role: Role, name: str) -> None:
    """Create a user of MinIO with the IAM policy of a process, or update the existing user.

    NAME becomes the access key, and its secret key is read from standard input: at least 8
    characters. The policy has the same name, and is the one that `broker bucket iam ROLE` prints.

    This needs the key of MinIO's root user.
    """
    settings = BackgroundSettings.load()
    if settings.s3_endpoint_url is None:
        raise click.UsageError("Set BROKER_S3_ENDPOINT_URL: on AWS, create the user with IAM.")
    if importlib.util.find_spec("minio") is None:
        raise click.ClickException("the extra minio is missing: requirements-worker.txt has it")
    # Imported here: the API's image does not have this package.
    from broker.storage.minio_users import save_user

    secret = sys.stdin.read().removesuffix("\n")
    save_user(settings.s3_endpoint_url, name=name, secret=secret, policy=iam_policy(settings, role))
    click.echo(f"saved: user {name} with the policy of {role}")
