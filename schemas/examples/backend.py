"""Examples for the resources of backends and of the bucket, by the name of their schema."""

from typing import Any

from schemas.examples.api import IMAGE
from schemas.examples.values import CREATED, ERASURE_ID, KEY, SHA256, UPLOAD_ID

_EVENT: dict[str, Any] = {
    "id": "0199a0c4-6d00-7a6c-b0ff-9cf0a3a5f5c2",
    "sequence": 12,
    "type": "image.ready",
    "timestamp": CREATED,
    "data": {
        "profile": "ad_image",
        "owner": "1",
        "user": {"id": 1, "subject": "1"},
        "upload": {"id": UPLOAD_ID, "state": "confirmed", "reason": None},
        "image": {
            **IMAGE,
            "content_type": "image/jpeg",
            "size": 2397184,
            "checksum_sha256": SHA256,
        },
        "removed_urls": [],
    },
}
BACKEND: dict[str, dict[str, Any]] = {
    "Notification": {
        "s3": {
            "Records": [
                {
                    "eventName": "ObjectCreated:Post",
                    "s3": {
                        "bucket": {"name": "media-bucket"},
                        "object": {"key": f"incoming/{KEY}"},
                    },
                }
            ]
        }
    },
    "Erasure": {
        "deleting": {
            "id": ERASURE_ID,
            "state": "deleting",
            "objects": 9,
            "objects_left": 5,
            "requested_at": CREATED,
            "finished_at": None,
        }
    },
    "EventPage": {
        "image_ready": {"results": [_EVENT], "next_cursor": "9f2c41d7.12", "sequence": 12}
    },
    "AllFilesPage": {"page": {"results": [_EVENT["data"]], "next_cursor": None}},
    "Handled": {"confirmed": {"outcomes": {"confirmed": 1}}},
}
