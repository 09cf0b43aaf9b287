"""What a process may do, in the bucket's own policy, for servers whose users have no policies.

versitygw 1.7 is one. It ignores conditions, so the Deny statements of `iam_policy`, which are for
presigned requests only, would apply to all requests. A form needs PutObject on the bucket itself
there, whatever its key; a PUT needs it on the key.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import aws_session, region_of
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.canonical import same
from broker.storage.bucket_setup.iam import Role, iam_policy
from broker.storage.bucket_setup.policy import public_read
from broker.storage.bucket_setup.reading import read
from broker.storage.bucket_setup.step import Outcome, Step, apply_one
from broker.storage.factory import client_config
from broker.storage.translation import translate

WRITE = "s3:PutObject"


def grant(settings: Settings, role: Role, user: str) -> Step:
    """Allow a user of the server what a process needs, in the bucket's policy, and nothing else.

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
    aspect = _aspect(settings, role, user)
    try:
        found = read(client, settings.s3_bucket, aspect)
        step = apply_one(client, settings.s3_bucket, aspect, found, settings.server, dry_run=False)
    except (ClientError, BotoCoreError) as error:
        raise translate(error) from error
    if step.outcome not in (Outcome.CHANGED, Outcome.UNCHANGED):
        raise StorageDenied(f"{step.title}: {step.reason or step.outcome.value}.")
    return step


def _aspect(settings: Settings, role: Role, user: str) -> Aspect:
    principal = {"AWS": [user]}
    statements = [
        {
            **statement,
            "Sid": f"{user}-{statement['Sid']}",
            "Principal": principal,
            "Resource": _resources(statement, role, settings.s3_bucket),
        }
        for statement in iam_policy(settings, role)["Statement"]
        if statement["Effect"] == "Allow"
    ]

    def wanted(found: Any) -> Any:
        others = [one for one in found["Statement"] if not same(one.get("Principal"), principal)]
        return {**found, "Statement": [*others, *statements]}

    policy = public_read(settings)
    return Aspect(
        title=f"{user} may do what {role} needs",
        feature=policy.feature,
        permission=policy.permission,
        read=policy.read,
        wanted=wanted,
        write=policy.write,
        empty=policy.empty,
    )


def _resources(statement: Mapping[str, Any], role: Role, bucket: str) -> list[str]:
    """Return where the statement applies; add the bucket itself if the process signs forms."""
    signs_forms = role == "api" and WRITE in statement["Action"]
    return [*statement["Resource"], *([f"arn:aws:s3:::{bucket}"] if signs_forms else [])]
