"""The bucket's policy: anyone may read objects below the media location, and nothing else."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broker.config import Settings
from broker.domain.s3_servers import Feature
from broker.domain.storage_errors import StorageUnavailable
from broker.storage.bucket_setup.aspect import Aspect, Unreadable, by_id
from broker.storage.bucket_setup.reading import reason, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SID = "PublicReadMedia"
# versitygw answers 500 if its file system has no room for the policy.
MAYBE_TOO_LONG = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.INSUFFICIENT_STORAGE)
EMPTY: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}


def public_read(settings: Settings) -> Aspect:
    """Allow anyone to GET an image, but not to list the bucket or to read `incoming/`."""
    statement = {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{settings.s3_bucket}/{settings.media_location}/*"],
    }
    return Aspect(
        title=f"anyone may read {settings.media_location}/*",
        feature=Feature.POLICY,
        permission="BucketPolicy",
        read=_read,
        wanted=lambda found: {**found, "Statement": by_id(found["Statement"], [statement], "Sid")},
        write=_write,
        empty=EMPTY,
    )


def _read(client: "S3Client", bucket: str) -> Any:
    text = client.get_bucket_policy(Bucket=bucket).get("Policy", "").strip()
    try:
        found = json.loads(text) if text else None
    except ValueError:
        raise Unreadable("the bucket's policy is not JSON") from None
    if found is not None and not isinstance(found, dict):
        raise Unreadable("the bucket's policy is not a JSON object")
    found = {**EMPTY, **(found or {})}
    statements = found["Statement"] or []
    return {**found, "Statement": statements if isinstance(statements, list) else [statements]}


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    text = json.dumps(wanted, separators=(",", ":"))
    try:
        client.put_bucket_policy(Bucket=bucket, Policy=text)
    except ClientError as error:
        if status_of(error) not in MAYBE_TOO_LONG:
            raise
        raise StorageUnavailable(
            f"The server does not save the policy of the bucket {bucket}, which has {len(text)}"
            f" bytes: {reason(error)}. versitygw keeps it in an extended attribute, and ext4 has"
            " room for about 3,900 bytes of policy and CORS rules: remove statements that nobody"
            " needs, or keep the objects on XFS."
        ) from error
