"""A bucket in this process that enforces a form's policy, for histories by the thousand.

It stands beside the real servers and never for them: what S3 does is shown on those.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.errors import ObjectNotFound, PreconditionFailed
from broker.domain.object_head import ListedObject, ObjectHead, PresignedPost
from broker.storage.presigner import S3Presigner
from broker.storage.sigv4 import Credentials

SIGNED_BESIDE = {"policy", "x-amz-signature"}


def policy_of(form: PresignedPost) -> dict[str, Any]:
    """Read a form's policy, as S3 does."""
    policy: dict[str, Any] = json.loads(base64.b64decode(form.fields["policy"]))
    return policy


def end_of(form: PresignedPost) -> datetime:
    """Tell from when on S3 refuses a form."""
    return datetime.fromisoformat(policy_of(form)["expiration"])


@dataclass(frozen=True)
class Stored:
    data: bytes
    head: ObjectHead


class FakeBucket:
    """The part of `Storage` that forms need; without multipart uploads."""

    bucket = "media-bucket"
    media_url = "http://bucket.example/media"

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.presigner = S3Presigner(
            bucket=self.bucket,
            region="us-east-1",
            credentials=lambda: Credentials(access_key_id="AKID", secret_access_key="x" * 40),
            bucket_url="http://bucket.example",
        )

    @property
    def multipart(self) -> Any:
        raise AssertionError("no history has parts")

    def head(self, key: str) -> ObjectHead:
        if key not in self.objects:
            raise ObjectNotFound(key)
        return self.objects[key].head

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def copy(self, source_key: str, key: str, *, if_match: str) -> str:
        if self.head(source_key).etag != if_match:
            raise PreconditionFailed(source_key)
        self.objects[key] = self.objects[source_key]
        return if_match

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        raise AssertionError("no history lists")

    def check(self) -> None:
        """It is there."""

    def post(self, form: PresignedPost, data: bytes, now: datetime) -> bool:
        """Take a form as S3 does; False where its policy refuses it."""
        if now >= end_of(form):
            return False
        fields = {k: v for k, v in form.fields.items() if k not in SIGNED_BESIDE}
        for condition in policy_of(form)["conditions"]:
            if isinstance(condition, list):
                _, low, high = condition
                if not low <= len(data) <= high:
                    return False
            else:
                ((name, value),) = condition.items()
                if name != "bucket" and fields.pop(name) != value:
                    return False
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        pinned = form.fields.get("x-amz-checksum-sha256")
        if fields or pinned not in (None, digest):
            return False
        self.put(form.fields["key"], data, form.fields, pinned)
        return True

    def put(self, key: str, data: bytes, fields: dict[str, str], pinned: str | None) -> None:
        """Write an object, whoever it is that does."""
        head = ObjectHead(
            content_length=len(data),
            content_type=fields.get("Content-Type", "binary/octet-stream"),
            etag=hashlib.md5(data).hexdigest(),
            checksum_sha256=pinned,
            metadata={"upload-id": fields.get("x-amz-meta-upload-id", "")},
        )
        self.objects[key] = Stored(data, head)
