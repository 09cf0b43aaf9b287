"""Private photos that a worker inspects: all their objects are below `private/`."""

import pytest
from flask import Flask

from broker.services.processing.process import Outcome
from tests.http.files.private_files import download, owner_of
from tests.http.first import FIRST_SERVER
from tests.http.worker import Worker, as_jpeg, read, real
from tests.photos import photo
from tests.servers.fixtures import Bucket


def stored(bucket: Bucket, below: str) -> set[str]:
    return {one.key for one in bucket.storage.list_objects(below)}


@FIRST_SERVER
def test_a_photo_and_its_variants_are_published_below_private(
    app: Flask, worker: Worker, s3_bucket: Bucket
) -> None:
    worker.inspect = real
    claim = owner_of(app, "damage_photo")
    ticket = claim.send(photo(), file_name="Delle.jpg", content_type="image/jpeg")
    assert claim.client.post(ticket["confirm_url"]).status_code == 202
    assert worker.run() == [Outcome.PUBLISHED]
    image = read(claim.client, ticket)["image"]
    assert image["image_url"] is None
    assert [one["url"] for one in image["variants"]] == [None, None]

    (file,) = claim.files()
    assert (file["id"], file["width"], file["height"]) == (image["id"], 1200, 900)
    assert [one["width"] for one in file["variants"]] == [320, 800]
    urls = [file["url"], *(one["url"] for one in file["variants"])]
    for url, content_type in zip(urls, ["image/jpeg", "image/webp", "image/webp"], strict=True):
        served = download(url)
        assert (served.status_code, served.headers["Content-Type"]) == (200, content_type)
        assert served.headers["Cache-Control"] == "private, no-store"
        assert download(url.partition("?")[0]).status_code == 403
    assert "Delle.jpg" in download(file["url"]).headers["Content-Disposition"]
    assert stored(s3_bucket, "media/") == set()
    assert len(stored(s3_bucket, "private/claims/claim_7/")) == 3

    assert claim.client.delete(f"{claim.path}files/{file['id']}/").status_code == 204
    assert stored(s3_bucket, "private/") == set()
    assert {download(url).status_code for url in urls} <= {403, 404}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_page_may_show_private_photos(app: Flask, s3_bucket: Bucket) -> None:
    with app.test_client().get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    # The bucket serves public images and private ones.
    origin = "/".join(s3_bucket.storage.presigner.bucket_url.split("/")[:3])
    assert f"img-src 'self' blob: data: {origin} {origin};" in policy


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_converted_photo_is_downloaded_with_the_extension_of_a_jpeg(
    app: Flask, worker: Worker
) -> None:
    worker.inspect = as_jpeg
    claim = owner_of(app, "damage_photo")
    ticket = claim.send(b"heic", file_name="IMG_1.HEIC", content_type="image/heic")
    claim.client.post(ticket["confirm_url"])
    worker.run()
    (file,) = claim.files()
    assert (file["file_name"], file["content_type"]) == ("IMG_1.HEIC", "image/jpeg")
    assert 'filename="IMG_1.jpg"' in download(file["url"]).headers["Content-Disposition"]
