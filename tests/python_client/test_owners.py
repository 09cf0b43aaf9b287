"""Owners of any profile: paths, ticket requests, journals and files, without a broker."""

import asyncio
import inspect
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import (
    AsyncBroker,
    Broker,
    BrokerError,
    FilePage,
    FolderJournal,
    Forbidden,
    Image,
    Profile,
    StoredFile,
    UnknownType,
)
from broker_client.owners import Owner

from tests.http.client import JPEG
from tests.python_client.scripted import (
    IMAGE,
    Scripted,
    answering,
    async_client,
    client,
    problem,
    ready,
)

PRODUCT = "product_image/42"
FILE = {
    "id": 1,
    "key": "invoices/order_7/rechnung_x7Kp2mQa.pdf",
    "url": "https://s3.example/private/k?X-Amz-Signature=1",
    "url_expires_at": "2026-01-01T00:05:00Z",
    "file_name": "Rechnung.pdf",
    "content_type": "application/pdf",
    "size": 1234,
    "checksum_sha256": None,
    "alt_text": "",
    "order": 0,
    "width": None,
    "height": None,
    "thumbhash": None,
    "variants": [],
    "created_at": "2026-01-01T00:00:00Z",
}


class Owners(Scripted):
    """Also issues tickets below `/api/owners/`, and answers their files from `table`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(answering([ready("u1"), ready("u2")]), **options)
        self.bodies: dict[str, Any] = {}
        self.table: dict[str, Callable[[], httpx.Response]] = {}

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        line = f"{request.method} {path}"
        if request.content and request.url.host != "bucket.example":
            self.bodies[line] = json.loads(request.content)
        if line in self.table:
            return self.table[line]()
        if path.startswith("/api/owners/") and path.endswith("/uploads/batch/"):
            files = self.bodies[line]["files"]
            return httpx.Response(201, json={"tickets": [self._ticket() for _ in files]})
        if path.startswith("/api/owners/") and path.endswith("/uploads/"):
            return httpx.Response(201, json=self._ticket())
        return super()._answer(request, path)


@pytest.mark.parametrize(
    ("given", "ticket", "batch"),
    [
        (
            {"ad": 7},
            "/api/ads/7/upload_image/",
            "/api/ads/7/upload_images/",
        ),
        ({"user": 1}, "/api/users/1/upload_avatar/", None),
        (
            {"owner": PRODUCT},
            "/api/owners/product_image/42/uploads/",
            "/api/owners/product_image/42/uploads/batch/",
        ),
        (
            {"owner": "invoice/../../ads/7?x"},
            "/api/owners/invoice/..%2F..%2Fads%2F7%3Fx/uploads/",
            "/api/owners/invoice/..%2F..%2Fads%2F7%3Fx/uploads/batch/",
        ),
    ],
)
def test_each_owner_has_its_own_paths(given: Any, ticket: str, batch: str | None) -> None:
    owner = Owner.of(given.get("ad"), given.get("user"), given.get("owner"))
    assert (owner.path, owner.batch_path) == (ticket, batch)


@pytest.mark.parametrize(
    "given",
    [{}, {"ad": 1, "owner": PRODUCT}, {"user": 1, "owner": PRODUCT}]
    + [{"owner": text} for text in ("", "product_image", "product_image/", "/42")],
)
def test_exactly_one_owner_is_required(given: Any) -> None:
    with client(Owners(), []) as broker, pytest.raises(ValueError, match="owner"):
        broker.upload(io.BytesIO(JPEG), content_type="image/jpeg", **given)


def test_a_file_of_a_profile_gets_its_ticket_below_the_owners_path(
    tmp_path: Path, waits: list[float]
) -> None:
    (tmp_path / "Rechnung.PDF").write_bytes(b"%PDF-1.7")
    server = Owners(confirmed=[httpx.Response(200, json={**IMAGE, "image_url": None})])
    with client(server, waits) as broker:
        image = broker.upload(tmp_path / "Rechnung.PDF", owner="invoice/order-7", alt_text="paid")
    assert isinstance(image, Image)
    assert image.image_url is None
    body = server.bodies["POST /api/owners/invoice/order-7/uploads/"]
    assert (body["content_type"], body["alt_text"]) == ("application/pdf", "paid")


async def _upload_many(server: Owners, photos: list[Path]) -> list[Any]:
    async with async_client(server, []) as broker:
        return list(await broker.upload_many(photos, owner=PRODUCT))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_files_of_a_profile_get_their_tickets_in_one_request(tmp_path: Path, kind: str) -> None:
    photos = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for number, photo in enumerate(photos):
        photo.write_bytes(JPEG * (number + 1))
    server = Owners()
    if kind == "sync":
        with client(server, []) as broker:
            outcomes = broker.upload_many(photos, owner=PRODUCT)
    else:
        outcomes = asyncio.run(_upload_many(server, photos))
    assert [outcome.image.id for outcome in outcomes if outcome.image] == [1, 2]
    tickets = [line for line in server.lines if line.startswith("POST /api/owners/")]
    assert tickets == ["POST /api/owners/product_image/42/uploads/batch/"]


def test_any_bytes_are_declared_only_if_the_caller_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(b"solid")
    server = Owners(confirmed=[httpx.Response(200, json=IMAGE)])
    with client(server, []) as broker:
        with pytest.raises(UnknownType):
            broker.upload(tmp_path / "a.stl", owner="model/1")
        broker.upload(tmp_path / "a.stl", owner="model/1", content_type="application/octet-stream")
    (body,) = server.bodies.values()
    assert body["content_type"] == "application/octet-stream"


def test_a_journal_resumes_an_upload_of_its_own_owner_only(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    late = [problem(503, "storage_unavailable", retry_after=0)] * 2
    server = Owners(confirmed=late)
    journal = FolderJournal(tmp_path / "state")
    with client(server, [], journal=journal, retries=1) as broker:
        with pytest.raises(BrokerError):
            broker.upload(tmp_path / "a.jpg", owner=PRODUCT)
        found = {
            "id": "u1",
            "state": "pending",
            "size": len(JPEG),
            "checksum_sha256": None,
            "transport": "put",
            "purpose": "product_image",
            "owner": "42",
        }
        server.one = lambda _: httpx.Response(200, json=found)
        server.confirmed.append(httpx.Response(200, json=IMAGE))
        broker.upload(tmp_path / "a.jpg", owner=PRODUCT)
        assert len([line for line in server.lines if line.endswith("42/uploads/")]) == 1
        server.confirmed.append(httpx.Response(200, json=IMAGE))
        broker.upload(tmp_path / "a.jpg", owner="product_image/43")
    assert "POST /api/owners/product_image/43/uploads/" in server.lines


def test_files_are_listed_in_pages_changed_and_deleted() -> None:
    server, path = Owners(), "/api/owners/invoice/order-7/files/"
    pages = [{"results": [FILE], "next_cursor": "a b"}, {"results": [], "next_cursor": None}]
    deleted = [httpx.Response(204), problem(404, "not_found"), problem(403, "forbidden")]
    server.table = {
        f"GET {path}": lambda: httpx.Response(200, json=pages[0]),
        f"GET {path}?limit=10&cursor=a+b": lambda: httpx.Response(200, json=pages[1]),
        f"PATCH {path}1/": lambda: httpx.Response(200, json={**FILE, "order": 3}),
        f"DELETE {path}1/": lambda: deleted.pop(0),
        "GET /api/owners/ad_image/7/files/": lambda: httpx.Response(200, json=pages[1]),
    }
    owner = "invoice/order-7"
    with client(server, []) as broker:
        page = broker.files(owner)
        assert isinstance(page, FilePage)
        (file,) = page.results
        assert isinstance(file, StoredFile)
        assert (file.file_name, file.url, file.variants) == ("Rechnung.pdf", FILE["url"], ())
        assert file.url_expires_at is not None
        assert (file.url_expires_at - file.created_at).total_seconds() == 300
        last = broker.files(owner, limit=10, cursor=page.next_cursor)
        assert (last.results, last.next_cursor) == ((), None)
        assert broker.update_file(owner, 1, alt_text="", order=3).order == 3
        assert server.bodies[f"PATCH {path}1/"] == {"alt_text": "", "order": 3}
        broker.update_file(owner, 1, order=0)
        assert server.bodies[f"PATCH {path}1/"] == {"order": 0}
        assert broker.delete_file(owner, 1) is True
        assert broker.delete_file(owner, 1) is False, "for example after a lost answer"
        with pytest.raises(Forbidden):
            broker.delete_file(owner, 1)
        broker.files("ad_image/7")
        with pytest.raises(ValueError, match="not an owner"):
            broker.files("invoice")


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    def parameters(client: type) -> dict[str, Any]:
        return {
            name.removeprefix("a"): inspect.signature(method).parameters
            for name, method in vars(client).items()
            if not name.startswith("_")
        }

    assert parameters(AsyncBroker) == parameters(Broker)


def test_asyncio_has_the_same_methods_for_files() -> None:
    server, path = Owners(), "/api/owners/invoice/order-7/files/"
    server.table = {
        f"GET {path}": lambda: httpx.Response(200, json={"results": [FILE], "next_cursor": None}),
        f"PATCH {path}1/": lambda: httpx.Response(200, json=FILE),
        f"DELETE {path}1/": lambda: httpx.Response(204),
    }

    async def run() -> None:
        async with async_client(server, []) as broker:
            (file,) = (await broker.files("invoice/order-7")).results
            await broker.update_file("invoice/order-7", file.id, order=1)
            assert await broker.delete_file("invoice/order-7", file.id)
            await broker.cancel("u1", owner="invoice/order-7")

    asyncio.run(run())
    assert server.lines[-1] == "DELETE /api/uploads/u1/"


def test_a_profile_is_read_with_and_without_the_fields_of_later_releases() -> None:
    old = {
        "content_types": ["image/jpeg"],
        "max_bytes": 9,
        "max_count": 0,
        "multipart_threshold": 5,
    }
    new = {**old, "keeps_one": True, "visibility": "private", "inspection": "off"}
    assert not Profile.read(old).is_private
    found = Profile.read(new)
    assert (found.keeps_one, found.is_private, found.is_inspected) == (True, True, False)
    assert Profile.read({**new, "inspection": "required"}).is_inspected
