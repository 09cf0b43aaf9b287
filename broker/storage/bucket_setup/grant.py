"""What a process may do, in each bucket's own policy, for servers whose users have no policies.

versitygw 1.7 is one. It ignores conditions, so the Deny statements of `iam_policy`, which are for
presigned requests only, would apply to all requests. A form needs PutObject on the bucket itself
there, whatever its key; a PUT needs it on the key.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import aws_session, region_of
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.canonical import same
from broker.storage.bucket_setup.iam import Role, iam_policy
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
            **statement,
            "Sid": f"{user}-{statement['Sid']}",
            "Principal": principal,
            "Resource": places,
        }
        for statement in iam_policy(settings, role)["Statement"]
        if statement["Effect"] == "Allow" and (places := _places(settings, statement, role, bucket))
    ]

    def wanted(found: Any) -> Any:
        others = [one for one in found["Statement"] if not same(one.get("Principal"), principal)]
        return {**found, "Statement": [*others, *statements]}

    policy, title = public_read(settings), f"{user} may do what {role} needs"
    return Aspect(
        title=title if bucket == settings.s3_bucket else f"{bucket}: {title}",
        feature=policy.feature,
        permission=policy.permission,
        read=policy.read,
        wanted=wanted,
        write=policy.write,
        empty=policy.empty,
    )


def _places(settings: Settings, statement: Mapping[str, Any], role: Role, bucket: str) -> list[str]:
    """Return where in this bucket the statement applies; add the bucket itself for signed forms."""
    arn = f"arn:aws:s3:::{bucket}"
    found = [one for one in statement["Resource"] if one == arn or one.startswith(f"{arn}/")]
    takes_forms = bucket == bucket_names(settings).of(f"{INCOMING}/")
    if role == "api" and takes_forms and WRITE in statement["Action"]:
        found.append(arn)
    return found
