"""A private document from its ticket to its deletion, on real servers that enforce policies."""

from datetime import timedelta

from flask import Flask
from werkzeug.http import parse_options_header

from tests.http.client import Client, declared, send
from tests.http.files.private_files import PDF, download, owner_of
from tests.http.first import FIRST_SERVER
from tests.http.reconciling import there
from tests.http.uploads.test_lifecycle import reap
from tests.servers.fixtures import Bucket

NAMES = {
    "Rechnung 7.pdf": "rechnung-7",
    "Счёт-фактура № 7.pdf": "no-7",
    "发票七号.pdf": "image",
    "فاتورة.pdf": "image",
    "🧾 invoice 🎉.pdf": "invoice",
    'it\'s "quoted" & 100% = ; fine.pdf': "it-s-quoted-100-fine",
    "ü" * 251 + ".pdf": "u" * 60,
    "x" * 251 + ".pdf": "x" * 60,
}


@FIRST_SERVER
def test_an_invoice_is_readable_by_its_presigned_url_only_until_it_is_deleted(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    assert order.files() == []
    image = order.add(file_name="Rechnung Müller.pdf")
    key = image["image"]
    assert key.startswith("invoices/order_7/rechnung-muller_")
    assert key.endswith(".pdf")
    assert (image["image_url"], image["variants"]) == (None, [])

    head = s3_bucket.storage.head(f"private/{key}")
    assert (head.content_type, head.content_length) == ("application/pdf", len(PDF))
    assert not there(s3_bucket, f"media/{key}")
    for location in ("private", "media"):
        unsigned = f"{s3_bucket.storage.presigner.bucket_url}/{location}/{key}"
        assert download(unsigned).status_code in (403, 404), unsigned
    assert download(f"{s3_bucket.storage.presigner.bucket_url}/private/{key}").status_code == 403

    answer = order.client.get(f"{order.path}files/")
    assert "no-store" in answer.headers["Cache-Control"]
    (file,) = answer.get_json()["results"]
    assert (file["id"], file["key"], file["file_name"]) == (
        image["id"],
        key,
        "Rechnung Müller.pdf",
    )
    assert file["url_expires_at"] > file["created_at"]
    served = download(file["url"])
    assert (served.status_code, served.content) == (200, PDF)
    assert served.headers["Content-Type"] == "application/pdf"
    assert served.headers["Cache-Control"] == "private, no-store"
    assert served.headers["Content-Disposition"].startswith("attachment;")

    assert order.client.delete(f"{order.path}files/{file['id']}/").status_code == 204
    assert order.files() == []
    assert download(file["url"]).status_code in (403, 404)
    assert order.client.delete(f"{order.path}files/{file['id']}/").status_code == 404


@FIRST_SERVER
def test_a_download_has_the_name_that_the_file_was_sent_with(app: Flask) -> None:
    order = owner_of(app, "invoice")
    for name in NAMES:
        order.add(file_name=name)
    files = {file["file_name"]: file for file in order.files()}
    assert list(files) == list(NAMES)
    for name, stem in NAMES.items():
        assert files[name]["key"].startswith(f"invoices/order_7/{stem}_"), name
        served = download(files[name]["url"])
        assert served.status_code == 200, served.text
        kind, options = parse_options_header(served.headers["Content-Disposition"])
        assert kind == "attachment"
        # File systems limit the bytes, not the characters.
        assert options["filename"] == name.encode()[-255:].decode(errors="ignore")


@FIRST_SERVER
def test_pages_and_scripts_are_refused_by_the_broker_and_by_the_bucket(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    page = b"<script>alert(1)</script>"
    for content_type, name in (
        ("text/html", "invoice.html"),
        ("image/svg+xml", "invoice.svg"),
        ("text/html; charset=utf-8", "invoice.pdf"),
        ("", "invoice.html"),
    ):
        body = declared(page, file_name=name, content_type=content_type)
        answer = order.client.post(f"{order.path}uploads/", body)
        assert answer.status_code == 422, content_type
        assert answer.get_json()["errors"].keys() == {"content_type"}
    ticket = order.client.post(
        f"{order.path}uploads/",
        declared(page, file_name="invoice.pdf", content_type="application/pdf"),
    ).get_json()
    assert send(ticket, page, **{"Content-Type": "text/html"}).status_code == 403
    assert send(ticket, page).status_code == 201
    assert order.client.post(ticket["confirm_url"]).status_code == 200
    (file,) = order.files()
    served = download(file["url"])
    # A page that is called a PDF is never displayed as a page.
    assert served.headers["Content-Type"] == "application/pdf"
    assert served.headers["Content-Disposition"].startswith("attachment;")


@FIRST_SERVER
def test_a_new_contract_replaces_the_one_before(app: Flask, s3_bucket: Bucket) -> None:
    user = owner_of(app, "contract")
    first = user.add(b"%PDF-1.7 first", file_name="first.pdf")
    (before,) = user.files()
    second = user.add(b"%PDF-1.7 second", file_name="second.pdf")
    (after,) = user.files()
    assert (before["id"], after["id"]) == (first["id"], second["id"])
    reap(app)
    assert download(before["url"]).status_code in (403, 404)
    assert download(after["url"]).content == b"%PDF-1.7 second"
    assert not there(s3_bucket, f"private/{first['image']}")


@FIRST_SERVER
def test_a_url_works_for_five_minutes(app: Flask, anyone: Client) -> None:
    order = owner_of(app, "invoice")
    order.add()
    broker = app.extensions["broker"]
    (file,) = order.files()
    with broker.system_work() as work:
        left = work.now - timedelta(seconds=300)
    reader = broker.storage.private_reader
    late = reader.url(
        f"private/{file['key']}", file_name=None, content_type="application/pdf", now=left
    )
    assert download(file["url"]).status_code == 200
    assert download(late.url).status_code == 403
