"""The IAM policy of each process of the broker, with the minimum permissions.

`s3:GetObject` is allowed because S3 has no separate permission for HEAD; the broker's client
refuses GetObject itself. `s3:ListBucket` has no condition on a prefix: a HEAD request has no
prefix, and without the permission S3 answers 403 instead of 404 for a missing object.

Clients write only below `incoming/`, with presigned requests and forms. Only the broker writes to
the key of an image.

Presigned requests never read. MinIO performs a presigned PUT with an unsigned x-amz-copy-source
header as a copy, and then ignores If-None-Match. (Amazon S3 refuses such a request according to its
documentation; SeaweedFS refuses it too.) Without the Deny statement, a client with such a URL could
copy any object that the broker may read.
"""

from typing import Any, Literal
from urllib.parse import urlsplit

from broker.config import Settings
from broker.domain.object_keys import INCOMING

Role = Literal["api", "worker"]
# The API and the workers both sign, complete, HEAD, promote, delete and abort.
OBJECT_ACTIONS = [
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
]
QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]


def iam_policy(settings: Settings, role: Role) -> dict[str, Any]:
    """Return the IAM policy document with the minimum permissions for a role.

    Signing makes no call to AWS, but a presigned request has only the permissions of its signer.
    So the policy allows `s3:PutObject`, and `s3:PutObjectAcl` if forms carry an ACL.
    """
    bucket = f"arn:aws:s3:::{settings.s3_bucket}"
    actions = [*OBJECT_ACTIONS, *(["s3:PutObjectAcl"] if settings.default_acl else [])]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "Objects",
            "Effect": "Allow",
            "Action": actions,
            "Resource": [f"{bucket}/{settings.media_location}/*", f"{bucket}/{INCOMING}/*"],
        },
        {"Sid": "Bucket", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]},
        {
            "Sid": "ClientsWriteBelowIncoming",
            "Effect": "Deny",
            "Action": ["s3:PutObject"],
            "Resource": [f"{bucket}/{settings.media_location}/*"],
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
        statements.append(
            {
                "Sid": "Events",
                "Effect": "Allow",
                "Action": QUEUE_ACTIONS,
                "Resource": [_queue_arn(settings.bucket_notifications_queue_url)],
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _queue_arn(url: str) -> str:
    """Return the ARN for a queue's URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME."""
    parts = urlsplit(url)
    host = (parts.hostname or "").split(".")
    region = host[1] if len(host) > 2 and host[0] == "sqs" else "*"
    account, _, name = parts.path.strip("/").partition("/")
    return f"arn:aws:sqs:{region}:{account}:{name}"
