"""The bucket's notifications: the bucket reports new objects to a queue or a topic."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.domain.s3_servers import Feature
from broker.storage.bucket_setup.aspect import NOT_SUPPORTED, Aspect, by_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENTS = ["s3:ObjectCreated:*"]
EVENTBRIDGE = "eventbridge"
# SeaweedFS answers with this code. Its own webhook is configured in notification.toml.
SEAWEEDFS_ANSWER = "BucketAlreadyOwnedByYou"


def notification(settings: Settings) -> Aspect | None:
    """Return the rule that notifies BROKER_BUCKET_NOTIFICATIONS_ARN of new objects.

    It covers `incoming/`, where clients write. Without that setting there is no rule (None).
    """
    arn = settings.bucket_notifications_arn
    if arn is None:
        return None
    return Aspect(
        title=f"new objects are reported to {arn}",
        feature=Feature.NOTIFICATIONS,
        permission="BucketNotification",
        read=_read,
        wanted=lambda found: _wanted(found, arn, settings.media_location),
        write=_write,
        empty={},
        not_supported=NOT_SUPPORTED | {SEAWEEDFS_ANSWER},
    )


def _wanted(found: dict[str, Any], arn: str, location: str) -> dict[str, Any]:
    if arn == EVENTBRIDGE:
        return {**found, "EventBridgeConfiguration": {}}
    # MinIO's own targets, arn:minio:sqs::NAME:webhook, count as queues.
    kind, name = ("Topic", "TopicArn") if ":sns:" in arn else ("Queue", "QueueArn")
    rule: Mapping[str, Any] = {
        "Id": f"broker-{INCOMING}",
        name: arn,
        "Events": EVENTS,
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{INCOMING}/"}]}},
    }
    title = f"{kind}Configurations"
    # In release 0.2 clients also wrote below the location.
    old = f"broker-{location.replace('/', '-')}"
    kept = [one for one in found.get(title, []) if one.get("Id") != old]
    return {**found, title: by_id(kept, [rule], "Id")}


def _read(client: "S3Client", bucket: str) -> Any:
    found: dict[str, Any] = dict(client.get_bucket_notification_configuration(Bucket=bucket))
    found.pop("ResponseMetadata", None)
    for rules in (found.get("QueueConfigurations", []), found.get("TopicConfigurations", [])):
        for rule in rules:
            # S3 returns `Prefix` even if `prefix` was written.
            for part in rule.get("Filter", {}).get("Key", {}).get("FilterRules", []):
                part["Name"] = part["Name"].lower()
    return found


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
