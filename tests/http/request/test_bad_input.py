"""Invalid input gives one clear problem, and nothing is stored."""

from typing import Any

import pytest
from flask import Flask

from broker.db.models import Upload
from tests.http.client import Client, rows
from tests.http.uppy_calls import begin, of, open_session
from tests.http.uppy_calls import path as uppy_path


@pytest.mark.parametrize(
    "change",
    [
        {"size": 64 * 1024 * 1024 + 1},
        {"size": 0},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": 2**63},
        {"size": "1"},
        {"size": []},
        {"content_type": "image/svg+xml"},
        {"content_type": "text/html"},
        {"content_type": 1},
        {"checksum_sha256": "x"},
        {"checksum_sha256": "A" * 43 + "B"},
        {"checksum_sha256": 5},
        {"file_name": {}},
        {"file_name": 1},
        {"alt_text": "x" * 501},
        {"alt_text": 1},
        {"order": -1},
        {"order": 2**31},
        {"order": True},
        {"transport": "carrier pigeon"},
        {"unknown": 1},
    ],
)
def test_case_11_12_13_declared_badly(app: Flask, alice: Client, change: dict[str, Any]) -> None:
    ad = alice.ad()
    answer = alice.ticket(ad, **change)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert next(iter(change)) in answer.get_json()["errors"]
    assert rows(app, Upload) == 0


@pytest.mark.parametrize("field", ["file_name", "size", "checksum_sha256"])
def test_a_missing_field_is_named(alice: Client, field: str) -> None:
    answer = alice.ticket(alice.ad(), **{field: None})
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_case_23_body_over_the_limit(alice: Client) -> None:
    big = b'{"title": "' + b"x" * 70_000 + b'"}'
    answer = alice.post("/api/ads/", data=big, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


def test_case_23_wrong_media_type(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    form = alice.post(
        f"/api/ads/{ad}/upload_image/",
        data={"file_name": "x.jpg"},
        content_type="multipart/form-data",
    )
    assert (form.status_code, form.get_json()["code"]) == (415, "unsupported_media_type")
    assert "ticket" in form.get_json()["detail"]
    assert alice.post("/api/ads/", data="title=x", content_type="text/plain").status_code == 415
    assert rows(app, Upload) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b'{"title": "a", "title": "b"}',
        b'{"size": NaN}',
        b'{"size": ' + b"9" * 5000 + b"}",
        b"[" * 21 + b"]" * 21,
        b'{"title": ' * 21 + b"1" + b"}" * 21,
        b"[" * 30_000,
        b"[" * 30_000 + b"]" * 30_000,
    ],
)
def test_case_23_broken_json(alice: Client, body: bytes) -> None:
    answer = alice.post("/api/ads/", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed_json")


def test_case_23_a_batch_nested_60_000_deep_or_over_its_own_limit(alice: Client) -> None:
    path = f"/api/ads/{alice.ad()}/upload_images/"
    deep = b"[" * 60_000 + b"]" * 60_000
    answer = alice.post(path, data=deep, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed_json")
    big = b" " * (1024 * 1024 + 1)
    assert alice.post(path, data=big, content_type="application/json").status_code == 413


@pytest.mark.parametrize(
    "body", [b"[]", b"[" * 20 + b"]" * 20, b"[1]", b'"x"', b"1", b"null", b'{"size": 1e999}']
)
def test_json_that_does_not_match_the_schema(alice: Client, body: bytes) -> None:
    answer = alice.post("/api/ads/", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) in (
        (422, "validation_error"),
        (400, "malformed_json"),
    )


@pytest.mark.parametrize(
    "price", ["-1", "1.001", "NaN", "1e3", "99999999999.00", 5.5, True, "", None]
)
def test_an_invalid_price(alice: Client, price: object) -> None:
    body = {"title": "x", "description": "", "price": price}
    assert alice.post("/api/ads/", body).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/ads/?cursor=x",
        "/api/ads/?limit=0",
        "/api/ads/?limit=x",
        "/api/ads/?owner=9223372036854775808",
        "/api/ads/?is_sold=perhaps",
        "/api/ads/?unknown=1",
    ],
)
def test_an_invalid_query(anyone: Client, path: str) -> None:
    assert anyone.get(path).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/api/ads/9223372036854775808/", "/api/ads/0/", "/api/ads/x/", "/api/uploads/x/", "/no"],
)
def test_a_path_to_nothing_is_404(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 404


def test_a_method_that_is_not_offered_is_405(alice: Client) -> None:
    assert "GET" in alice.delete("/api/profiles/").headers["Allow"]


@pytest.mark.parametrize("ad_id", ["0", "01", "x", "9223372036854775808", "１"])
def test_an_invalid_id_is_404_for_every_method(alice: Client, ad_id: str) -> None:
    path = f"/api/ads/{ad_id}/"
    assert alice.get(path).status_code == 404
    assert alice.delete(path).status_code == 404
    assert alice.patch(path, {"title": "x"}).status_code == 404
    assert alice.post(f"{path}mark_sold/").status_code == 404


@pytest.mark.parametrize(("size", "status"), [(6.0, 201), (6.5, 422), (2.0**60, 422)])
def test_an_integer_may_be_written_with_a_decimal_point(
    alice: Client, size: float, status: int
) -> None:
    assert alice.ticket(alice.ad(), size=size).status_code == status


def test_a_list_far_too_long_is_refused_without_an_error_per_item(
    alice: Client, anyone: Client
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad, transport="multipart").get_json()
    session = open_session(alice, ad)
    made = begin(anyone, session)
    for path, name in [
        (f"/api/ads/{ad}/upload_images/", "files"),
        (f"/api/uploads/{ticket['id']}/parts/", "parts"),
        (uppy_path(session, of(made, "/complete")), "parts"),
    ]:
        answer = alice.post(path, {name: [0] * 20_000})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
        (fault,) = answer.get_json()["errors"][name]
        assert fault.startswith("Length must be between 1 and ")
