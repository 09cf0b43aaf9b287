"""The largest part plans through the API, without sending bytes."""

from collections.abc import Callable

from flask import Flask

from broker.domain.part_plan import MAX_OBJECT_BYTES, MAX_PARTS, MIB
from tests.http.client import Client, declared, token
from tests.http.part_uploads import digest


def test_an_upload_of_5_tib_can_sign_every_part_in_one_call(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(max_image_bytes=MAX_OBJECT_BYTES, quota_bytes=0), token(1))
    size = MAX_PARTS * 8 * MIB
    body = declared(size=size)
    ticket = alice.post(f"/api/ads/{alice.ad()}/upload_image/", body).get_json()
    assert ticket["upload"]["part_count"] == MAX_PARTS
    parts = [
        {"part_number": number, "checksum_sha256": digest(str(number).encode())}
        for number in range(1, MAX_PARTS + 1)
    ]
    signed = alice.post(ticket["upload"]["parts_url"], {"parts": parts})
    assert signed.status_code == 200, signed.text[:500]
    urls = signed.get_json()["parts"]
    assert [url["size"] for url in urls] == [8 * MIB] * MAX_PARTS
    assert len({url["url"] for url in urls}) == MAX_PARTS
    last = {"parts": [{"part_number": MAX_PARTS}]}
    again = alice.post(ticket["upload"]["parts_url"], last).get_json()["parts"][0]
    assert again["headers"] == {"x-amz-checksum-sha256": digest(str(MAX_PARTS).encode())}
    early = alice.post(ticket["upload"]["complete_url"])
    assert early.get_json()["errors"]["parts"] == list(range(1, MAX_PARTS + 1))

    largest = declared(size=MAX_OBJECT_BYTES)
    plan = alice.post(f"/api/ads/{alice.ad()}/upload_image/", largest).get_json()["upload"]
    assert (plan["part_size"], plan["part_count"]) == (525 * MIB, 9987)


def test_an_upload_over_5_gib_must_use_multipart(make_app: Callable[..., Flask]) -> None:
    alice = Client(make_app(max_image_bytes=MAX_OBJECT_BYTES, quota_bytes=0), token(1))
    path = f"/api/ads/{alice.ad()}/upload_image/"
    refused = alice.post(path, declared(size=5 * 1024**3 + 1, transport="put"))
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["transport"])
    assert alice.post(path, declared(size=5 * 1024**3, transport="put")).status_code == 201
