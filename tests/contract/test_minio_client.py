"""An independent client, the minio package, sees on each server what the broker wrote there.

The package signs, encodes and parses by itself. It has no calls for CORS rules.
"""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from minio import Minio
from minio.datatypes import Object, PostPolicy
from moto.server import ThreadedMotoServer

from broker.domain.checksums import composite_sha256
from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.domain.post_policy import post_form
from broker.domain.put_request import PartRequest, PartsRequest, put_object_request
from broker.domain.s3_servers import Feature
from broker.storage import bucket_setup
from broker.storage.bucket_setup.policy import SID
from tests.http.part_uploads import PART, digest
from tests.servers import S3Server
from tests.servers.fixtures import Bucket, make_bucket

DATA = b"\xff\xd8\xff\xe0" + b"a photo" * 100
KEY = "incoming/ads/ad_1/main_Zt41bQ9c.jpg"
CACHE_CONTROL = "public, max-age=86400"
DECLARED = {"content_type": "image/jpeg", "cache_control": CACHE_CONTROL, "upload_id": "u-1"}

# It asks for the time in a way that Python 3.12 deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def client_of(server: S3Server) -> Minio:
    return Minio(
        endpoint=urlsplit(server.endpoint_url).netloc,
        access_key=server.access_key,
        secret_key=server.secret_key,
        secure=False,
        region="us-east-1",
    )


@pytest.fixture
def client(any_bucket: Bucket) -> Minio:
    return client_of(any_bucket.server)


def write_by_form(bucket: Bucket) -> None:
    now = datetime.now(UTC)
    form = post_form(
        object_key=KEY,
        min_size=len(DATA),
        max_size=len(DATA),
        checksum_sha256=digest(DATA),
        acl=None,
        expires_at=now + timedelta(seconds=300),
        **DECLARED,
    )
    post = bucket.storage.presigner.presign_post(form, now)
    assert httpx.post(post.url, data=post.fields, files={"file": ("x", DATA)}).status_code == 201


def write_by_put(bucket: Bucket) -> None:
    request = put_object_request(
        object_key=KEY,
        size=len(DATA),
        checksum_sha256=digest(DATA),
        acl=None,
        expires_in=300,
        **DECLARED,
    )
    put = bucket.storage.presigner.presign_put(request, datetime.now(UTC))
    assert httpx.put(put.url, content=DATA, headers=put.headers).status_code == 200


def seen(client: Minio, bucket: Bucket, key: str = KEY) -> Object:
    mode = {"x-amz-checksum-mode": "ENABLED"}
    return client.stat_object(bucket.name, key, extra_headers=mode)


def by_broker(head: ObjectHead) -> tuple[object, ...]:
    return (
        head.content_length,
        head.content_type,
        head.etag,
        head.checksum_sha256,
        head.metadata["upload-id"],
        head.last_modified,
    )


def by_client(found: Object) -> tuple[object, ...]:
    headers = found.metadata or {}
    return (
        found.size,
        found.content_type,
        found.etag,
        headers.get("x-amz-checksum-sha256"),
        headers.get("x-amz-meta-upload-id"),
        found.last_modified,
    )


def content(client: Minio, bucket: Bucket, key: str = KEY) -> bytes:
    answer = client.get_object(bucket.name, key)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


@pytest.mark.parametrize("write", [write_by_form, write_by_put])
def test_the_client_sees_an_upload_as_the_broker_does(
    any_bucket: Bucket, client: Minio, write: Callable[[Bucket], None]
) -> None:
    write(any_bucket)
    found = seen(client, any_bucket)
    assert by_client(found) == by_broker(any_bucket.storage.head(KEY))
    assert found.metadata is not None
    server = any_bucket.settings.server
    if write is write_by_put or server.form_keeps_headers:
        assert found.metadata["cache-control"] == CACHE_CONTROL
    stored = found.metadata.get("x-amz-checksum-sha256")
    assert stored == (digest(DATA) if server.returns_digests else None)
    assert content(client, any_bucket) == DATA


def test_the_client_sees_an_upload_in_parts_as_the_broker_does(
    any_bucket: Bucket, client: Minio
) -> None:
    storage, data = any_bucket.storage, {1: b"a" * PART, 2: b"b" * 1000}
    multipart_id = storage.multipart.create(KEY, acl=None, sha256=True, **DECLARED)
    request = PartsRequest(
        object_key=KEY,
        multipart_id=multipart_id,
        parts=[
            PartRequest(part_number=number, size=len(part), checksum_sha256=digest(part))
            for number, part in data.items()
        ],
        expires_in=300,
    )
    parts = []
    for number, put in enumerate(storage.presigner.presign_parts(request, datetime.now(UTC)), 1):
        answer = httpx.put(put.url, content=data[number], headers=put.headers)
        etag, pinned = answer.headers["etag"].strip('"'), digest(data[number])
        parts.append(
            UploadedPart(
                part_number=number, size=len(data[number]), etag=etag, checksum_sha256=pinned
            )
        )
    storage.multipart.complete(KEY, multipart_id, parts)
    found = seen(client, any_bucket)
    assert by_client(found) == by_broker(storage.head(KEY))
    assert found.metadata is not None
    composite = composite_sha256(digest(part) for part in data.values())
    stored = found.metadata.get("x-amz-checksum-sha256")
    assert stored == (composite if any_bucket.settings.server.returns_digests else None)
    assert content(client, any_bucket) == data[1] + data[2]


def test_the_client_sees_a_published_copy_with_the_properties_of_its_source(
    any_bucket: Bucket, client: Minio
) -> None:
    write_by_form(any_bucket)
    source = any_bucket.storage.head(KEY)
    any_bucket.storage.copy(KEY, "media/copy.jpg", source=source, cache_control=CACHE_CONTROL)
    found = seen(client, any_bucket, "media/copy.jpg")
    assert by_client(found)[:5] == by_broker(source)[:5]
    assert content(client, any_bucket, "media/copy.jpg") == DATA


def test_the_broker_sees_an_object_of_the_client_as_the_client_does(
    any_bucket: Bucket, client: Minio
) -> None:
    name = "incoming/a b+ü~(1)'*.jpg"
    client.put_object(
        bucket_name=any_bucket.name,
        object_name=name,
        data=io.BytesIO(DATA),
        length=len(DATA),
        content_type="image/jpeg",
        metadata={"upload-id": "u-1"},
    )
    assert by_broker(any_bucket.storage.head(name)) == by_client(seen(client, any_bucket, name))
    listed = {item.key: (item.size, item.etag) for item in any_bucket.storage.list_objects("")}
    theirs = client.list_objects(any_bucket.name, recursive=True)
    assert listed == {item.object_name: (item.size, item.etag) for item in theirs}
    assert name in listed


def policy_of_minio(bucket: Bucket) -> PostPolicy:
    """Return the policy of `write_by_form`, with the conditions in the package's own form."""
    policy = PostPolicy(bucket.name, datetime.now(UTC) + timedelta(seconds=300))
    for name, value in fields().items():
        policy.add_equals_condition(name, value)
    policy.add_content_length_range_condition(len(DATA), len(DATA))
    return policy


def fields() -> dict[str, str]:
    return {
        "key": KEY,
        "Content-Type": "image/jpeg",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": digest(DATA),
        "x-amz-meta-upload-id": "u-1",
    }


@pytest.mark.parametrize("is_other", [False, True], ids=["as signed", "other bytes"])
def test_a_form_that_the_client_signs_is_enforced_like_ours(
    any_bucket: Bucket, client: Minio, is_other: bool
) -> None:
    form = {**fields(), **client.presigned_post_policy(policy_of_minio(any_bucket))}
    data = bytes(reversed(DATA)) if is_other else DATA
    answer = httpx.post(
        f"{any_bucket.server.endpoint_url}/{any_bucket.name}", data=form, files={"file": data}
    )
    is_refused = is_other and any_bucket.settings.server.proves_digests
    assert answer.status_code == (400 if is_refused else 204), answer.text
    assert [item.key for item in any_bucket.storage.list_objects("")] == [KEY][: not is_refused]


def test_both_clients_read_the_same_configuration_of_the_bucket(
    any_bucket: Bucket, client: Minio
) -> None:
    policy = json.loads(client.get_bucket_policy(any_bucket.name))
    (statement,) = policy["Statement"]
    assert (statement["Sid"], statement["Effect"]) == (SID, "Allow")
    assert str(statement["Resource"]).strip("[]'") == f"arn:aws:s3:::{any_bucket.name}/media/*"
    if Feature.EXPIRATION in (any_bucket.settings.server.lacks or ()):
        return
    lifecycle = client.get_bucket_lifecycle(any_bucket.name)
    assert lifecycle is not None
    rules = {rule.rule_id: rule for rule in lifecycle.rules}
    expiring = rules["broker-expire-incoming"]
    assert expiring.rule_filter is not None
    assert expiring.rule_filter.prefix == "incoming/"
    assert expiring.expiration is not None
    assert (expiring.status, expiring.expiration.days) == ("Enabled", 30)


def test_the_client_reads_the_bucket_notifications_that_the_broker_configures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On moto: SeaweedFS has no such call, and MinIO accepts only queues of its own settings."""
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        bucket = make_bucket(S3Server(f"http://{host}:{port}", "moto", "moto", None), monkeypatch)
        topic = "arn:aws:sns:us-east-1:123456789012:t"
        boto3.Session().client("sns", endpoint_url=bucket.server.endpoint_url).create_topic(
            Name="t"
        )
        settings = bucket.settings.model_copy(update={"bucket_notifications_arn": topic})
        list(bucket_setup.apply(settings))
        (rule,) = client_of(bucket.server).get_bucket_notification(bucket.name).topic_config_list
    finally:
        moto.stop()
    assert (rule.config_id, rule.topic) == ("broker-incoming", topic)
    assert rule.events == ["s3:ObjectCreated:*"]
    assert rule.prefix_filter_rule is not None
    assert rule.prefix_filter_rule.value == "incoming/"
