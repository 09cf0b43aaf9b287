"""Tickets follow the row of the S3 server: a ticket that the server would refuse is never issued.

SeaweedFS can do what all rows need, so each row is tried with it. Some rows need a second bucket.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask

from tests.http.client import JPEG, Client, declared, send, token
from tests.http.part_uploads import LARGE, PART, multipart_ticket, part, put_part, signed
from tests.http.uppy_calls import open_session, params
from tests.servers.fixtures import TWO

pytestmark = pytest.mark.parametrize(
    ("database_url", "s3_bucket"), [("sqlite", f"seaweedfs{TWO}")], indirect=True
)
ORIGIN = "https://shop.example"
NO_FORMS = "Must be one of: put, multipart. The S3 server supports no other transport."


@pytest.fixture
def on(make_app: Callable[..., Flask]) -> Callable[..., Client]:
    """Return a function that returns a seller of a broker for the server of a row."""
    return lambda row, **changes: Client(make_app(s3_server=row, **changes), token(1))


def put(ticket: dict[str, Any], data: bytes = JPEG) -> httpx.Response:
    upload = ticket["upload"]
    return httpx.put(upload["url"], content=data, headers=upload["headers"], timeout=20)


def confirmed(seller: Client, ticket: dict[str, Any]) -> dict[str, Any]:
    """Confirm an upload without inspection, and return it."""
    assert seller.post(ticket["confirm_url"]).status_code == 200
    upload: dict[str, Any] = seller.get(f"/api/uploads/{ticket['id']}/").get_json()
    return upload


def test_a_row_without_forms_is_told_to_clients_and_is_used_without_being_named(
    on: Callable[..., Client],
) -> None:
    seller = on("r2")
    profile = seller.get("/api/profiles/").get_json()["ad_image"]
    assert profile["transports"] == ["put", "multipart"]
    assert profile["default_transport"] == "put"
    ticket = seller.ticket(seller.ad()).get_json()
    assert put(ticket).status_code == 200
    assert confirmed(seller, ticket)["checksum_verified"] is True


def test_a_form_is_refused_by_its_field_where_the_server_takes_none(
    on: Callable[..., Client],
) -> None:
    seller = on("r2", return_origins=(ORIGIN,), require_checksum=False)
    ad = seller.ad()
    one = seller.ticket(ad, transport="post")
    assert one.status_code == 422
    assert one.get_json()["errors"] == {"transport": [NO_FORMS]}
    files = [declared(), declared(transport="post")]
    batch = seller.post(f"/api/ads/{ad}/upload_images/", {"files": files})
    assert batch.get_json()["errors"] == {"files": {"1": {"transport": [NO_FORMS]}}}
    page = seller.ticket(ad, return_url=f"{ORIGIN}/done", size=None, checksum_sha256=None)
    assert page.status_code == 422
    assert page.get_json()["errors"]["return_url"][0].startswith(
        "Must be left out: it needs a form"
    )
    uppy = params(Client(seller.app, None), open_session(seller, ad))
    assert uppy.status_code == 422
    assert NO_FORMS in uppy.get_json()["message"]


def test_a_form_of_before_the_change_of_servers_is_not_signed_again(
    on: Callable[..., Client], make_app: Callable[..., Flask]
) -> None:
    seller = on("other")
    ticket = seller.ticket(seller.ad()).get_json()
    moved = Client(make_app(s3_server="r2"), token(1))
    answer = moved.post(f"/api/uploads/{ticket['id']}/renew/")
    assert (answer.status_code, answer.get_json()["code"]) == (410, "upload_expired")


def test_a_put_has_no_header_that_the_server_refuses(on: Callable[..., Client]) -> None:
    seller = on("b2")
    ticket = seller.ticket(seller.ad()).get_json()
    assert set(ticket["upload"]["headers"]) == {
        "Content-Type",
        "Cache-Control",
        "x-amz-meta-upload-id",
    }
    assert put(ticket).status_code == 200
    assert put(ticket).status_code == 200
    assert confirmed(seller, ticket)["checksum_verified"] is False


def test_parts_have_no_digest_if_the_server_refuses_them(on: Callable[..., Client]) -> None:
    seller = on("b2", part_size=PART)
    ticket = multipart_ticket(seller)
    urls = signed(seller, ticket, [1, 2, 3])
    assert [url["headers"] for url in urls] == [{}, {}, {}]
    for url in urls:
        assert put_part(url, part(LARGE, url["part_number"])).status_code == 200
    assert seller.post(ticket["upload"]["complete_url"]).status_code == 200


@pytest.mark.parametrize(
    ("row", "verified"), [("other", True), ("swift", True), ("ceph", False), ("b2", False)]
)
def test_a_photo_is_verified_only_if_the_server_enforces_its_digest(
    on: Callable[..., Client], row: str, verified: bool
) -> None:
    seller = on(row, default_transport="put")
    ticket = seller.ticket(seller.ad()).get_json()
    assert put(ticket).status_code == 200
    assert confirmed(seller, ticket)["checksum_verified"] is verified


def test_large_files_are_not_verified_by_a_server_that_returns_no_digest(
    on: Callable[..., Client],
) -> None:
    seller = on("swift", part_size=PART)
    ticket = multipart_ticket(seller)
    for url in signed(seller, ticket, [1, 2, 3]):
        assert put_part(url, part(LARGE, url["part_number"])).status_code == 200
    assert seller.post(ticket["upload"]["complete_url"]).status_code == 200
    shown = seller.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert (shown["checksum_verified"], shown["composite_checksum_sha256"]) == (False, None)


def test_a_form_names_the_bucket_if_the_server_demands_it(on: Callable[..., Client]) -> None:
    seller = on("garage")
    ticket = seller.ticket(seller.ad()).get_json()
    assert ticket["upload"]["fields"]["bucket"] == ticket["upload"]["url"].rpartition("/")[2]
    assert send(ticket).status_code == 201
    assert confirmed(seller, ticket)["checksum_verified"] is True
