"""A file of a private profile, from its ticket to its download, with the keys of each policy."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from broker.db.models import Image
from broker.domain.errors import BrokerError, ObjectMissing, UploadExpired
from broker.domain.grants import Action, grant
from broker.domain.object_head import PresignedPost
from broker.domain.object_keys import published_key
from broker.domain.principal import Principal
from broker.domain.storage_errors import StorageDenied
from broker.services.confirm.confirm import confirm
from broker.services.tickets.issue import FileRequest, issue
from broker.services.tickets.sign import Ticket
from broker.services.uploads import outbox
from broker.services.uploads.state import get_upload
from broker.services.work import Work
from tests.http.client import Client, token
from tests.http.part_uploads import digest
from tests.servers.fixtures import Bucket
from tests.servers.private_key import key_with_policy, private_key

PROFILES = """
[order_document]
prefix = "orders/order_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
inspection = "off"
"""
PDF = b"%PDF-1.7 a document of order A-17"
NAME = "Rechnung für Zoë.pdf"
BOTH = pytest.mark.parametrize("s3_bucket", ["seaweedfs", "minio"], indirect=True)
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CALLER = Principal(user_id=1, grants=grant("order_document", "A-17", Action.CREATE))
WANTED = FileRequest(
    file_name=NAME,
    content_type="application/pdf",
    size=len(PDF),
    checksum_sha256=digest(PDF),
)


@pytest.fixture
def app(make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path) -> Flask:
    """Return an API with a private profile and a user; on MinIO its key has the printed policy."""
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    settings: dict[str, Any] = {"profiles_file": file, **private_key(s3_bucket)}
    with key_with_policy(s3_bucket, "api", **settings):
        app = make_app(**settings)
    assert Client(app, token(1)).get("/api/users/me/").status_code == 200
    return app


def issued(work: Work) -> Ticket:
    """Issue a ticket for a document of the order A-17."""
    profile = work.limits.profiles.named("order_document")
    assert profile is not None
    (ticket,) = issue(work, profile, "A-17", [WANTED])
    return ticket


@ONE_DATABASE
@BOTH
def test_a_private_file_is_uploaded_confirmed_downloaded_and_deleted(
    app: Flask, s3_bucket: Bucket
) -> None:
    with app.extensions["broker"].work(CALLER) as work:
        ticket = issued(work)
        form = ticket.transfer
        assert isinstance(form, PresignedPost)
        assert form.fields["key"].startswith("incoming/orders/order_A-17/")
        sent = httpx.post(form.url, data=form.fields, files={"file": ("x", PDF)})
        assert sent.status_code == 201, sent.text
        image = confirm(work, ticket.upload.id)
        outbox.drain(work)
        assert isinstance(image, Image)
        key, name = published_key(work.limits, image.key), image.file_name
        (stored,) = [one.key for one in s3_bucket.storage.list_objects("")]
        assert stored == key
        assert key.startswith("private/orders/order_A-17/")
        address = f"{work.storage.presigner.bucket_url}/{key}"
        assert httpx.get(address).status_code == 403
        if s3_bucket.server.private_key is None:
            with pytest.raises(StorageDenied):
                work.storage.head(key)
        url = work.storage.private_reader.url(
            key, file_name=name, content_type=image.content_type, now=work.now
        ).url
        answer = httpx.get(url)
        assert (answer.status_code, answer.content) == (200, PDF)
        assert answer.headers["content-disposition"] == (
            'attachment; filename="Rechnung fur Zoe.pdf"; '
            "filename*=UTF-8''Rechnung%20f%C3%BCr%20Zo%C3%AB.pdf"
        )
        work.storage.delete(key)
        assert httpx.get(url).status_code == 404


@ONE_DATABASE
@pytest.mark.parametrize(
    ("s3_bucket", "error", "state"),
    [("minio", ObjectMissing, "pending"), ("seaweedfs", UploadExpired, "expired")],
    indirect=["s3_bucket"],
)
def test_a_stale_ticket_without_its_file_is_left_to_the_reaper_if_the_key_cannot_look(
    app: Flask, error: type[BrokerError], state: str
) -> None:
    """The file may have been published before a restore. On SeaweedFS the API's key can look."""
    broker = app.extensions["broker"]
    with broker.work(CALLER) as work:
        ticket = issued(work)
    late = ticket.server_time + timedelta(days=1)
    with broker.work(CALLER, now=late) as work:
        with pytest.raises(error):
            confirm(work, ticket.upload.id)
        assert get_upload(work, ticket.upload.id).state == state
