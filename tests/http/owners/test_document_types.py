"""The content type of a document: as its client names it, or by the extension of its name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.http.client import Client, declared
from tests.http.owners.granted import caller, entry
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PROFILES = """
[paper]
prefix = "papers/{owner}/"
content_types = ["application/pdf", "text/csv", "image/jpeg", "application/x-cad"]
visibility = "private"
inspection = "off"
max_count = 0
"""
PDF = "application/pdf"


@pytest.fixture
def ada(make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path) -> Client:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    app = make_app(profiles_file=tmp_path / "profiles.toml", **private_key(s3_bucket))
    return caller(app, "ada", entry("7", profile="paper"))


def test_a_document_gets_the_name_and_extension_of_its_type(ada: Client) -> None:
    files = [
        ("a.pdf", PDF, PDF, "pdf"),
        ("a.pdf", "Application/PDF; version=1.7", PDF, "pdf"),
        ("a.pdf", None, PDF, "pdf"),
        ("a.PDF", "", PDF, "pdf"),
        ("Rechnung.pdf", "application/octet-stream", PDF, "pdf"),
        ("a.csv", "text/csv; charset=utf-8", "text/csv", "csv"),
        ("photo.jpg", "image/jpg", "image/jpeg", "jpg"),
        ("plan.cad", "application/x-cad", "application/x-cad", "bin"),
    ]
    batch = [declared(file_name=name, content_type=given) for name, given, _, _ in files]
    answer = ada.post("/api/owners/paper/7/uploads/batch/", {"files": batch})
    assert answer.status_code == 201, answer.text
    ids = ",".join(ticket["id"] for ticket in answer.get_json()["tickets"])
    found = ada.get(f"/api/uploads/?ids={ids}").get_json()["uploads"]
    assert [(one["content_type"], one["key"].rpartition(".")[2]) for one in found] == [
        (content_type, extension) for _, _, content_type, extension in files
    ]


def test_a_type_that_the_profile_does_not_name_is_refused(ada: Client) -> None:
    for name, given in (
        ("a.html", "text/html"),
        ("a.pdf", "text/html"),
        ("a.png", "image/png"),
        ("a.exe", ""),
        ("a", None),
        ("a.pdf", "application"),
    ):
        file = declared(file_name=name, content_type=given)
        answer = ada.post("/api/owners/paper/7/uploads/", file)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["content_type"])
