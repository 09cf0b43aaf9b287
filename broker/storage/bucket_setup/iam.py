"""The IAM policy of each process of the broker, with the minimum permissions.

`s3:GetObject` is allowed to the API and the background processes because S3 has no separate
permission for HEAD; their client refuses GetObject itself. `s3:ListBucket` has no condition on a
prefix: a HEAD request has no prefix, and without the permission S3 answers 403 instead of 404 for a
missing object.

Clients write only below `incoming/`, with presigned requests and forms. With inspection required,
only `broker worker` writes to the key of an image, and it cannot delete. With inspection off, the
API and the background processes copy objects there.

Presigned requests never read. MinIO performs a presigned PUT with an unsigned x-amz-copy-source
header as a copy, and then ignores If-None-Match. (Amazon S3 refuses such a request according to its
documentation; SeaweedFS refuses it too.) Without the Deny statement, a client with such a URL could
copy any object that the broker may read.
"""

from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from broker.config import Settings
from broker.domain.object_keys import INCOMING

Role = Literal["api", "worker", "inspect"]
ROLES: tuple[Role, ...] = get_args(Role)
# The location of objects that only presigned requests may read.
PRIVATE = "private"
# The API and the background processes sign, complete, HEAD, delete and abort.
OBJECT_ACTIONS = [
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
]
QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]

Statement = dict[str, Any]


def iam_policy(settings: Settings, role: Role) -> dict[str, Any]:
    """Return the IAM policy document with the minimum permissions for a role.

    `api` is the API, `worker` the reaper and the consumer of bucket notifications, and `inspect`
    is `broker worker`.

    Signing makes no call to AWS, but a presigned request has only the permissions of its signer.
    So the policy allows `s3:PutObject`, and `s3:PutObjectAcl` if forms carry an ACL.
    """
    bucket = f"arn:aws:s3:::{settings.s3_bucket}"
    incoming, media = f"{bucket}/{INCOMING}/*", f"{bucket}/{settings.media_location}/*"
    writes = ["s3:PutObject", *(["s3:PutObjectAcl"] if settings.default_acl else [])]
    if role == "inspect":
        published = [media, f"{bucket}/{PRIVATE}/*"]
        objects = [
            _allow("ReadsIncoming", ["s3:GetObject"], [incoming]),
            _allow("Publishes", ["s3:GetObject", *writes], published),
        ]
    else:
        writable = [incoming] if settings.limits.inspects else [media, incoming]
        objects = [
            _allow("Objects", OBJECT_ACTIONS, [media, incoming]),
            _allow("Writes", writes, writable),
        ]
    statements = [
        *objects,
        _allow("Bucket", ["s3:ListBucket"], [bucket]),
        {
            "Sid": "ClientsWriteBelowIncoming",
            "Effect": "Deny",
            "Action": ["s3:PutObject"],
            "Resource": [media],
            "Condition": {"StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]}},
        },
        {
            "Sid": "PresignedReadsNothing",
            "Effect": "Deny",
            "Action": ["s3:GetObject"],
            "Resource": [f"{bucket}/*"],
            "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}},
        },
    ]
    if role == "worker" and settings.bucket_notifications_queue_url is not None:
        queue = _queue_arn(settings.bucket_notifications_queue_url)
        statements.append(_allow("Events", QUEUE_ACTIONS, [queue]))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _queue_arn(url: str) -> str:
    """Return the ARN for a queue's URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME."""
    parts = urlsplit(url)
    host = (parts.hostname or "").split(".")
    region = host[1] if len(host) > 2 and host[0] == "sqs" else "*"
    account, _, name = parts.path.strip("/").partition("/")
    return f"arn:aws:sqs:{region}:{account}:{name}"
