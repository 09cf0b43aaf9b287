"""A bucket with private files, and the keys of `broker bucket iam`, for attacks on these files."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
from pydantic import SecretStr

from broker.domain.object_head import PresignedPost, PresignedPut, SignedUrl
from broker.domain.post_policy import post_form
from broker.domain.put_request import PartRequest, PartsRequest, put_object_request
from broker.storage.bucket_setup.iam import iam_policy
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key, with_private_profile
from tests.servers.users import new_user

SECRET = b"%PDF-1.7 for the eyes of order 7 only"
OTHERS = b"the photo of another user"
OWN = b"the attacker's own bytes"
PRIVATE = "private/invoices/order_7/rechnung_Zt41bQ9c.pdf"
SECOND = "private/invoices/order_8/rechnung_Ab12Cd34.pdf"
INCOMING = "incoming/invoices/order_9/rechnung_Xy98Zw76.pdf"
MEDIA = "media/ads/ad_1/main_x7Kp2mQa.jpg"
# What the attacker has a ticket for.
TARGET = "incoming/ads/ad_2/main_Qw12Er34.jpg"
FILES = {PRIVATE: SECRET, SECOND: SECRET, INCOMING: OTHERS, MEDIA: OTHERS}


@dataclass
class Shop:
    """A bucket with files of several owners. `storage` has the keys of the API."""

    bucket: Bucket
    storage: S3Storage
    client: Any

    def fill(self) -> None:
        """Store the files of several owners."""
        for key, content in FILES.items():
            self.client.put_object(Bucket=self.bucket.name, Key=key, Body=content)

    def url(self, key: str = PRIVATE, *, age: timedelta = timedelta()) -> SignedUrl:
        """Return a URL as the owner of a private file gets it, or got it some time ago."""
        reader = self.storage.private_reader
        assert reader is not None
        now = datetime.now(UTC) - age
        return reader.url(key, file_name="Rechnung.pdf", content_type="application/pdf", now=now)

    def put(self) -> PresignedPut:
        """Return the attacker's PUT, without a digest, which would make it harder."""
        request = put_object_request(
            object_key=TARGET,
            content_type="image/jpeg",
            cache_control="no-store",
            size=len(OWN),
            checksum_sha256=None,
            upload_id="upload",
            acl=None,
            expires_in=300,
        )
        return self.storage.presigner.presign_put(request, datetime.now(UTC))

    def form(self) -> PresignedPost:
        """Return the attacker's form, without a digest."""
        now = datetime.now(UTC)
        form = post_form(
            object_key=TARGET,
            content_type="image/jpeg",
            cache_control="no-store",
            min_size=1,
            max_size=1024,
            checksum_sha256=None,
            upload_id="upload",
            acl=None,
            expires_at=now + timedelta(seconds=300),
        )
        return self.storage.presigner.presign_post(form, now)

    def begin(self) -> str:
        """Create the attacker's multipart upload."""
        return self.storage.multipart.create(
            TARGET,
            content_type="image/jpeg",
            cache_control="no-store",
            upload_id="upload",
            acl=None,
            sha256=False,
        )

    def part(self, multipart_id: str) -> PresignedPut:
        """Return the PUT of the attacker's only part; its size is not declared, as with Uppy."""
        request = PartsRequest(
            object_key=TARGET,
            multipart_id=multipart_id,
            parts=[PartRequest(part_number=1, size=None, checksum_sha256=None)],
            expires_in=300,
        )
        (part,) = self.storage.presigner.presign_parts(request, datetime.now(UTC))
        return part

    def stored(self) -> dict[str, bytes]:
        """Return every object of the bucket."""
        name = self.bucket.name
        keys = [one["Key"] for one in self.client.list_objects_v2(Bucket=name)["Contents"]]
        return {key: self.client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}

    def check_target(self, *answers: httpx.Response) -> None:
        """Check that no answer and not the attacker's object has another owner's bytes.

        After many such checks, `check` compares the files of the others as well.
        """
        for answer in answers:
            for content in (SECRET, OTHERS):
                assert content not in answer.content, (answer.request.method, answer.url)
        try:
            target = self.client.get_object(Bucket=self.bucket.name, Key=TARGET)
        except self.client.exceptions.NoSuchKey:
            return
        assert target["Body"].read() == OWN

    def check(self, *answers: httpx.Response) -> None:
        """Check that no answer has another owner's bytes, and that each object has its own."""
        self.check_target(*answers)
        stored = self.stored()
        assert stored.pop(TARGET, OWN) == OWN
        assert stored == FILES


def shop(bucket: Bucket, *, with_policies: bool = True) -> Shop:
    """Return a bucket with files of several owners.

    On SeaweedFS the API has an administrator's key.
    """
    server = bucket.server
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    key_id, secret = server.access_key, server.secret_key
    if server.private_key is None and with_policies:
        policy = iam_policy(with_private_profile(bucket.settings), "api")
        key_id, secret = new_user(server, policy)
    session = boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, region_name="us-east-1"
    )
    second = private_key(bucket)
    settings = bucket.settings.model_copy(
        update={
            **second,
            "private_secret_access_key": SecretStr(second["private_secret_access_key"]),
        }
    )
    made = Shop(bucket, s3_storage(settings, session), client)
    made.fill()
    return made
