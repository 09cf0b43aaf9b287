"""The IAM policy of each process of the broker, with the minimum permissions.

`s3:GetObject` is allowed to the API and the background processes because S3 has no separate
permission for HEAD; their client refuses GetObject itself. `s3:ListBucket` has no condition on a
prefix: a HEAD request has no prefix, and without the permission S3 answers 403 instead of 404 for a
missing object.

Clients write only below `incoming/`, with presigned requests and forms. With inspection required,
only `broker worker` writes to the key of an image, and it cannot delete. With inspection off, the
API and the background processes copy objects there.

Presigned requests and forms never read. MinIO and Ceph perform a presigned PUT with an unsigned
x-amz-copy-source header as a copy; MinIO then ignores If-None-Match. (Amazon S3 refuses such a
request according to its documentation; SeaweedFS and versitygw refuse it too.) Without the Deny
statement, a client with such a URL could copy any object that the broker may read. Ceph does not
know s3:authType and takes no notice of it, so its row adds another one.

So private files are read by presigned GETs of another key, `read-private`, which may do nothing
else. The API's key may not read them at all.
"""

from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.domain.profiles import PRIVATE
from broker.storage.buckets import bucket_names

Role = Literal["api", "worker", "inspect", "read-private"]
ROLES: tuple[Role, ...] = get_args(Role)
# The API and the background processes sign, complete, HEAD, delete and abort.
REMOVAL_ACTIONS = ["s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
OBJECT_ACTIONS = ["s3:GetObject", *REMOVAL_ACTIONS]
QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]

Statement = dict[str, Any]


def iam_policy(settings: Settings, role: Role) -> dict[str, Any]:
    """Return the IAM policy document with the minimum permissions for a role.

    `api` is the API, `worker` the reaper, the consumer of bucket notifications and
    `broker reconcile`, and `inspect` is `broker worker`. `read-private` is the second key of the
    API, which presigns GETs of private files.

    Signing makes no call to AWS, but a presigned request has only the permissions of its signer.
    So the policy allows `s3:PutObject`, and `s3:PutObjectAcl` if objects get an ACL.
    """
    private_keys = _keys(settings, PRIVATE)
    if role == "read-private":
        return _document([_allow("ReadsPrivate", ["s3:GetObject"], [private_keys])])
    objects = _of_inspection(settings) if role == "inspect" else _of_api(settings, role)
    media = _keys(settings, settings.media_location)
    buckets = [_arn(name) for name in bucket_names(settings).each()]
    statements = [
        *objects,
        _allow("Bucket", ["s3:ListBucket"], buckets),
        _deny_to_clients("ClientsWriteBelowIncoming", ["s3:PutObject"], [media, private_keys]),
        _deny_to_clients(
            "PresignedReadsNothing", ["s3:GetObject"], [f"{one}/*" for one in buckets]
        ),
    ]
    if not settings.server.policies_see_presigned:
        statements.append(_deny_copies_to(_keys(settings, INCOMING)))
    if role == "worker" and settings.bucket_notifications_queue_url is not None:
        queue = _queue_arn(settings.bucket_notifications_queue_url)
        statements.append(_allow("Events", QUEUE_ACTIONS, [queue]))
    return _document(statements)


def _of_inspection(settings: Settings) -> list[Statement]:
    """Return what `broker worker` may do with objects."""
    media, private_keys = _keys(settings, settings.media_location), _keys(settings, PRIVATE)
    public_writes, private_writes = _writes(settings.default_acl), _private_writes(settings)
    return [
        _allow("ReadsIncoming", ["s3:GetObject"], [_keys(settings, INCOMING)]),
        _allow("Publishes", ["s3:GetObject", *public_writes], [media]),
        _allow("PublishesPrivate", ["s3:GetObject", *private_writes], [private_keys]),
    ]


def _of_api(settings: Settings, role: Role) -> list[Statement]:
    """Return what the API and the background processes may do with objects."""
    media, incoming = _keys(settings, settings.media_location), _keys(settings, INCOMING)
    writable = [incoming] if settings.limits.inspects else [media, incoming]
    statements = [
        _allow("Objects", OBJECT_ACTIONS, [media, incoming]),
        _allow("Writes", _writes(settings.default_acl), writable),
    ]
    private = [profile for profile in settings.limits.profiles if profile.is_private]
    # With the key alone, `broker doctor` tries it below private/, and deletes what was written.
    if private or settings.private_access_key_id is not None:
        # `broker reconcile` sends HEADs for them; the API does not.
        actions = OBJECT_ACTIONS if role == "worker" else REMOVAL_ACTIONS
        # A confirm copies files that are not inspected.
        are_copied = not all(profile.is_inspected for profile in private)
        writes = _private_writes(settings) if are_copied else []
        statements.append(_allow("PrivateObjects", [*actions, *writes], [_keys(settings, PRIVATE)]))
    return statements


def _keys(settings: Settings, location: str) -> str:
    """Return the ARN of all objects below a location, in the bucket that holds them."""
    prefix = f"{location}/"
    return f"{_arn(bucket_names(settings).of(prefix))}/{prefix}*"


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _writes(acl: str | None) -> list[str]:
    return ["s3:PutObject", *(["s3:PutObjectAcl"] if acl else [])]


def _private_writes(settings: Settings) -> list[str]:
    """Return how private objects are written: with the ACL of objects below `incoming/`."""
    return _writes(settings.limits.incoming_acl)


def _document(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _deny_to_clients(sid: str, actions: list[str], resources: list[str]) -> Statement:
    """Deny actions to presigned requests and forms. The broker signs its own in a header."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": actions,
        "Resource": resources,
        "Condition": {"StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]}},
    }


def _deny_copies_to(keys: str) -> Statement:
    """Deny copies to keys that clients write to. The broker itself never copies there.

    The pattern matches every source, because Ceph compares it with the header as it was sent, and a
    client may write each letter of the bucket's name as %XX. MinIO refuses this pattern. With Null
    instead of StringLike, Ceph 16 would deny all other requests.
    """
    return {
        "Sid": "NothingIsCopiedToIncoming",
        "Effect": "Deny",
        "Action": ["s3:PutObject"],
        "Resource": [keys],
        "Condition": {"StringLike": {"s3:x-amz-copy-source": ["*/*"]}},
    }


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _queue_arn(url: str) -> str:
    """Return the ARN for a queue's URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME."""
    parts = urlsplit(url)
    host = (parts.hostname or "").split(".")
    region = host[1] if len(host) > 2 and host[0] == "sqs" else "*"
    account, _, name = parts.path.strip("/").partition("/")
    return f"arn:aws:sqs:{region}:{account}:{name}"
