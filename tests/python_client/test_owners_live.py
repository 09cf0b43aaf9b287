"""Both Python clients and `broker upload` with owners of profiles: real routes, grants and S3."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import AsyncBroker, Broker, FileToSend, Forbidden

from tests.http.client import JPEG, Client, declared, token
from tests.http.files.private_files import ALL, PDF
from tests.python_client.commands import Shell
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

PROFILES = """
[product_image]
prefix = "products/product_{owner}/"
content_types = ["image/jpeg"]

[invoice]
prefix = "invoices/order_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
"""
# Each profile: an owner, the file and its type, and the status of its URL without the query.
EACH_PROFILE = pytest.mark.parametrize(
    ("owner", "name", "content_type", "data", "unsigned"),
    [
        ("product_image/042", "Größe 7 данные.jpg", "image/jpeg", JPEG, 200),
        ("invoice/7", "Größe 7 данные.pdf", "application/pdf", PDF, 403),
    ],
    ids=["public", "private"],
)
FOLDERS = {"product_image/042": "products/product_042/", "invoice/7": "invoices/order_7/"}


@pytest.fixture
def live(s3_bucket: Bucket, tmp_path: Path) -> Iterator[Live]:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    with live_broker(s3_bucket, tmp_path, profiles_file=file, **private_key(s3_bucket)) as broker:
        yield broker


def grant_for(profile: str | None, owner: str | None) -> str:
    """Return a token that allows everything for this owner, and nothing for another."""
    if profile is None:
        return token()
    grant = {"type": "upload", "profile": profile, "owner": owner, "actions": ALL}
    return token(authorization_details=[grant])


class Blocking:
    """Has the methods of an AsyncBroker; each returns when it is done."""

    def __init__(self, broker: AsyncBroker, runner: asyncio.Runner) -> None:
        self._broker = broker
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._broker, name)
        return lambda *arguments, **options: self._runner.run(method(*arguments, **options))


@contextlib.contextmanager
def opened(kind: type[Broker | AsyncBroker], live: Live) -> Iterator[Any]:
    """Open a client whose tokens are for one owner each."""
    if kind is Broker:
        with Broker(live.url, grant_for) as broker:
            yield broker
        return
    with asyncio.Runner() as runner:
        broker = Blocking(AsyncBroker(live.url, grant_for), runner)
        yield broker
        broker.aclose()


@EACH_PROFILE
@pytest.mark.parametrize("kind", [Broker, AsyncBroker])
def test_files_of_an_owner_are_uploaded_listed_changed_and_deleted(
    live: Live,
    tmp_path: Path,
    kind: type[Broker | AsyncBroker],
    owner: str,
    name: str,
    content_type: str,
    data: bytes,
    unsigned: int,
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with opened(kind, live) as broker:
        image = broker.upload(path, owner=owner, alt_text="front", order=3)
        assert image.image.startswith(FOLDERS[owner])
        assert (image.image_url is None) == (unsigned == 403)
        both = [FileToSend(file=path, order=order) for order in (1, 2)]
        many = [outcome.image.id for outcome in broker.upload_many(both, owner=owner)]

        seller = Client(live.app, grant_for(*owner.split("/")))
        body = declared(data, file_name=name, content_type=content_type)
        ticket = seller.post(f"/api/owners/{owner}/uploads/", body).get_json()["id"]
        resumed = broker.resume(ticket, path, owner=owner)
        assert broker.confirm(ticket, owner=owner) == resumed

        page = broker.files(owner, limit=3)
        rest = broker.files(owner, cursor=page.next_cursor)
        listed = [file.id for file in (*page.results, *rest.results)]
        assert listed == [resumed.id, *many, image.id]
        changed = broker.update_file(owner, image.id, alt_text="back", order=0)
        assert (changed.alt_text, changed.order) == ("back", 0)
        assert [broker.delete_file(owner, resumed.id) for _ in range(2)] == [True, False]

        file = next(one for one in broker.files(owner).results if one.id == image.id)
        assert (file.file_name, file.content_type, file.size) == (name, content_type, len(data))
        assert httpx.get(file.url, verify=False).content == data
        assert httpx.get(file.url.split("?")[0], verify=False).status_code == unsigned


def test_a_token_for_one_owner_does_nothing_for_another(live: Live, photo: Path) -> None:
    with Broker(live.url, grant_for("product_image", "42")) as broker:
        image = broker.upload(photo, owner="product_image/42")
        for refused in (
            lambda: broker.upload(photo, owner="product_image/042"),
            lambda: broker.update_file("product_image/43", image.id, order=1),
            lambda: broker.delete_file("product_image/43", image.id),
            lambda: broker.files("invoice/42"),
        ):
            with pytest.raises(Forbidden):
                refused()
        assert [file.id for file in broker.files("product_image/42").results] == [image.id]


def test_broker_upload_sends_photos_and_documents_of_an_owner(
    live: Live, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Rechnung.pdf").write_bytes(PDF)
    for owner, name, line in [
        ("product_image/42", photo.name, "/media/products/product_42/photo_"),
        ("invoice/7", "Rechnung.pdf", "\tinvoices/order_7/rechnung_"),
    ]:
        shell = Shell(tmp_path, {"BROKER_TOKEN": grant_for(*owner.split("/"))})
        done = shell.call(name, "--owner", owner, "--url", live.url)
        assert (done.exit_code, done.stderr) == (0, "")
        assert line in done.stdout
        other = shell.call(name, "--owner", f"{owner}0", "--url", live.url)
        assert other.exit_code == 1
        assert "no grant to create" in other.stderr
