"""The bucket's CORS rule: pages of the configured origins may upload and read the answers."""

from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.domain.s3_servers import Feature
from broker.storage.bucket_setup.aspect import Aspect, by_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RULE = "broker-uploads"
EXPOSED_HEADERS = ["ETag", "Location", "x-amz-checksum-sha256", "x-amz-version-id"]


def cors(settings: Settings) -> Aspect | None:
    """Allow these origins to send forms and parts. Return None if no origin is configured."""
    if not settings.cors_origins:
        return None
    rule = {
        "ID": RULE,
        "AllowedOrigins": list(settings.cors_origins),
        "AllowedMethods": ["POST", "PUT", "GET", "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": EXPOSED_HEADERS,
        "MaxAgeSeconds": 3000,
    }
    return Aspect(
        title=f"browsers may upload from {', '.join(settings.cors_origins)}",
        feature=Feature.CORS,
        permission="BucketCORS",
        read=_read,
        wanted=lambda found: by_id(found, [rule]),
        write=_write,
        empty=[],
    )


def _read(client: "S3Client", bucket: str) -> Any:
    return client.get_bucket_cors(Bucket=bucket).get("CORSRules", [])


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": wanted})
