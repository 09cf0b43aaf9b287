"""The bucket's policy: anyone may read objects below the media location, and nothing else."""

import json
from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.storage.bucket_setup.aspect import Aspect, by_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SID = "PublicReadMedia"


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
        read=_read,
        wanted=lambda found: {**found, "Statement": by_id(found["Statement"], [statement], "Sid")},
        write=_write,
        empty={"Version": "2012-10-17", "Statement": []},
        absent=frozenset({"NoSuchBucketPolicy"}),
    )


def _read(client: "S3Client", bucket: str) -> Any:
    found = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    statements = found.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {**found, "Statement": [_expand_own(statement) for statement in statements]}


def _expand_own(statement: dict[str, Any]) -> dict[str, Any]:
    """Expand our own statement: servers shorten lists of one item, and `{"AWS": "*"}`."""
    if statement.get("Sid") != SID:
        return statement
    full = dict(statement)
    for name in ("Action", "Resource"):
        if isinstance(full.get(name), str):
            full[name] = [full[name]]
    principal = full.get("Principal")
    if isinstance(principal, str):
        principal = {"AWS": principal}
    if isinstance(principal, dict) and isinstance(principal.get("AWS"), str):
        principal = {**principal, "AWS": [principal["AWS"]]}
    full["Principal"] = principal
    return full


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))
