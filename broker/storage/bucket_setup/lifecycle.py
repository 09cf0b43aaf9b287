"""The bucket's lifecycle rules: a last net below the broker's own abort and outbox.

Two aspects, since MinIO takes the one and refuses the other. S3 counts days from the start and
rounds up to the next midnight UTC.
"""

from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.storage.bucket_setup.aspect import NOT_SUPPORTED, Aspect, by_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABORT_RULE = "broker-abort-incomplete-uploads"
INCOMING_RULE = "broker-expire-incoming"
DAY = 86400


def incoming(settings: Settings) -> Aspect:
    """Expire what was sent without a digest and never confirmed."""
    limits = settings.limits
    days = whole_days(max(limits.ticket_ttl, limits.put_ttl) + limits.ticket_grace)
    rule = {
        "ID": INCOMING_RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": f"{INCOMING}/"},
        "Expiration": {"Days": days},
    }
    return _aspect(f"{INCOMING}/ is emptied after {_told(days)}", rule, NOT_SUPPORTED)


def incomplete(settings: Settings) -> Aspect:
    """Abort multipart uploads that the broker has forgotten, or never knew."""
    limits = settings.limits
    # A part that is signed in the last moment keeps its upload for the life of its URL.
    days = whole_days(limits.multipart_ttl + limits.put_ttl + limits.ticket_grace)
    rule = {
        "ID": ABORT_RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": f"{settings.media_location}/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }
    return _aspect(
        f"incomplete multipart uploads are aborted after {_told(days)}",
        rule,
        # MinIO knows no such rule; it clears them after 24 hours by itself.
        NOT_SUPPORTED | {"InvalidArgument"},
    )


def whole_days(seconds: int) -> int:
    """Give the whole days that are not shorter than this."""
    return -(-seconds // DAY)


def _told(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _aspect(title: str, rule: dict[str, Any], not_supported: frozenset[str]) -> Aspect:
    return Aspect(
        title=title,
        read=_read,
        wanted=lambda found: by_id(found, [rule]),
        write=_write,
        empty=[],
        absent=frozenset({"NoSuchLifecycleConfiguration"}),
        not_supported=not_supported,
    )


def _read(client: "S3Client", bucket: str) -> Any:
    return client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": wanted}
    )
