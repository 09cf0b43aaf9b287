"""An image is locked before the upload that it came from, so that no deadlock is possible."""

from uuid import UUID

import pytest
from flask import Flask

from broker.db.models import Image, Upload
from tests.http.client import Client
from tests.http.events.reader import Reader
from tests.http.files.private_files import owner_of
from tests.http.uploads.test_lock_order import Row, waits_without

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def image_row(image_id: int) -> Row:
    return Image, Image.id == image_id


def upload_row(upload_id: str) -> Row:
    return Upload, Upload.id == UUID(upload_id)


@pytest.mark.parametrize("act", ["delete", "erase"])
def test_an_upload_is_free_while_its_image_is_waited_for(
    app: Flask, service: Client, reader: Reader, act: str
) -> None:
    owner = owner_of(app, "contract")
    file = owner.add(alt_text="signed")
    (event,) = reader.new()
    path = f"{owner.path}files/{file['id']}/" if act == "delete" else "/api/users/1/"
    done = waits_without(
        app,
        lambda: service.delete(path).status_code,
        image_row(file["id"]),
        upload_row(event["data"]["upload"]["id"]),
    )
    assert done == (204 if act == "delete" else 202)
