"""`reprocess` cleans private photos from before inspection, and they stay private."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.http.client import JPEG
from tests.http.files.private_files import PDF, PROFILES, download, owner_of
from tests.http.first import FIRST_SERVER
from tests.http.reprocess.runs import cleaning, reprocessed, results
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key


@pytest.fixture
def settings(s3_bucket: Bucket, tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    return {"profiles_file": file, **private_key(s3_bucket)}


@FIRST_SERVER
def test_a_private_photo_is_cleaned_and_its_document_is_left_alone(
    make_app: Callable[..., Flask], settings: dict[str, Any], s3_bucket: Bucket, tmp_path: Path
) -> None:
    before = make_app(inspection="off", **settings)
    photo = owner_of(before, "damage_photo").add(
        JPEG + b"#", file_name="Delle.jpg", content_type="image/jpeg"
    )
    document = owner_of(before, "invoice").add()

    app = make_app(inspection="required", **settings)
    found = reprocessed(app, tmp_path, inspect=cleaning, clean=True)
    assert results(found)[photo["id"]] == "reprocessed"
    claim = owner_of(app, "damage_photo")
    (file,) = claim.files()
    assert (file["id"], file["file_name"]) == (photo["id"], "Delle.jpg")
    assert file["key"] != photo["image"]
    assert download(file["url"]).content == JPEG
    urls = [file["url"], *(one["url"] for one in file["variants"])]
    assert [download(url).status_code for url in urls] == [200, 200, 200]
    assert {download(url.partition("?")[0]).status_code for url in urls} == {403}
    assert list(s3_bucket.storage.list_objects("media/")) == []

    (kept,) = owner_of(app, "invoice").files()
    assert (kept["id"], kept["key"]) == (document["id"], document["image"])
    assert download(kept["url"]).content == PDF
