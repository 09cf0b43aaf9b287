"""`incoming/` and `private/` in a second bucket, because the first one is public as a whole."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from flask import Flask

from broker.storage import copies
from tests.http.background.test_bucket_notifications import BUCKET_SECRET, PATH, notification
from tests.http.client import JPEG, Client, send, token
from tests.http.files.private_files import PDF, PROFILES, download, owner_of
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.http.reconciling import put
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import Worker
from tests.servers.fixtures import TWO, Bucket
from tests.servers.private_key import private_key

MATRIX = pytest.mark.matrix(part="buckets")
EACH_PAIR = pytest.mark.parametrize(
    ("database_url", "s3_bucket"),
    [
        ("sqlite", f"seaweedfs{TWO}"),
        pytest.param("postgresql", f"minio{TWO}", marks=MATRIX),
    ],
    indirect=True,
)
pytestmark = EACH_PAIR


def let_anyone_read_all(bucket: Bucket) -> None:
    """Make the first bucket public as a whole, as Garage's website access does."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket.name}/*"],
    }
    boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url).put_bucket_policy(
        Bucket=bucket.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )


def sent(alice: Client, ad: int, data: bytes, **changes: Any) -> dict[str, Any]:
    """Request a ticket, and send the file by its transport."""
    answer = alice.ticket(ad, data, **changes)
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.get_json()
    upload = ticket["upload"]
    if upload["method"] == "POST":
        assert send(ticket, data).status_code == 201
    elif upload["method"] == "PUT":
        put = httpx.put(upload["url"], content=data, headers=upload["headers"], verify=False)
        assert put.status_code == 200
    else:
        put_parts(signed(alice, ticket, [1, 2, 3]))
    return ticket


def ended(alice: Client, ticket: dict[str, Any]) -> int:
    """Complete or confirm an upload; return the status."""
    url = ticket["upload"].get("complete_url", ticket["confirm_url"])
    return alice.post(url).status_code


@pytest.mark.parametrize(
    ("transport", "inspection"),
    [
        ("post", "required"),
        ("multipart", "off"),
        *(
            pytest.param(transport, inspection, marks=MATRIX)
            for transport, inspection in (
                ("post", "off"),
                ("put", "required"),
                ("put", "off"),
                ("multipart", "required"),
            )
        ),
    ],
)
def test_a_file_is_sent_to_the_second_bucket_and_published_in_the_first(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    transport: str,
    inspection: str,
) -> None:
    monkeypatch.setattr(copies, "PART_BYTES", PART)  # three parts are copied
    let_anyone_read_all(s3_bucket)
    app = make_app(inspection=inspection, part_size=PART)
    alice = Client(app, token(1))
    ad = alice.ad()
    data = LARGE if transport == "multipart" else JPEG
    ticket = sent(alice, ad, data, transport=transport)
    written = f"{s3_bucket.name}-in/incoming/{ticket['key']}"
    assert s3_bucket.all_keys() == ([] if data is LARGE else [written])
    assert httpx.get(f"{s3_bucket.server.endpoint_url}/{written}").status_code == 403

    assert ended(alice, ticket) == (202 if inspection == "required" else 200)
    if inspection == "required":
        assert Worker(app, tmp_path).run() == ["published"]
    (image,) = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert httpx.get(image["image_url"]).content == data
    reap(app)
    assert {key.rpartition("/ads/")[0] for key in s3_bucket.all_keys()} == {
        f"{s3_bucket.name}/media"
    }


def test_a_notification_counts_only_from_the_bucket_that_holds_the_key(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(bucket_notifications_secret=BUCKET_SECRET)
    alice, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    ticket = alice.ticket(alice.ad()).get_json()
    assert send(ticket).status_code == 201

    def outcomes(name: str) -> Any:
        answer = bucket.post(PATH, notification(f"incoming/{ticket['key']}", name=name))
        return answer.get_json()["outcomes"]

    assert outcomes(s3_bucket.name) == {"elsewhere": 1}
    assert outcomes(f"{s3_bucket.name}-in") == {"confirmed": 1}


def test_an_object_that_lands_late_is_found_in_the_second_bucket(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    reap(app)
    put(s3_bucket, f"incoming/{ticket['key']}")
    assert s3_bucket.all_keys() == [f"{s3_bucket.name}-in/incoming/{ticket['key']}"]
    assert reap(app).late == 1
    reap(app)
    assert s3_bucket.all_keys() == []


def test_a_private_file_stays_in_the_second_bucket(
    make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Any
) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    let_anyone_read_all(s3_bucket)
    app = make_app(profiles_file=file, inspection="required", **private_key(s3_bucket))
    order = owner_of(app, "invoice")
    key = f"private/{order.add(file_name='invoice.pdf')['image']}"
    reap(app)
    assert s3_bucket.all_keys() == [f"{s3_bucket.name}-in/{key}"]
    for name in s3_bucket.storage.buckets.each():
        unsigned = f"{s3_bucket.server.endpoint_url}/{name}/{key}"
        assert httpx.get(unsigned).status_code in (403, 404), unsigned
    (listed,) = order.client.get(f"{order.path}files/").get_json()["results"]
    assert download(listed["url"]).content == PDF


def test_readyz_reports_that_the_second_bucket_is_missing(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(s3_incoming_bucket=f"{s3_bucket.name}-nobody-made-this")
    answer = app.test_client().get("/readyz")
    assert answer.get_json()["bucket"] == "storage_denied"
