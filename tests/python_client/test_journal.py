"""What is kept between two runs, and going on with what another process or device has begun."""

import os
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from broker_client import Broker, BrokerError, Entry, FolderJournal

from tests.http.client import JPEG
from tests.python_client.fault_transport import FaultTransport
from tests.python_client.live import Live

KEY = "0a" * 32


def test_parts_that_another_device_began_without_digests_are_gone_on_with(
    live: Live, photo: Path
) -> None:
    ticket = live.user.ticket(live.ad(), transport="multipart").get_json()
    first = {"parts": [{"part_number": 1}]}
    assert live.user.post(f"/api/uploads/{ticket['id']}/parts/", first).status_code == 200
    with Broker(live.url, live.token) as broker:
        image = broker.resume(ticket["id"], photo)
    assert httpx.get(image.image_url, verify=False).content == JPEG


def test_only_its_own_files_are_dropped_from_the_folder(tmp_path: Path) -> None:
    names = {f"{KEY}.json", f"{KEY}.x1.new", "package.json", "photo.jpg"}
    for name in names:
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (1, 1))
    FolderJournal(tmp_path).begin("1b" * 32)
    assert {path.name for path in tmp_path.iterdir()} == {
        "package.json",
        "photo.jpg",
        f"{'1b' * 32}.json",
    }


def test_processes_that_begin_the_same_upload_at_once_ask_for_the_same_ticket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Entry] = []

    def meanwhile() -> UUID:
        monkeypatch.undo()
        others.append(FolderJournal(tmp_path).begin(KEY))
        return uuid4()

    monkeypatch.setattr("broker_client.journal.uuid4", meanwhile)
    assert [FolderJournal(tmp_path).begin(KEY)] == others
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.json"]


def test_where_there_are_no_links_an_entry_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", unknown)
    begun = FolderJournal(tmp_path).begin(KEY)
    assert FolderJournal(tmp_path).begin(KEY) == begun


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"idempotency_key": ["a"], "upload_id": null}',
        '{"idempotency_key": "a\\nb", "upload_id": null}',
        '{"of": "a later version"}',
    ],
)
def test_an_entry_that_cannot_be_used_gives_way_to_a_new_one(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{KEY}.json").write_text(text)
    begun = FolderJournal(tmp_path).begin(KEY)
    assert UUID(begun.idempotency_key)
    assert FolderJournal(tmp_path).begin(KEY) == begun


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_a_proxy_refuses_is_gone_on_with(
    live: Live, photo: Path, tmp_path: Path, status: int
) -> None:
    def proxy(request: httpx.Request) -> httpx.Response | None:
        on_its_way = request.url.path.endswith("/confirm/")
        return httpx.Response(status, text="<html>") if on_its_way else None

    ad, network, journal = live.ad(), FaultTransport(proxy), FolderJournal(tmp_path / "state")
    with (
        Broker(live.url, live.token, journal=journal, transport=network) as broker,
        pytest.raises(BrokerError) as refused,
    ):
        broker.upload(photo, ad=ad)
    assert (refused.value.code, refused.value.status) == ("unexpected_answer", status)
    later = FaultTransport()
    with Broker(live.url, live.token, journal=journal, transport=later) as broker:
        broker.upload(photo, ad=ad)
    assert len(network.paths("/upload_image/") + later.paths("/upload_image/")) == 1
