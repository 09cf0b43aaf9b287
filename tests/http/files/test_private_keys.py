"""Each process handles private files with the policy that `broker bucket iam` prints for it."""

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from flask import Flask

from broker.services.processing.process import Outcome
from broker.storage.bucket_setup.iam import iam_policy
from broker.storage.factory import object_files
from tests.http.files.private_files import download, owner_of
from tests.http.worker import Worker, real
from tests.photos import photo
from tests.servers.fixtures import Bucket
from tests.servers.users import new_user


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize(("database_url", "s3_bucket"), [("sqlite", "minio")], indirect=True)
def test_a_worker_publishes_private_photos_with_its_own_key(
    app: Flask, make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path
) -> None:
    settings = app.extensions["broker"].settings
    key_id, secret = new_user(s3_bucket.server, iam_policy(settings, "inspect"))
    keys = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in keys.items():
            environment.setenv(name, value)
        private = {
            name: getattr(settings, name)
            for name in ("profiles_file", "private_access_key_id", "private_secret_access_key")
        }
        process = make_app(inspection="required", **private)
        session = boto3.Session(
            region_name="us-east-1", aws_access_key_id=key_id, aws_secret_access_key=secret
        )
    worker = Worker(process, tmp_path, files=object_files(settings, session), inspect=real)

    claim = owner_of(app, "damage_photo")
    ticket = claim.send(photo(), file_name="Delle.jpg", content_type="image/jpeg")
    assert claim.client.post(ticket["confirm_url"]).status_code == 202
    assert worker.run() == [Outcome.PUBLISHED]
    (file,) = claim.files()
    urls = [file["url"], *(one["url"] for one in file["variants"])]
    assert [download(url).status_code for url in urls] == [200, 200, 200]
    assert {download(url.partition("?")[0]).status_code for url in urls} == {403}
    assert claim.client.delete(f"{claim.path}files/{file['id']}/").status_code == 204
    assert {download(url).status_code for url in urls} <= {403, 404}
