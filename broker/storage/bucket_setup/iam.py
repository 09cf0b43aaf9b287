"""The IAM policies of those who run parts of the broker: each may do what it does, and no more.

`s3:GetObject` is there because S3 has no permission for HEAD alone; the broker's client refuses
GetObject itself. `s3:ListBucket` has no condition on a prefix: HEAD names none, and without the
permission S3 answers 403 instead of 404 for an object that is not there.

What is presigned may write and never read. MinIO carries out a presigned PUT that comes with
x-amz-copy-source as a copy, although that header is not signed (Amazon S3 refuses it, by its
documentation; SeaweedFS does), and heeds no If-None-Match then: within the URL's hour its holder
could replace a confirmed photo by any other object that the broker may read.
"""

from typing import Any, Literal
from urllib.parse import urlsplit

from broker.config import Settings
from broker.domain.object_keys import INCOMING

Role = Literal["api", "worker"]
# What the API and its workers both do: sign and complete, HEAD and promote, delete, abort.
OBJECT_ACTIONS = [
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
]
QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]


def iam_policy(settings: Settings, role: Role) -> dict[str, Any]:
    """Give the least that a role needs, as an IAM policy document.

    Signing asks nothing of AWS, but what was signed is allowed only as far as the signer is:
    hence `s3:PutObject`, and `s3:PutObjectAcl` where forms carry an ACL.
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
    """Give the ARN of a queue's URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME."""
    parts = urlsplit(url)
    host = (parts.hostname or "").split(".")
    region = host[1] if len(host) > 2 and host[0] == "sqs" else "*"
    account, _, name = parts.path.strip("/").partition("/")
    return f"arn:aws:sqs:{region}:{account}:{name}"
