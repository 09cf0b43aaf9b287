"""What an ability is tried with: a bucket, signed requests, and answers in a few words."""

import base64
import functools
import hashlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
from botocore.exceptions import ClientError
from pydantic import SecretStr

from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.post_policy import post_form
from broker.domain.put_request import PartRequest, PartsRequest, put_object_request
from broker.storage.factory import s3_storage
from broker.storage.private_reader import PrivateReader
from broker.storage.s3 import S3Storage
from tests.servers.fixtures import Bucket
from tests.servers.reused import admin_of

DATA = b"\xff\xd8\xff\xe0" + b"a photo" * 100
OTHER = bytes(reversed(DATA))
SECONDS = timedelta(seconds=1)
SPENT = -301 * SECONDS  # URLs live 300 seconds


@dataclass
class Trial:
    """A bucket on one server. Each call of `key` returns a key that nothing uses yet.

    `session` has the keys of a user. None: those of an administrator. `sessions` are those of
    roles, so that each role has one user.
    """

    bucket: Bucket
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    session: boto3.Session | None = None
    sessions: dict[str, boto3.Session] = field(default_factory=dict)

    @property
    def storage(self) -> S3Storage:
        return self.bucket.storage

    @functools.cached_property
    def admin(self) -> Any:
        """An unrestricted S3 client with an administrator's keys."""
        server = self.bucket.server
        return admin_of(server.endpoint_url, server.access_key, server.secret_key)

    @functools.cached_property
    def client(self) -> Any:
        """An unrestricted S3 client with the keys of the session."""
        if self.session is None:
            return self.admin
        return self.session.client("s3", endpoint_url=self.bucket.server.endpoint_url)

    @property
    def private_reader(self) -> PrivateReader:
        """What presigns GETs, with an administrator's key."""
        server = self.bucket.server
        keys = {
            "private_access_key_id": server.access_key,
            "private_secret_access_key": SecretStr(server.secret_key),
        }
        reader = s3_storage(self.bucket.settings.model_copy(update=keys)).private_reader
        assert reader is not None
        return reader

    def key(self, folder: str = "media/ads/ad_1") -> str:
        return f"{folder}/photo_{next(self.numbers)}.jpg"

    def form(
        self, key: str, expires_in: timedelta = 300 * SECONDS, **changes: Any
    ) -> PresignedPost:
        """Return a form as the broker signs it."""
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "object_key": key,
            "content_type": "image/jpeg",
            "cache_control": "public",
            "min_size": len(DATA),
            "max_size": len(DATA),
            "checksum_sha256": digest(DATA),
            "upload_id": "u",
            "acl": None,
            "expires_at": now + expires_in,
        }
        return self.storage.presigner.presign_post(post_form(**{**values, **changes}), now)

    def put(self, key: str, age: timedelta = timedelta(), sha256: bool = True) -> PresignedPut:
        """Return a presigned PUT as the broker signs it."""
        request = put_object_request(
            object_key=key,
            content_type="image/jpeg",
            cache_control="public",
            size=len(DATA),
            checksum_sha256=digest(DATA) if sha256 else None,
            upload_id="u",
            acl=None,
            expires_in=300,
        )
        return self.storage.presigner.presign_put(request, datetime.now(UTC) + age)

    def begin(self, key: str, sha256: bool = True) -> str:
        """Create a multipart upload; return its id."""
        return self.storage.multipart.create(
            key,
            content_type="image/jpeg",
            cache_control="public",
            upload_id="u",
            acl=None,
            sha256=sha256,
        )

    def part(
        self, key: str, multipart_id: str, number: int, data: bytes, sha256: bool = True
    ) -> PresignedPut:
        """Return the presigned PUT of one part."""
        pinned = digest(data) if sha256 else None
        wanted = [PartRequest(part_number=number, size=len(data), checksum_sha256=pinned)]
        request = PartsRequest(
            object_key=key, multipart_id=multipart_id, parts=wanted, expires_in=300
        )
        (signed,) = self.storage.presigner.presign_parts(request, datetime.now(UTC))
        return signed

    def store(self, key: str, data: bytes = DATA, **arguments: Any) -> str:
        """Store an object; return its ETag."""
        stored = self.admin.put_object(Bucket=self.bucket.name, Key=key, Body=data, **arguments)
        return str(stored["ETag"])

    def bytes_of(self, key: str) -> bytes:
        """Return an object's bytes."""
        found: bytes = self.admin.get_object(Bucket=self.bucket.name, Key=key)["Body"].read()
        return found

    def is_stored(self, key: str) -> bool:
        found = self.admin.list_objects_v2(Bucket=self.bucket.name, Prefix=key)
        return bool(found.get("Contents"))


Ability = Callable[[Trial], str]


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def send(form: PresignedPost, data: bytes = DATA, **changes: str) -> httpx.Response:
    """Send a form with changed fields; a field without a value is left out."""
    fields = {name: value for name, value in {**form.fields, **changes}.items() if value}
    files = {"file": ("x", data)}
    return httpx.post(form.url, data=fields, files=files, timeout=20, verify=False)


def put(
    signed: PresignedPut, data: bytes = DATA, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a presigned PUT with changed headers; a header without a value is left out."""
    changed = {**signed.headers, **(headers or {})}
    kept = {name: value for name, value in changed.items() if value}
    return httpx.put(signed.url, content=data, headers=kept, timeout=20, verify=False)


def said(answer: httpx.Response) -> str:
    """Return the status, and the code of an error."""
    code = re.search(r"<Code>(\w+)</Code>", answer.text)
    return f"{answer.status_code} {code[1]}" if code else str(answer.status_code)


def said_why(answer: httpx.Response) -> str:
    """Return the status, the code and the message."""
    message = re.search(r"<Message>([^<]+)</Message>", answer.text)
    return f'{said(answer)}, "{message[1].rstrip(".")}"' if message else said(answer)


def refusal(act: Callable[[], Any]) -> str:
    """Return the status and the code of what boto3 raises; an empty text if it raises nothing."""
    try:
        act()
    except ClientError as error:
        status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]
        named = "" if code["Code"] == str(status) else code["Code"]
        return f"{status} {named}".strip()
    return ""


def each(*answers: str) -> str:
    """Return what the answers have in common, or all of them."""
    return ", ".join(dict.fromkeys(answers))
