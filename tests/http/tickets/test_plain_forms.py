"""Plain forms: a page without JavaScript declares no size, and S3 redirects back to it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from flask import Flask

from broker.db.models import Upload
from tests.http.background.test_bucket_notifications import BUCKET_SECRET, tell
from tests.http.client import EACH_SERVER, JPEG, Client, declared, rows, send, token
from tests.http.reconciling import PAST_EVERY_TICKET, reconciled
from tests.http.uploads.test_lifecycle import PAST_GRACE, gone, reap
from tests.servers.fixtures import Bucket

SHOP = "https://shop.example"
BACK = f"{SHOP}/ads/1/photos/sent/"
RELAXED = {"require_checksum": False, "return_origins": (SHOP,), "max_image_bytes": 2000}
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def relaxed(make_app: Callable[..., Flask]) -> Flask:
    """Create an app that issues forms without size and digest."""
    return make_app(**RELAXED)


@pytest.fixture
def carol(relaxed: Flask) -> Client:
    return Client(relaxed, token(1))


def plain(**changes: Any) -> dict[str, Any]:
    return declared(size=None, checksum_sha256=None, **{"return_url": BACK, **changes})


def plain_ticket(client: Client, ad: int | None = None, **changes: Any) -> dict[str, Any]:
    answer = client.post(f"/api/ads/{ad or client.ad()}/upload_image/", plain(**changes))
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.get_json()
    return ticket


@EACH_SERVER
def test_s3_redirects_the_browser_and_confirm_records_the_true_size(
    carol: Client, s3_bucket: Bucket
) -> None:
    ad = carol.ad()
    ticket = plain_ticket(carol, ad, alt_text="front view")
    fields = ticket["upload"]["fields"]
    assert fields["success_action_redirect"] == BACK
    assert "success_action_status" not in fields
    assert carol.get(f"/api/uploads/{ticket['id']}/").get_json()["size"] is None
    sent = send(ticket)
    assert sent.status_code == 303
    where = urlsplit(sent.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    assert parse_qs(where.query)["key"] == [fields["key"]]
    image = carol.post(ticket["confirm_url"])
    assert image.status_code == 200
    assert httpx.get(image.get_json()["image_url"]).content == JPEG
    upload = carol.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert (upload["size"], upload["checksum_verified"]) == (len(JPEG), False)
    assert [one["alt_text"] for one in carol.get(f"/api/ads/{ad}/").get_json()["images"]] == [
        "front view"
    ]


@EACH_SERVER
@pytest.mark.parametrize("size", [0, 2001])
def test_the_bucket_refuses_an_empty_file_and_one_over_the_limit(carol: Client, size: int) -> None:
    ticket = plain_ticket(carol)
    assert send(ticket, b"x" * size).status_code == 400
    assert carol.post(ticket["confirm_url"]).get_json()["code"] == "object_missing"
    assert send(ticket, b"x" * 2000).status_code == 303
    assert carol.post(ticket["confirm_url"]).status_code == 200


@EACH_SERVER
@pytest.mark.parametrize(
    "change",
    [
        {"success_action_redirect": "https://elsewhere.example/"},
        {"Content-Type": "text/html"},
        {"x-amz-meta-upload-id": "01990000-0000-7000-8000-000000000001"},
    ],
)
def test_redirect_type_and_id_of_a_form_cannot_be_changed(
    carol: Client, s3_bucket: Bucket, change: dict[str, str]
) -> None:
    ticket = plain_ticket(carol)
    assert send(ticket, **change).status_code == 403
    assert carol.post(ticket["confirm_url"]).status_code == 409


@EACH_SERVER
def test_a_form_sent_again_cannot_change_the_confirmed_image(relaxed: Flask, carol: Client) -> None:
    ticket = plain_ticket(carol)
    send(ticket)
    image = carol.post(ticket["confirm_url"]).get_json()
    assert send(ticket, b"other bytes").status_code == 303
    assert carol.post(ticket["confirm_url"]).get_json() == image
    assert httpx.get(image["image_url"]).content == JPEG
    reap(relaxed, PAST_GRACE)
    broker = relaxed.extensions["broker"]
    assert broker.storage.head(f"media/{ticket['key']}").content_length == len(JPEG)
    assert list(broker.storage.list_objects("incoming/")) == []


@ONLY_SQLITE
@pytest.mark.parametrize("size", [0, 2001])
def test_a_size_out_of_range_that_a_server_accepted_is_rejected(
    relaxed: Flask, carol: Client, s3_bucket: Bucket, size: int
) -> None:
    ticket = plain_ticket(carol)
    key = ticket["upload"]["fields"]["key"]
    boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url).put_object(
        Bucket=s3_bucket.name,
        Key=key,
        Body=b"x" * size,
        ContentType="image/jpeg",
        Metadata={"upload-id": ticket["id"]},
    )
    answer = carol.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (422, "object_mismatch")
    assert answer.get_json()["detail"].endswith("declared one: size.")
    assert carol.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "rejected"
    assert gone(relaxed, ticket["key"])


def test_a_renewed_form_redirects_too_and_accepts_any_size(carol: Client) -> None:
    ticket = plain_ticket(carol)
    renewed = carol.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    assert renewed["upload"]["fields"]["success_action_redirect"] == BACK
    sent = send(renewed, b"x" * 7)
    assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, BACK)
    assert carol.post(ticket["confirm_url"]).status_code == 200


@ONLY_SQLITE
def test_the_same_request_again_gets_the_same_form(relaxed: Flask, carol: Client) -> None:
    path, headers = f"/api/ads/{carol.ad()}/upload_image/", {"Idempotency-Key": "form-1"}
    first, again = (carol.post(path, plain(), headers=headers) for _ in range(2))
    assert (first.status_code, again.data) == (201, first.data)
    assert rows(relaxed, Upload) == 1


def test_the_reaper_confirms_an_arrived_plain_form_with_its_true_size(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(**RELAXED, reap="confirm")
    carol = Client(app, token(1))
    arrived, absent = plain_ticket(carol), plain_ticket(carol)
    send(arrived)
    done = reap(app, PAST_GRACE)
    assert (done.kept, done.expired) == (1, 1)
    assert carol.get(f"/api/uploads/{arrived['id']}/").get_json()["size"] == len(JPEG)
    assert carol.post(absent["confirm_url"]).get_json()["code"] == "upload_expired"


@ONLY_SQLITE
def test_a_notification_confirms_a_plain_form_and_reconcile_finds_nothing(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(**RELAXED, bucket_notifications_secret=BUCKET_SECRET)
    carol, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    ticket = plain_ticket(carol)
    send(ticket, JPEG[:99])
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"confirmed": 1}
    assert carol.get(f"/api/uploads/{ticket['id']}/").get_json()["size"] == 99
    assert reconciled(app, after=PAST_EVERY_TICKET) == []


@ONLY_SQLITE
def test_an_avatar_and_a_batch_may_use_plain_forms(carol: Client) -> None:
    avatar = carol.post("/api/users/1/upload_avatar/", plain()).get_json()
    assert send(avatar).status_code == 303
    assert carol.post(avatar["confirm_url"]).status_code == 200
    files = {"files": [plain(), declared(JPEG)]}
    answer = carol.post(f"/api/ads/{carol.ad()}/upload_images/", files)
    forms = [ticket["upload"]["fields"] for ticket in answer.get_json()["tickets"]]
    assert ["success_action_redirect" in form for form in forms] == [True, False]
    assert ["x-amz-checksum-sha256" in form for form in forms] == [False, True]


@ONLY_SQLITE
def test_a_form_without_a_redirect_answers_201_and_names_its_transport(carol: Client) -> None:
    ticket = plain_ticket(carol, return_url=None, transport="post")
    assert send(ticket).status_code == 201
    assert carol.post(ticket["confirm_url"]).status_code == 200


@ONLY_SQLITE
def test_a_pinned_form_may_redirect_and_stays_pinned(make_app: Callable[..., Flask]) -> None:
    carol = Client(
        make_app(return_origins=(SHOP,), multipart_threshold=10, default_transport="put"), token(1)
    )
    ticket = carol.ticket(carol.ad(), return_url=BACK).get_json()
    assert ticket["upload"]["fields"]["key"] == f"incoming/{ticket['key']}"
    assert send(ticket, JPEG + b"x").status_code == 400
    assert send(ticket).status_code == 303
    assert carol.post(ticket["confirm_url"]).status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("file", "fields"),
    [
        (plain(return_url=None), {"size"}),
        (plain(return_url=None, transport="put"), {"size"}),
        (plain(return_url=None, transport="multipart"), {"size"}),
        (plain(transport="put"), {"size", "transport"}),
        (declared(size=None, return_url=BACK), {"size"}),
        (declared(transport="multipart", return_url=BACK), {"transport"}),
        (declared(checksum_sha256=None, size=2001, return_url=BACK), {"size"}),
    ],
)
def test_only_an_unpinned_form_may_omit_its_size(
    relaxed: Flask, carol: Client, file: dict[str, Any], fields: set[str]
) -> None:
    answer = carol.post(f"/api/ads/{carol.ad()}/upload_image/", file)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert set(answer.get_json()["errors"]) == fields
    assert rows(relaxed, Upload) == 0


@ONLY_SQLITE
def test_if_checksums_are_required_so_is_the_size(make_app: Callable[..., Flask]) -> None:
    carol = Client(make_app(return_origins=(SHOP,)), token(1))
    answer = carol.post(f"/api/ads/{carol.ad()}/upload_image/", plain())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert answer.get_json()["errors"] == {
        "size": ["Missing: the file's length in bytes."],
        "checksum_sha256": ["Missing: the base64 SHA-256 of the file's bytes."],
    }


@ONLY_SQLITE
def test_without_allowed_origins_no_form_redirects(
    make_app: Callable[..., Flask],
) -> None:
    carol = Client(make_app(require_checksum=False, cors_origins=(SHOP,)), token(1))
    answer = carol.post(f"/api/ads/{carol.ad()}/upload_image/", plain())
    assert (answer.status_code, set(answer.get_json()["errors"])) == (422, {"return_url"})


@ONLY_SQLITE
@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/",
        "http://shop.example/",
        f"{SHOP}@elsewhere.example/",
        f"{SHOP}/?next=https://elsewhere.example/",
        f"{SHOP}/#sent",
        f"{SHOP}/sent/\r\nSet-Cookie: a=b",
        f"{SHOP}/%0d%0aSet-Cookie:a=b",
        f"{SHOP}/" + "x" * 1024,
        "",
        7,
    ],
)
def test_a_redirect_to_another_origin_is_refused_with_its_field(
    relaxed: Flask, carol: Client, url: object
) -> None:
    answer = carol.post(f"/api/ads/{carol.ad()}/upload_image/", plain(return_url=url))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert set(answer.get_json()["errors"]) == {"return_url"}
    assert rows(relaxed, Upload) == 0
