"""With inspection required, each process does its work with its own policy, and nothing else.

MinIO and Ceph enforce the policies that `broker bucket iam` prints.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from flask import Flask

from broker.domain.storage_errors import ObjectNotFound, StorageDenied
from broker.storage.bucket_setup.iam import Role, iam_policy
from broker.storage.factory import object_files
from tests.http.client import JPEG, Client, send, token
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.http.reprocess.runs import cleaning, confirmed, reprocessed, results
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import Worker
from tests.servers.fixtures import TWO, Bucket
from tests.servers.parts import CEPH
from tests.servers.users import keys_of_user

INSPECTION = pytest.mark.matrix(part="inspection")
TWO_BUCKETS = pytest.param(f"minio{TWO}", marks=pytest.mark.matrix(part="buckets"))
SLOW_MINIO = pytest.param("minio", marks=INSPECTION)
EACH_SERVER = pytest.mark.parametrize("s3_bucket", ["minio", CEPH, TWO_BUCKETS], indirect=True)
SLOW_ON_MINIO = pytest.mark.parametrize("s3_bucket", [SLOW_MINIO, TWO_BUCKETS], indirect=True)
SLOW_ON_EACH_SERVER = pytest.mark.parametrize(
    "s3_bucket", [SLOW_MINIO, CEPH, TWO_BUCKETS], indirect=True
)
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONTENT = {"Body": JPEG, "ContentType": "image/jpeg"}


class Keys:
    """Keys for each role, limited by its policy."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        # A fixture of the tests sets BROKER_INSPECTION=off.
        self._settings = bucket.settings.model_copy(update={"inspection": "required"})

    def of(self, role: Role) -> dict[str, str]:
        """Return them as an environment."""
        return keys_of_user(self.bucket.server, iam_policy(self._settings, role))

    def session(self, role: Role) -> boto3.Session:
        """Return them as a session of boto3."""
        values = {name.lower(): value for name, value in self.of(role).items()}
        return boto3.Session(region_name="us-east-1", **values)

    def client(self, role: Role) -> Any:
        """Return an unrestricted S3 client with them, as an intruder has it."""
        return self.session(role).client("s3", endpoint_url=self.bucket.server.endpoint_url)


@pytest.fixture
def keys(s3_bucket: Bucket) -> Keys:
    return Keys(s3_bucket)


@pytest.fixture
def start(make_app: Callable[..., Flask], keys: Keys) -> Callable[[Role], Flask]:
    """Return a function that creates the app of a process with the keys of its role."""

    def create(role: Role) -> Flask:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in keys.of(role).items():
                environment.setenv(name, value)
            return make_app(inspection="required", part_size=PART, require_checksum=False)

    return create


@pytest.fixture
def worker(start: Callable[[Role], Flask], keys: Keys, tmp_path: Path) -> Worker:
    app = start("inspect")
    settings = app.extensions["broker"].settings
    return Worker(app, tmp_path, files=object_files(settings, keys.session("inspect")))


def refused(act: Callable[..., Any], bucket: Bucket, key: str, **arguments: Any) -> bool:
    """Check whether S3 refuses a call because of the policy."""
    try:
        act(Bucket=bucket.holding(key), Key=key, **arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"]) == "AccessDenied"
    return False


def arrived(client: Client, ad: int, **changes: Any) -> dict[str, Any]:
    """Send and confirm one photo; return its ticket."""
    ticket: dict[str, Any] = client.ticket(ad, **changes).get_json()
    upload = ticket["upload"]
    if upload["method"] == "POST":
        assert send(ticket).status_code == 201
    else:
        sent = httpx.put(upload["url"], content=JPEG, headers=upload["headers"])
        assert sent.status_code == 200
    assert client.post(ticket["confirm_url"]).status_code == 202
    return ticket


@EACH_SERVER
@ONE_DATABASE
def test_each_process_does_its_work_with_its_own_keys(
    start: Callable[[Role], Flask], worker: Worker, s3_bucket: Bucket
) -> None:
    api, reaper = start("api"), start("worker")
    alice = Client(api, token(1))
    ad = alice.ad()
    arrived(alice, ad)
    arrived(alice, ad, checksum_sha256=None)
    arrived(alice, ad, transport="put")
    parts = alice.ticket(ad, LARGE, transport="multipart").get_json()
    put_parts(signed(alice, parts, [1, 2, 3]))
    assert alice.post(parts["upload"]["complete_url"]).status_code == 202
    cancelled = arrived(alice, ad)
    assert alice.delete(f"/api/uploads/{cancelled['id']}/").status_code == 204
    assert set(worker.run()) == {"published"}
    images = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert len(images) == 4
    shown = [image["image_url"] for image in images]
    shown += [one["url"] for image in images for one in image["variants"]]
    assert {httpx.get(url).status_code for url in shown} == {200}
    assert alice.delete(f"/api/ads/{ad}/images/{images[0]['id']}/").status_code == 204
    reap(reaper)
    kept = [url for url in shown if httpx.get(url).status_code == 200]
    assert len(kept) == len(shown) * 3 / 4
    wanted = sorted(f"media/{url.partition('/media/')[2]}" for url in kept)
    assert s3_bucket.all_keys() == [f"{s3_bucket.name}/{key}" for key in wanted]


@SLOW_ON_MINIO
@pytest.mark.parametrize("role", ["api", "worker"])
def test_only_the_worker_that_inspects_writes_below_media(
    keys: Keys, s3_bucket: Bucket, role: Role
) -> None:
    client, bucket = keys.client(role), s3_bucket
    written = "incoming/ads/ad_1/main_a.jpg"
    source = {"Bucket": bucket.holding(written), "Key": written}
    client.put_object(**source, **CONTENT)
    public = "media/ads/ad_1/main_a.jpg"
    assert refused(client.put_object, bucket, public, **CONTENT)
    assert refused(client.copy_object, bucket, public, CopySource=source)
    assert refused(client.create_multipart_upload, bucket, public)
    assert refused(client.put_object, bucket, "private/invoice.pdf", **CONTENT)
    assert refused(client.get_object, bucket, "private/invoice.pdf")
    assert bucket.all_keys() == [f"{bucket.holding(written)}/{written}"]


@SLOW_ON_MINIO
def test_the_worker_reads_what_clients_sent_and_cannot_delete(
    keys: Keys, s3_bucket: Bucket, tmp_path: Path
) -> None:
    client, bucket = keys.client("inspect"), s3_bucket
    admin = boto3.client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    others = ["incoming/a.jpg", "media/a.jpg", "backups/users.sql"]
    for key in others:
        admin.put_object(Bucket=bucket.holding(key), Key=key, **CONTENT)
    for key in ("media/b.jpg", "private/b.pdf"):
        client.put_object(Bucket=bucket.holding(key), Key=key, **CONTENT)
    sent = client.get_object(Bucket=bucket.holding("incoming/"), Key="incoming/a.jpg")
    assert sent["Body"].read() == JPEG
    for key in (*others, "media/b.jpg", "private/b.pdf"):
        assert refused(client.delete_object, bucket, key), key
    assert refused(client.get_object, bucket, "backups/users.sql")
    for key in ("incoming/b.jpg", "backups/users.sql", "b.jpg"):
        assert refused(client.put_object, bucket, key, **CONTENT), key
    files = object_files(s3_bucket.settings, keys.session("inspect"))
    # A missing object is not a refusal: the worker looks for the published one then.
    with pytest.raises(ObjectNotFound):
        files.download("incoming/b.jpg", tmp_path / "b", max_bytes=1, keep=lambda: None)
    with pytest.raises(StorageDenied):
        files.download("backups/users.sql", tmp_path / "c", max_bytes=1, keep=lambda: None)


@SLOW_ON_MINIO
@ONE_DATABASE
def test_images_of_earlier_releases_are_cleaned_with_the_keys_of_the_worker(
    make_app: Callable[..., Flask], worker: Worker
) -> None:
    alice = Client(make_app(inspection="off"), token(1))
    ad = alice.ad()
    before = confirmed(alice, ad, JPEG + b"#")
    found = reprocessed(
        worker.app, worker.directory, inspect=cleaning, files=worker.files, clean=True
    )
    assert list(results(found).values()) == ["reprocessed"]
    (image,) = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    shown = [image["image_url"], *(one["url"] for one in image["variants"])]
    assert before["image_url"] not in shown
    assert [httpx.get(url).status_code for url in shown] == [200, 200, 200]


@SLOW_ON_EACH_SERVER
@ONE_DATABASE
def test_a_presigned_put_still_copies_nothing(
    start: Callable[[Role], Flask], worker: Worker, s3_bucket: Bucket
) -> None:
    alice = Client(start("api"), token(1))
    ad = alice.ad()
    published = arrived(alice, ad)
    assert worker.run() == ["published"]
    ticket = alice.ticket(ad, transport="put").get_json()
    for source in (f"media/{published['key']}", published["upload"]["fields"]["key"]):
        headers = {
            **ticket["upload"]["headers"],
            "x-amz-copy-source": f"/{s3_bucket.holding(source)}/{source}",
        }
        copied = httpx.put(ticket["upload"]["url"], content=JPEG, headers=headers)
        assert copied.status_code == 403, source
