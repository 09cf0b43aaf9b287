"""The bucket's lifecycle rules, for the case that the broker's own clean-up does not run.

Objects below `incoming/` stay for 30 days, so that a week without workers loses nothing. There are
two aspects because MinIO accepts one of the rules and refuses the other. S3 counts
days from the creation and rounds up to the next midnight UTC.
"""

from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.domain.lifetimes import longest_ticket_life
from broker.domain.object_keys import INCOMING
from broker.domain.profiles import PRIVATE
from broker.domain.s3_servers import Feature
from broker.storage.bucket_setup.aspect import NOT_SUPPORTED, Aspect, by_id
from broker.storage.buckets import bucket_names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABORT_RULE = "broker-abort-incomplete-uploads"
ABORT_INCOMING_RULE = "broker-abort-incomplete-incoming"
ABORT_PRIVATE_RULE = "broker-abort-incomplete-private"
INCOMING_RULE = "broker-expire-incoming"
INCOMING_DAYS = 30
DAY = 86400


def incoming(settings: Settings) -> Aspect:
    """Delete objects below `incoming/` that the broker did not delete itself."""
    life = int(longest_ticket_life(settings.limits).total_seconds())
    days = max(INCOMING_DAYS, whole_days(life))
    rule = {
        "ID": INCOMING_RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": f"{INCOMING}/"},
        "Expiration": {"Days": days},
    }
    return _aspect(
        f"{INCOMING}/ is emptied after {_format_days(days)}",
        Feature.EXPIRATION,
        [rule],
        NOT_SUPPORTED,
    )


def incomplete(settings: Settings, bucket: str) -> Aspect:
    """Abort multipart uploads in a bucket that the broker did not abort itself.

    Clients send parts below `incoming/`. The broker copies large objects in parts to where they are
    published.
    """
    limits = settings.limits
    # A part that is signed just before the upload expires can arrive until its URL expires.
    life = max(profile.multipart_ttl + profile.put_ttl for profile in limits.profiles)
    days = whole_days(life + limits.ticket_grace)
    prefixes = {ABORT_RULE: settings.media_location, ABORT_INCOMING_RULE: INCOMING}
    if limits.profiles.have_private:
        prefixes[ABORT_PRIVATE_RULE] = PRIVATE
    rules: list[dict[str, Any]] = [
        {
            "ID": rule_id,
            "Status": "Enabled",
            "Filter": {"Prefix": f"{prefix}/"},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
        }
        for rule_id, prefix in prefixes.items()
        if bucket_names(settings).of(f"{prefix}/") == bucket
    ]
    return _aspect(
        f"incomplete multipart uploads are aborted after {_format_days(days)}",
        Feature.ABORT_PARTS,
        rules,
        # MinIO has no such rule; it removes incomplete uploads after 24 hours by itself.
        NOT_SUPPORTED | {"InvalidArgument"},
    )


def whole_days(seconds: int) -> int:
    """Return this time in days, rounded up."""
    return -(-seconds // DAY)


def _format_days(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _aspect(
    title: str, feature: Feature, rules: list[Any], not_supported: frozenset[str]
) -> Aspect:
    return Aspect(
        title=title,
        feature=feature,
        permission="LifecycleConfiguration",
        read=_read,
        wanted=lambda found: by_id(found, rules),
        write=_write,
        empty=[],
        not_supported=not_supported,
    )


def _read(client: "S3Client", bucket: str) -> Any:
    found = client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", [])
    return [_with_filter(dict(rule)) for rule in found]


def _with_filter(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the rule in S3's present form. Older servers return Prefix instead of Filter."""
    prefix = rule.pop("Prefix", None)
    return rule if prefix is None else {"Filter": {"Prefix": prefix}, **rule}


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": wanted}
    )
