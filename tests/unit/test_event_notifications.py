"""All formats of bucket notifications, copied from documentation or real servers."""

import json
from typing import Any

import pytest

from broker.domain.bucket_notifications import ObjectCreated, objects_created
from broker.domain.errors import InvalidEvent

KEY = "media/ads/ad_1/é a+b.jpg"
ENCODED = "media%2Fads%2Fad_1%2F%C3%A9+a%2Bb.jpg"
CREATED = [ObjectCreated(bucket="media-bucket", key=KEY)]


def record(name: str = "ObjectCreated:Post", key: str = ENCODED) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": "media-bucket"}, "object": {"key": key, "size": 5}},
    }


def envelope(message: Any) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": text}


def eventbridge(kind: str = "Object Created") -> dict[str, Any]:
    detail = {"bucket": {"name": "media-bucket"}, "object": {"key": KEY}, "reason": "PutObject"}
    return {"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail}


def seaweedfs(path: str = f"/buckets/media-bucket/{KEY}", **entry: Any) -> dict[str, Any]:
    return {"event_type": "create", "key": path, "message": {"new_entry": {"name": "x", **entry}}}


@pytest.mark.parametrize(
    "body",
    [
        {"Records": [record()]},
        {"Records": [record("s3:ObjectCreated:Put")], "EventName": "x", "Key": "y"},
        {"Records": [record("ObjectCreated:CompleteMultipartUpload", ENCODED.replace("%2F", "/"))]},
        envelope({"Records": [record()]}),
        eventbridge(),
        envelope(eventbridge()),
        seaweedfs(),
        {**seaweedfs(), "event_type": "update"},
    ],
)
def test_a_created_object_is_parsed_from_every_format(body: dict[str, Any]) -> None:
    assert objects_created(body) == CREATED


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "media-bucket"},
        envelope({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "media-bucket"}),
        {"Records": []},
        {"Records": [record("ObjectRemoved:Delete"), record("s3:ObjectAccessed:Head")]},
        eventbridge("Object Deleted"),
        {**seaweedfs(), "event_type": "delete"},
        {**seaweedfs(), "event_type": "rename"},
        seaweedfs(is_directory=True),
        seaweedfs("/buckets/media-bucket"),
        seaweedfs("/topics/x"),
    ],
)
def test_other_notifications_contain_no_created_object(body: dict[str, Any]) -> None:
    assert objects_created(body) == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "Records",
        {},
        {"Records": "x"},
        {"Records": [None]},
        {"Records": [{"eventName": "ObjectCreated:Post"}]},
        {"Records": [record(key=5)]},  # type: ignore[arg-type]
        envelope("no json"),
        envelope("[" * 100_000),
        envelope(envelope({"Records": []})),
        {**eventbridge(), "detail": []},
        {"event_type": "create", "key": None},
        {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example"},
    ],
)
def test_an_unknown_format_is_refused(body: Any) -> None:
    with pytest.raises(InvalidEvent):
        objects_created(body)


def test_a_key_that_is_not_utf8_is_parsed_without_an_error() -> None:
    assert len(objects_created({"Records": [record(key="media/%FF%00")]})) == 1
