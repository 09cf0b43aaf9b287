"""What a process may do, in each bucket's own policy, for servers that read no other one.

versitygw 1.7 has no other. It ignores conditions, so the Deny statements of `iam_policy`, which are
for presigned requests only, would apply to all requests. A form needs PutObject on the bucket
itself there, whatever its key; a PUT needs it on the key.

Ceph 16 reads no other for forms, and checks their keys. Its users are ARNs in the policy of a
bucket, and get only what forms need: no Deny of their own policies counts for forms. For other
requests these policies are read.

versitygw keeps the policy in an extended attribute, for which ext4 has 4 KB. So statements have no
Sid, and those with the same actions are one.
"""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import aws_session, region_of
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.canonical import same
from broker.storage.bucket_setup.iam import Role, Statement, iam_policy
from broker.storage.bucket_setup.policy import public_read
from broker.storage.bucket_setup.reading import read
from broker.storage.bucket_setup.step import Outcome, Step, apply_one
from broker.storage.buckets import bucket_names
from broker.storage.factory import client_config
from broker.storage.translation import translate

WRITE = "s3:PutObject"


def grant(settings: Settings, role: Role, user: str) -> list[Step]:
    """Allow a user of the server what a process needs, in each bucket's policy, and nothing else.

    It replaces the statements that name only this user. Other statements stay.

    Raises:
        StorageUnavailable: the server does not answer.
        StorageDenied: it refuses these credentials, or the policy, for example because it has no
            such user.
    """
    session = aws_session()
    client = session.client(
        "s3",
        region_name=region_of(session, settings.server),
        endpoint_url=settings.s3_endpoint_url,
        config=client_config(settings),
    )
    steps = []
    for name in bucket_names(settings).each():
        aspect = _aspect(settings, role, user, name)
        try:
            found = read(client, name, aspect)
            step = apply_one(client, name, aspect, found, settings.server, dry_run=False)
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error
        if step.outcome not in (Outcome.CHANGED, Outcome.UNCHANGED):
            raise StorageDenied(f"{step.title}: {step.reason or step.outcome.value}.")
        steps.append(step)
    return steps


def _aspect(settings: Settings, role: Role, user: str, bucket: str) -> Aspect:
    principal = {"AWS": [user]}
    statements = [
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": list(actions),
            "Resource": places,
        }
        for actions, places in _by_actions(
            (one["Action"], _places(one, bucket)) for one in _allowed(settings, role, user)
        ).items()
        if places
    ]

    def wanted(found: Any) -> Any:
        others = [one for one in found["Statement"] if not same(one.get("Principal"), principal)]
        return {**found, "Statement": [*others, *statements]}

    rights = "send forms" if has_own_policies(user) else f"do what {role} needs"
    policy, title = public_read(settings), f"{user} may {rights}"
    return Aspect(
        title=title if bucket == settings.s3_bucket else f"{bucket}: {title}",
        feature=policy.feature,
        permission=policy.permission,
        read=policy.read,
        wanted=wanted,
        write=policy.write,
        empty=policy.empty,
    )


def has_own_policies(user: str) -> bool:
    """Check whether a user has policies of its own, as those of Ceph have, which are ARNs."""
    return user.startswith("arn:")


def _allowed(settings: Settings, role: Role, user: str) -> list[Statement]:
    """Return what the user must be allowed; if it has policies of its own, only forms."""
    allowed = [one for one in iam_policy(settings, role)["Statement"] if one["Effect"] == "Allow"]
    bucket = f"arn:aws:s3:::{bucket_names(settings).of(f'{INCOMING}/')}"
    if not has_own_policies(user):
        # A form of versitygw writes to the bucket itself.
        forms = {"Action": [WRITE], "Resource": [bucket]}
        return [*allowed, forms] if role == "api" else allowed
    incoming = f"{bucket}/{INCOMING}/*"
    return [
        {**one, "Resource": [incoming]}
        for one in allowed
        if WRITE in one["Action"] and incoming in one["Resource"]
    ]


def _by_actions(
    pairs: Iterable[tuple[list[str], list[str]]],
) -> dict[tuple[str, ...], list[str]]:
    """Return the places of each set of actions."""
    found: dict[tuple[str, ...], list[str]] = {}
    for actions, places in pairs:
        found.setdefault(tuple(actions), []).extend(places)
    return found


def _places(statement: Statement, bucket: str) -> list[str]:
    """Return where in this bucket the statement applies."""
    arn = f"arn:aws:s3:::{bucket}"
    return [one for one in statement["Resource"] if one == arn or one.startswith(f"{arn}/")]
