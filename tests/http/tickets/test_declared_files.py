"""File names, alt texts and content types as browsers and phones write them stop no photo."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.domain.object_keys import STEM_MAX
from tests.http.client import Client, declared, send
from tests.http.uppy_calls import open_session, params, path

TYPES = json.loads((Path(__file__).parents[2] / "media_types.json").read_text())["declared"]
ALIASED = [
    ("image/jpg", "photo.jpg"),
    ("image/pjpeg", "photo.bin"),
    ("IMAGE/JPEG", "photo"),
    ("image/jpeg; charset=binary", "photo"),
    ("application/octet-stream", "photo.JPG"),
    (None, "photo.jfif"),
]


@pytest.mark.parametrize("row", TYPES, ids=str)
def test_report_17_a_ticket_has_the_usual_name_of_the_declared_type(
    alice: Client, row: dict[str, Any]
) -> None:
    file = {"file_name": row["name"], "content_type": row["declared"]}
    answer = alice.ticket(alice.ad(), **file)
    if row["type"] is None:
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
        assert "content_type" in answer.get_json()["errors"]
    else:
        assert answer.status_code == 201, answer.text
        ticket = answer.get_json()
        assert ticket["upload"]["fields"]["Content-Type"] == row["type"]
        stored = alice.get(f"/api/uploads/{ticket['id']}/").get_json()
        assert stored["content_type"] == row["type"]


@pytest.mark.parametrize(("content_type", "name"), ALIASED)
def test_report_17_every_route_that_takes_a_type_resolves_it(
    alice: Client, anyone: Client, content_type: str | None, name: str
) -> None:
    ad = alice.ad()
    file = declared(file_name=name, content_type=content_type)
    answers = [
        alice.post(f"/api/ads/{ad}/upload_image/", {**file, "transport": "put"}),
        alice.post(f"/api/ads/{ad}/upload_images/", {"files": [file, file]}),
        alice.post("/api/users/1/upload_avatar/", file),
    ]
    assert [answer.status_code for answer in answers] == [201] * 3, [a.text for a in answers]
    one, batch, avatar = (answer.get_json() for answer in answers)
    assert one["upload"]["headers"]["Content-Type"] == "image/jpeg"
    for ticket in (*batch["tickets"], avatar):
        assert ticket["upload"]["fields"]["Content-Type"] == "image/jpeg"
        assert ticket["key"].endswith(".jpg")
    session = open_session(alice, ad)
    query = {"filename": name, **({} if content_type is None else {"type": content_type})}
    parameters = anyone.get(path(session, "s3/params"), query_string=query)
    assert parameters.status_code == 200, parameters.text
    assert parameters.get_json()["fields"]["Content-Type"] == "image/jpeg"
    made = anyone.post(path(session, "s3/multipart"), query)
    assert made.status_code == 200, made.text
    assert made.get_json()["key"].endswith(".jpg")


def test_report_17_a_photo_with_an_alias_becomes_an_image_of_the_usual_type(alice: Client) -> None:
    ticket = alice.ticket(alice.ad(), content_type="image/jpg").get_json()
    assert send(ticket).status_code == 201
    image = alice.post(ticket["confirm_url"])
    assert image.status_code == 200, image.text
    assert httpx.get(image.get_json()["image_url"]).headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("content_type", ["", None, "application/octet-stream"])
def test_report_17_without_a_type_and_a_known_extension_the_type_is_named(
    alice: Client, content_type: str | None
) -> None:
    answer = alice.ticket(alice.ad(), file_name="photo.exe", content_type=content_type)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["content_type"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("\u200fצילום.png", "image"),
        ("a\u202egpj.exe", "agpj"),
        ("a\x00\x1b[31m.jpg", "a-31m"),
        ("a\r\nx\x85.jpg", "ax"),
        ("a\ud800.jpg", "a"),
        ("x" * 10_000 + ".jpg", "x" * STEM_MAX),
        ("../" * 5_000 + "x.jpg", "x"),
        ("\x00\u200f", "image"),
        ("", "image"),
    ],
    ids=ascii,
)
def test_report_18_a_file_name_stops_no_photo(
    alice: Client, anyone: Client, name: str, stem: str
) -> None:
    ad = alice.ad()
    file = declared(file_name=name, content_type="image/jpeg")
    answers = [
        alice.post(f"/api/ads/{ad}/upload_image/", file),
        alice.post(f"/api/ads/{ad}/upload_images/", {"files": [file]}),
        alice.post("/api/users/1/upload_avatar/", file),
    ]
    session = open_session(alice, ad)
    asked = {"filename": name, "type": "image/jpeg"}
    answers.append(anyone.post(path(session, "s3/multipart"), asked))
    if "\ud800" not in name:
        answers.append(params(anyone, session, filename=name))
    for answer in answers:
        assert answer.status_code in (200, 201), answer.text
        body = answer.get_json()
        ticket = body["tickets"][0] if "tickets" in body else body
        key = ticket.get("key") or ticket["fields"]["key"]
        folder, _, last = key.rpartition("/")
        assert folder.endswith((f"ads/ad_{ad}", "avatars/user_1"))
        assert last.rpartition("_")[0] == stem
        assert last.endswith(".jpg")


@pytest.mark.parametrize("content_type", ["", "application/octet-stream"])
def test_report_18_a_name_that_is_too_long_keeps_its_extension(
    alice: Client, content_type: str
) -> None:
    name = "x" * 300 + "\u200f.heic"
    answer = alice.ticket(alice.ad(), file_name=name, content_type=content_type)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["upload"]["fields"]["Content-Type"] == "image/heic"


def test_report_18_the_size_of_the_request_is_still_limited(alice: Client) -> None:
    answer = alice.ticket(alice.ad(), file_name="x" * 70_000)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("written", "alt_text"),
    [
        ("front\nview", "front view"),
        ("front\r\nview", "front view"),
        ("front\tview\u2028side", "front view side"),
        ("\x00front\x1b[31m\x85\ud800", "front[31m "),
        ("צילום\u200f", "צילום\u200f"),
    ],
    ids=ascii,
)
def test_report_19_an_alt_text_is_stored_in_one_line(
    alice: Client, written: str, alt_text: str
) -> None:
    ad = alice.ad()
    answer = alice.ticket(ad, alt_text=written)
    assert answer.status_code == 201, answer.text
    ticket = answer.get_json()
    send(ticket)
    image = alice.post(ticket["confirm_url"]).get_json()
    assert image["alt_text"] == alt_text
    changed = alice.patch(f"/api/ads/{ad}/images/{image['id']}/", {"alt_text": f"2 {written}"})
    assert changed.status_code == 200, changed.text
    assert changed.get_json()["alt_text"] == f"2 {alt_text}"
    too_long = alice.patch(f"/api/ads/{ad}/images/{image['id']}/", {"alt_text": "x" * 501})
    assert (too_long.status_code, too_long.get_json()["code"]) == (422, "validation_error")
