"""The journal, and resuming uploads of another process or device."""

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


def test_a_multipart_upload_started_by_another_device_without_digests_is_resumed(
    live: Live, photo: Path
) -> None:
    ticket = live.user.ticket(live.ad(), transport="multipart").get_json()
    first = {"parts": [{"part_number": 1}]}
    assert live.user.post(f"/api/uploads/{ticket['id']}/parts/", first).status_code == 200
    with Broker(live.url, live.token) as broker:
        image = broker.resume(ticket["id"], photo)
    assert httpx.get(image.image_url, verify=False).content == JPEG


def test_the_journal_deletes_only_its_own_old_files(tmp_path: Path) -> None:
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


def test_two_processes_that_start_the_same_upload_get_the_same_entry(
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


def test_the_journal_works_on_a_file_system_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise PermissionError("hard links are not supported")

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
def test_an_entry_that_is_not_valid_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{KEY}.json").write_text(text)
    begun = FolderJournal(tmp_path).begin(KEY)
    assert UUID(begun.idempotency_key)
    assert FolderJournal(tmp_path).begin(KEY) == begun


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_upload_that_a_proxy_refused_is_resumed_later(
    live: Live, photo: Path, tmp_path: Path, status: int
) -> None:
    def proxy(request: httpx.Request) -> httpx.Response | None:
        is_confirm = request.url.path.endswith("/confirm/")
        return httpx.Response(status, text="<html>") if is_confirm else None

    ad, network, journal = live.ad(), FaultTransport(proxy), FolderJournal(tmp_path / "state")
    with (
        Broker(live.url, live.token, journal=journal, transport=network, retries=0) as broker,
        pytest.raises(BrokerError) as refused,
    ):
        broker.upload(photo, ad=ad)
    assert (refused.value.code, refused.value.status) == ("unexpected_answer", status)
    later = FaultTransport()
    with Broker(live.url, live.token, journal=journal, transport=later) as broker:
        broker.upload(photo, ad=ad)
    assert len(network.paths("/upload_image/") + later.paths("/upload_image/")) == 1


@pytest.mark.parametrize("journaled", [False, True], ids=["no journal", "journal"])
@pytest.mark.parametrize("at_once", [1, 4])
def test_report_23_a_file_that_is_listed_twice_becomes_two_images(
    live: Live, photo: Path, tmp_path: Path, journaled: bool, at_once: int
) -> None:
    (tmp_path / "other").mkdir()
    same = tmp_path / "other" / photo.name
    same.write_bytes(JPEG)
    folder, ad = tmp_path / "state", live.ad()
    journal = FolderJournal(folder) if journaled else None
    with Broker(live.url, live.token, journal=journal) as broker:
        outcomes = broker.upload_many([photo, photo, same], ad=ad, at_once=at_once)
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert len({outcome.upload_id for outcome in outcomes}) == 3
    assert len(live.images(ad)) == 3
    assert not journaled or list(folder.iterdir()) == []


def test_report_23_the_same_file_in_two_batches_becomes_two_images(
    live: Live, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker_client.many.BATCH", 1)

    def no_confirm(request: httpx.Request) -> httpx.Response | None:
        is_confirm = request.url.path.endswith("/confirm/")
        return httpx.Response(403, text="<html>") if is_confirm else None

    ad, journal = live.ad(), FolderJournal(tmp_path / "state")
    for network in (FaultTransport(no_confirm), FaultTransport()):
        with Broker(live.url, live.token, journal=journal, transport=network, retries=0) as broker:
            outcomes = broker.upload_many([photo, photo], ad=ad)
        assert len({outcome.upload_id for outcome in outcomes}) == 2
    # The second run resumed both uploads.
    assert network.paths("/upload_image/") == []
    assert len(live.images(ad)) == 2
