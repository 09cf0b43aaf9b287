"""Transport multipart: signed in any order, resumable, confirmed by its completion."""

from collections.abc import Callable

import httpx
import pytest
from flask import Flask

from broker.db.models import UploadPart
from broker.domain.checksums import composite_sha256
from tests.http.client import EACH_SERVER, EVERYWHERE, Client, rows, token
from tests.http.part_uploads import (
    LARGE,
    MIB,
    PART,
    ask,
    digest,
    multipart_ticket,
    part,
    put_part,
    put_parts,
    signed,
)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(part_size=PART)


@EVERYWHERE
@pytest.mark.parametrize("pinned", [True, False])
def test_a_large_photo_goes_up_in_parts_and_is_confirmed_by_complete(
    app: Flask, alice: Client, pinned: bool
) -> None:
    ticket = multipart_ticket(alice)
    assert ticket["upload"] == {
        "method": "MULTIPART",
        "part_size": PART,
        "part_count": 3,
        "parts_url": f"/api/uploads/{ticket['id']}/parts/",
        "complete_url": f"/api/uploads/{ticket['id']}/complete/",
    }
    urls = signed(alice, ticket, [3, 1, 2], pinned=pinned)
    assert [url["size"] for url in urls] == [MIB, PART, PART]
    put_parts(urls)
    image = alice.post(ticket["upload"]["complete_url"])
    assert image.status_code == 200, image.text
    public = httpx.get(image.get_json()["image_url"])
    assert public.content == LARGE
    assert public.headers["content-type"] == "image/jpeg"
    assert public.headers["cache-control"] == "public, max-age=86400"
    shown = alice.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert (shown["state"], shown["checksum_sha256"]) == ("confirmed", digest(LARGE))
    assert shown["checksum_verified"] is False
    composite = composite_sha256(digest(part(LARGE, number)) for number in (1, 2, 3))
    is_returned = pinned and alice.server.returns_digests
    assert shown["composite_checksum_sha256"] == (composite if is_returned else None)
    assert rows(app, UploadPart) == 0
    # A repeated completion or a confirm returns the same image.
    assert alice.post(ticket["upload"]["complete_url"]).get_json() == image.get_json()
    assert alice.post(ticket["confirm_url"]).get_json() == image.get_json()


@EACH_SERVER
def test_without_a_transport_in_the_request_the_size_decides(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(multipart_threshold=1000, default_transport="put"), token(1))
    ad = alice.ad()
    methods = [
        alice.ticket(ad, b"x" * size, **named).get_json()["upload"]["method"]
        for size, named in ((1000, {}), (1001, {}), (1001, {"transport": "post"}))
    ]
    assert methods == ["PUT", "MULTIPART", "POST"]


@EVERYWHERE
def test_arrived_parts_are_listed_and_the_rest_can_be_sent_with_only_the_id(alice: Client) -> None:
    ticket = multipart_ticket(alice)
    path = f"/api/uploads/{ticket['id']}/parts/"
    before = alice.get(path).get_json()
    assert (before["parts"], before["missing"]) == ([], [1, 2, 3])
    put_parts(signed(alice, ticket, [2]))
    progress = alice.get(path).get_json()
    assert [(p["part_number"], p["size"]) for p in progress["parts"]] == [(2, PART)]
    assert progress["missing"] == [1, 3]
    assert (progress["size"], progress["part_size"]) == (len(LARGE), PART)
    early = alice.post(progress["complete_url"])
    assert (early.status_code, early.get_json()["code"]) == (409, "parts_missing")
    assert early.get_json()["errors"]["parts"] == [1, 3]
    put_parts(signed(alice, ticket, progress["missing"]))
    assert alice.get(path).get_json()["missing"] == []
    assert alice.post(progress["complete_url"]).status_code == 200


@EVERYWHERE
def test_a_part_with_other_bytes_than_signed_is_refused(alice: Client) -> None:
    ticket = multipart_ticket(alice)
    first, last = signed(alice, ticket, [1, 3])
    data = part(LARGE, 1)
    assert put_part(first, data + b"x").status_code == 403
    assert put_part(first, data[:-1]).status_code == 403
    if alice.server.proves_digests:
        assert put_part(first, bytes(reversed(data))).status_code == 400
    assert put_part({**first, "headers": {}}, data).status_code in (400, 403)
    elsewhere = {**first, "url": first["url"].replace("partNumber=1&", "partNumber=2&")}
    assert put_part(elsewhere, data).status_code == 403
    assert put_part(last, data).status_code == 403
    assert alice.get(f"/api/uploads/{ticket['id']}/parts/").get_json()["parts"] == []
    assert put_part(first, data).status_code == 200
    assert put_part(first, data).status_code == 200
    assert alice.get(f"/api/uploads/{ticket['id']}/parts/").get_json()["missing"] == [2, 3]


@EACH_SERVER
@pytest.mark.parametrize(
    ("numbers", "field"),
    [([0], "part_number"), ([4], "part_number"), ([10_000], "part_number"), ([1, 1], "parts")],
)
def test_part_numbers_beyond_the_plan_or_twice_are_422(
    alice: Client, numbers: list[int], field: str
) -> None:
    ticket = multipart_ticket(alice)
    refused = ask(alice, ticket, numbers, pinned=False)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "validation_error")
    assert field in refused.text
    too_high = ask(alice, ticket, [10_001], pinned=False)
    assert (too_high.status_code, too_high.get_json()["code"]) == (422, "validation_error")
    put_parts(signed(alice, ticket, [1, 2, 3]))
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200


@EACH_SERVER
def test_digests_are_required_for_all_parts_or_none_and_never_change(alice: Client) -> None:
    pinned = multipart_ticket(alice)
    put_parts(signed(alice, pinned, [1]))
    assert ask(alice, pinned, [2], pinned=False).status_code == 422
    other = {"parts": [{"part_number": 1, "checksum_sha256": digest(b"other")}]}
    assert alice.post(pinned["upload"]["parts_url"], other).status_code == 422
    # A known digest does not have to be sent again.
    again = signed(alice, pinned, [1], pinned=False)
    assert again[0]["headers"] == {"x-amz-checksum-sha256": digest(part(LARGE, 1))}
    garbled = {"parts": [{"part_number": 2, "checksum_sha256": "x"}]}
    assert alice.post(pinned["upload"]["parts_url"], garbled).status_code == 422

    free = multipart_ticket(alice)
    put_parts(signed(alice, free, [1], pinned=False))
    assert ask(alice, free, [2]).status_code == 422


@EVERYWHERE
def test_the_multipart_id_of_s3_appears_only_in_urls(app: Flask, alice: Client) -> None:
    ticket = multipart_ticket(alice)
    urls = signed(alice, ticket, [1])
    with app.extensions["broker"].database.session() as session:
        kept = session.connection().exec_driver_sql("SELECT multipart_id FROM uploads").scalar()
    assert kept
    assert "uploadId=" in urls[0]["url"]
    for answer in (
        alice.get(f"/api/uploads/{ticket['id']}/"),
        alice.get(f"/api/uploads/{ticket['id']}/parts/"),
        alice.post(f"/api/uploads/{ticket['id']}/renew/"),
    ):
        assert answer.status_code == 200
        assert kept not in answer.text


@EVERYWHERE
def test_renew_extends_the_same_part_plan(alice: Client) -> None:
    ticket = multipart_ticket(alice)
    put_parts(signed(alice, ticket, [1]))
    renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    assert renewed["upload"] == ticket["upload"]
    assert renewed["expires_at"] > ticket["expires_at"]
    put_parts(signed(alice, renewed, [2, 3]))
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200


@EACH_SERVER
def test_parts_of_another_user_or_another_transport_are_refused(alice: Client, bob: Client) -> None:
    ticket = multipart_ticket(alice)
    single = alice.ticket(alice.ad()).get_json()
    for path, method in (("parts", "GET"), ("parts", "POST"), ("complete", "POST")):
        body = {"json": {"parts": [{"part_number": 1}]}} if method == "POST" else {}
        foreign = bob.call(method, f"/api/uploads/{ticket['id']}/{path}/", **body)
        assert foreign.status_code == 404
        none = alice.call(method, f"/api/uploads/{single['id']}/{path}/", **body)
        assert (none.status_code, none.get_json()["code"]) == (409, "not_multipart")
        unknown = alice.call(method, f"/api/uploads/{single['id'][:-4]}0000/{path}/", **body)
        assert unknown.status_code == 404
