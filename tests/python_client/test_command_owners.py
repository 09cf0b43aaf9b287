"""`broker upload --owner`: files of any profile, with a broker that returns prepared answers."""

import functools
import json
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from broker_client import Broker

from broker.cli.upload import run as command
from broker.local.dev_env import load_or_make
from tests.http.client import JPEG
from tests.python_client.commands import Shell
from tests.python_client.scripted import IMAGE, URL
from tests.python_client.test_owners import Owners

LIMITS = {"max_bytes": 10_000, "max_count": 0, "multipart_threshold": 10_000}
PROFILES = {
    "product_image": {**LIMITS, "content_types": ["image/jpeg"]},
    "logo": {**LIMITS, "content_types": ["image/jpeg"], "keeps_one": True},
    "invoice": {**LIMITS, "content_types": ["application/pdf"], "visibility": "private"},
    "tour": {**LIMITS, "content_types": ["video/mp4"], "visibility": "private"},
    "model": {**LIMITS, "content_types": ["application/octet-stream"], "visibility": "private"},
}
PRIVATE = {**IMAGE, "image": "invoices/order_7/a_x7Kp2mQa.pdf", "image_url": None, "variants": []}


class Fake(Owners):
    """Answers the profiles, keeps tokens, and confirms every upload at once."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.tickets: list[dict[str, Any]] = []

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.url.host != "bucket.example":
            self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        if path.endswith("/uploads/"):
            self.tickets.append(json.loads(request.content))
        if path == "/api/profiles/":
            return httpx.Response(200, json=PROFILES)
        if path.endswith("/confirm/"):
            return httpx.Response(200, json=PRIVATE)
        return super()._answer(request, path)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    server = Fake()
    transport = httpx.MockTransport(server)
    monkeypatch.setattr(command, "Broker", functools.partial(Broker, transport=transport))
    return server


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "a.pdf", "a.stl", "a.mp4"):
        (tmp_path / name).write_bytes(JPEG + name.encode())
    return Shell(tmp_path, {"BROKER_TOKEN": "token"})


def test_files_of_a_profile_are_uploaded_and_a_private_one_is_printed_with_its_key(
    fake: Fake, shell: Shell
) -> None:
    done = shell.call("a.pdf", "--owner", "invoice/order-7", "--alt-text", "paid", "--url", URL)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "a.pdf\tinvoices/order_7/a_x7Kp2mQa.pdf\n"
    body = fake.bodies["POST /api/owners/invoice/order-7/uploads/"]
    assert (body["content_type"], body["alt_text"]) == ("application/pdf", "paid")
    assert "GET /api/users/me/" not in fake.lines


def test_json_output_has_no_url_of_a_private_file(fake: Fake, shell: Shell) -> None:
    done = shell.call("a.pdf", "--owner", "invoice/order-7", "--url", URL, "--json")
    image = json.loads(done.stdout)["image"]
    assert (image["image_url"], image["image"]) == (None, PRIVATE["image"])


def test_any_file_is_uploaded_if_the_profile_accepts_any(fake: Fake, shell: Shell) -> None:
    done = shell.call("a.stl", "a.jpg", "--owner", "model/1", "--url", URL)
    assert (done.exit_code, done.stderr) == (0, "")
    tickets = sorted(fake.tickets, key=lambda one: str(one["content_type"]))
    assert [one["content_type"] for one in tickets] == ["application/octet-stream", "image/jpeg"]


def test_a_video_is_uploaded_under_its_own_type(fake: Fake, shell: Shell) -> None:
    done = shell.call("a.mp4", "--owner", "tour/1", "--url", URL)
    assert (done.exit_code, done.stderr) == (0, "")
    assert [one["content_type"] for one in fake.tickets] == ["video/mp4"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a.pdf", "--owner", "product_image/1"], "unsupported file extension"),
        (["a.jpg", "b.jpg", "--owner", "logo/1"], "keeps only one file"),
        (
            ["a.jpg", "--owner", "nothing/1"],
            "no profile nothing; there are: invoice, logo, model, product_image, tour",
        ),
        (["a.jpg", "--owner", "product_image"], "is not PROFILE/OWNER"),
        (["a.jpg", "--owner", "product_image/a/b"], "is not PROFILE/OWNER"),
        (["a.jpg", "--owner", "product_image/1", "--ad", "1"], "Pass either"),
        (["a.jpg", "--owner", "product_image/1", "--avatar"], "Pass either"),
    ],
)
def test_an_owner_that_cannot_be_used_is_refused_before_anything_is_sent(
    fake: Fake, shell: Shell, arguments: list[Any], text: str
) -> None:
    done = shell.call(*arguments, "--url", URL)
    assert (done.exit_code, done.stdout) == (2, "")
    assert text in done.stderr
    assert not [line for line in fake.lines if line.startswith("POST")]


def test_with_broker_dev_the_token_grants_the_owner(fake: Fake, shell: Shell) -> None:
    load_or_make(shell.folder / ".broker", port=1, s3_port=1)
    done = Shell(shell.folder, {}).call("a.pdf", "--owner", "invoice/order-7")
    assert (done.exit_code, done.stderr) == (0, "")
    claims = [jwt.decode(one, options={"verify_signature": False}) for one in fake.tokens]
    about_none, about_owner = claims[0], claims[-1]
    assert "authorization_details" not in about_none
    assert about_owner["authorization_details"] == [
        {
            "type": "upload",
            "profile": "invoice",
            "owner": "order-7",
            "actions": ["create", "read"],
        }
    ]
    assert about_owner["sub"] == "1"
