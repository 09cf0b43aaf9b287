"""Bucket notifications: messages that name objects which were written to a bucket.

A notification is only a hint, so the broker checks the object with HEAD. Accepted formats: "Event
message structure" (Amazon S3; MinIO uses the same), the envelope of Amazon SNS, the events of
Amazon EventBridge, and the events of SeaweedFS's filer.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from broker.domain.errors import InvalidBucketNotification

SEAWEEDFS_BUCKETS = "/buckets/"
SEAWEEDFS_WRITES = frozenset({"create", "update"})


@dataclass(frozen=True, kw_only=True)
class ObjectCreated:
    """A written object that a notification names; `key` is the full object key."""

    bucket: str
    key: str


def objects_created(body: Any) -> list[ObjectCreated]:
    """Return the written objects that a notification names; ignore its other events.

    Raises:
        InvalidBucketNotification: the format is unknown.
    """
    if not isinstance(body, dict):
        raise InvalidBucketNotification("A notification is a JSON object.")
    if body.get("Type") == "Notification" and isinstance(body.get("Message"), str):
        return objects_created(_inner(body["Message"]))
    if isinstance(body.get("Records"), list):
        return list(_records(body["Records"]))
    if body.get("Event") == "s3:TestEvent":
        return []
    if body.get("source") == "aws.s3" and "detail-type" in body:
        return list(_eventbridge(body))
    if "event_type" in body and "key" in body:
        return list(_seaweedfs(body))
    raise InvalidBucketNotification(
        "Not a notification of S3, SNS, EventBridge, MinIO or SeaweedFS."
    )


def _inner(message: str) -> Any:
    """Return the message inside an SNS envelope. SNS never sends an envelope in an envelope."""
    try:
        inner = json.loads(message)
    except (ValueError, RecursionError):
        raise InvalidBucketNotification("The SNS envelope's Message is not JSON.") from None
    if isinstance(inner, dict) and inner.get("Type") == "Notification":
        raise InvalidBucketNotification("The SNS envelope's Message is an envelope.")
    return inner


def _records(records: list[Any]) -> Iterator[ObjectCreated]:
    for record in records:
        name = _text(record, "eventName")
        # S3 writes `ObjectCreated:Post`, MinIO `s3:ObjectCreated:Post`.
        if name.removeprefix("s3:").startswith("ObjectCreated:"):
            s3 = _part(record, "s3")
            # Encoded like a form: `+` is a space, other bytes are percent-encoded UTF-8.
            key = unquote_plus(_text(_part(s3, "object"), "key"))
            yield ObjectCreated(bucket=_text(_part(s3, "bucket"), "name"), key=key)


def _eventbridge(body: Mapping[str, Any]) -> Iterator[ObjectCreated]:
    if body["detail-type"] == "Object Created":
        detail = _part(body, "detail")
        # EventBridge does not encode keys ("EventBridge event message structure").
        yield ObjectCreated(
            bucket=_text(_part(detail, "bucket"), "name"), key=_text(_part(detail, "object"), "key")
        )


def _seaweedfs(body: Mapping[str, Any]) -> Iterator[ObjectCreated]:
    path, kind = _text(body, "key"), _text(body, "event_type")
    entry = body.get("message") if isinstance(body.get("message"), dict) else {}
    new = entry.get("new_entry") if isinstance(entry, dict) else None
    is_directory = isinstance(new, dict) and new.get("is_directory") is True
    if kind not in SEAWEEDFS_WRITES or is_directory or not path.startswith(SEAWEEDFS_BUCKETS):
        return
    bucket, _, key = path.removeprefix(SEAWEEDFS_BUCKETS).partition("/")
    if key:
        yield ObjectCreated(bucket=bucket, key=key)


def _part(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise InvalidBucketNotification(f"{name} is missing.")
    return found


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise InvalidBucketNotification(f"{name} is missing.")
    return found
