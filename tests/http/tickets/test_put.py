"""Transport put: a raw body is written once and exactly as declared, on SeaweedFS and MinIO."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask

from broker.domain.storage_errors import ObjectNotFound
from broker.storage.bucket_setup.iam import iam_policy
from tests.http.client import EACH_SERVER, EVERYWHERE, JPEG, Client, declared, send, token
from tests.servers.fixtures import Bucket
from tests.servers.users import keys_of_user


def put(ticket: dict[str, Any], data: bytes = JPEG, **changes: str | None) -> httpx.Response:
    """Send the PUT of a ticket; a change to None removes a header."""
    upload = ticket["upload"]
    headers = {**upload["headers"], **changes}
    kept = {name: value for name, value in headers.items() if value is not None}
    return httpx.put(upload["url"], content=data, headers=kept, timeout=20)


@EVERYWHERE
def test_a_raw_body_is_uploaded_with_a_ticket_and_served_at_its_public_url(
    alice: Client, anyone: Client
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad, transport="put").get_json()
    assert ticket["upload"]["method"] == "PUT"
    assert put(ticket).status_code == 200
    image = alice.post(ticket["confirm_url"])
    assert image.status_code == 200
    public = httpx.get(anyone.get(f"/api/ads/{ad}/").get_json()["main_image_url"])
    assert public.content == JPEG
    assert public.headers["content-type"] == "image/jpeg"
    assert public.headers["cache-control"] == "public, max-age=86400"
    shown = alice.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert shown["checksum_verified"] is alice.server.proves_digests


@EVERYWHERE
def test_a_second_put_is_412_and_the_advice_is_to_confirm(alice: Client) -> None:
    ticket = alice.ticket(alice.ad(), transport="put").get_json()
    assert put(ticket).status_code == 200
    assert put(ticket).status_code == 412
    failures = f"/api/uploads/{ticket['id']}/failures/"
    for _ in range(7):
        advice = alice.post(failures, {"code": "PreconditionFailed"}).get_json()
    assert advice == {"action": "confirm"}
    renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    assert put(renewed).status_code == 412
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert put(ticket).status_code == 412


# Ceph 16 ignores digests, which a worker compares, and stores metadata that is not signed.
STORED_BY_CEPH: list[tuple[bytes, dict[str, str]]] = [
    (bytes(reversed(JPEG)), {}),
    (JPEG, {"x-amz-meta-more": "unsigned"}),
]


@EACH_SERVER
@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (JPEG + b"x", {}),
        (JPEG[:-1], {}),
        (b"", {}),
        (bytes(reversed(JPEG)), {}),
        (JPEG, {"Content-Type": "text/html"}),
        (JPEG, {"Cache-Control": "no-store"}),
        (JPEG, {"If-None-Match": None}),
        (JPEG, {"x-amz-meta-upload-id": "another"}),
        (JPEG, {"x-amz-checksum-sha256": None}),
        (JPEG, {"x-amz-meta-more": "unsigned"}),
    ],
    ids=[
        "longer",
        "shorter",
        "empty",
        "other_bytes",
        "other_type",
        "other_cache_control",
        "not_write_once",
        "other_upload_id",
        "no_digest",
        "header_more",
    ],
)
def test_anything_but_the_declared_body_is_refused(
    alice: Client, data: bytes, changes: dict[str, str | None]
) -> None:
    ticket = alice.ticket(alice.ad(), transport="put").get_json()
    answer = put(ticket, data, **changes)
    if alice.server.name == "ceph" and (data, changes) in STORED_BY_CEPH:
        assert answer.status_code == 200
        return
    assert answer.status_code in (400, 403)
    missing = alice.post(ticket["confirm_url"])
    assert (missing.status_code, missing.get_json()["code"]) == (409, "object_missing")
    assert put(ticket).status_code == 200
    assert alice.post(ticket["confirm_url"]).status_code == 200


@EACH_SERVER
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Disposition", 'attachment; filename="invoice.exe"'),
        ("Content-Encoding", "gzip"),
        ("Content-Language", "de"),
    ],
)
def test_a_photo_stored_with_another_content_type_is_rejected(
    alice: Client, s3_bucket: Bucket, name: str, value: str
) -> None:
    ticket = alice.ticket(alice.ad(), transport="put").get_json()
    # Every server stores these unsigned headers: a signature must cover only x-amz-*.
    assert put(ticket, **{name: value}).status_code == 200
    answer = alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (422, "object_mismatch")
    assert name.lower().replace("-", "_") in answer.get_json()["detail"]
    with pytest.raises(ObjectNotFound):
        s3_bucket.storage.head(f"incoming/{ticket['key']}")


@EVERYWHERE
def test_a_confirmed_photo_is_not_replaced_by_a_copy_of_another(
    make_app: Callable[..., Flask], s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    if s3_bucket.server.name in ("minio", "ceph"):
        # They copy objects if the IAM policy allows it. Their root users have no policy.
        policy = iam_policy(s3_bucket.settings, "api")
        for name, value in keys_of_user(s3_bucket.server, policy).items():
            monkeypatch.setenv(name, value)
    alice = Client(make_app(require_checksum=False), token(1))
    ad, other = alice.ad(), bytes(reversed(JPEG))
    ticket = alice.ticket(ad, transport="put").get_json()
    assert put(ticket).status_code == 200
    image = alice.post(ticket["confirm_url"]).get_json()
    second = alice.ticket(ad, other).get_json()
    assert send(second, other).status_code == 201
    assert alice.post(second["confirm_url"]).status_code == 200
    unpinned = alice.ticket(ad, other, checksum_sha256=None).get_json()  # it is promoted by a copy
    assert send(unpinned, other).status_code == 201
    assert alice.post(unpinned["confirm_url"]).status_code == 200
    source = f"/{s3_bucket.name}/media/{second['key']}"
    assert put(ticket, **{"x-amz-copy-source": source}).status_code == 403
    assert httpx.get(image["image_url"]).content == JPEG


@EACH_SERVER
def test_another_key_is_refused(alice: Client) -> None:
    ticket = alice.ticket(alice.ad(), transport="put").get_json()
    ticket["upload"]["url"] = ticket["upload"]["url"].replace("/ad_", "/ad_9", 1)
    assert put(ticket).status_code == 403


@EVERYWHERE
def test_a_put_uses_the_public_url_and_can_be_the_default_transport(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    # Clients use localhost, the broker 127.0.0.1; the signature covers the host.
    public = s3_bucket.server.endpoint_url.replace("127.0.0.1", "localhost")
    app = make_app(s3_public_url=public, default_transport="put")
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    name = s3_bucket.holding("incoming/")
    assert ticket["upload"]["url"].startswith(f"{public}/{name}/incoming/ads/")
    assert put(ticket).status_code == 200
    assert alice.post(ticket["confirm_url"]).status_code == 200


@EVERYWHERE
def test_a_put_without_a_digest_is_written_below_incoming_and_promoted(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(require_checksum=False), token(1))
    ad = alice.ad()
    ticket = alice.ticket(ad, transport="put", checksum_sha256=None).get_json()
    assert "/incoming/ads/" in ticket["upload"]["url"]
    assert put(ticket).status_code == 200
    image = alice.post(ticket["confirm_url"]).get_json()
    assert httpx.get(image["image_url"]).content == JPEG
    assert "checksum_verified" in alice.get(f"/api/uploads/{ticket['id']}/").get_json()


@EVERYWHERE
def test_an_avatar_can_be_uploaded_by_put(alice: Client) -> None:
    body = declared(transport="put")
    ticket = alice.post("/api/users/1/upload_avatar/", body).get_json()
    assert put(ticket).status_code == 200
    assert alice.post(ticket["confirm_url"]).status_code == 200
