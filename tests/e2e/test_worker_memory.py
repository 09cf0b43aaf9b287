"""The memory of the API does not change while a worker processes images; the worker stays small."""

import os
import sys
from pathlib import Path

import httpx
import pytest

from broker.db import migrate
from tests.e2e.test_memory import MIB, api, resident
from tests.e2e.worker_process import WorkerProcess, running
from tests.http.client import declared, send, token
from tests.photos import photo
from tests.processes import await_true
from tests.servers.fixtures import Bucket

PHOTOS = 3
MAY_GROW = 8 * MIB  # noise of the allocators; one decoded photo has 34 MiB
WORKER_MAX = 160 * MIB  # an interpreter with boto3 and SQLAlchemy


@pytest.mark.matrix(part="memory")
def test_images_are_decoded_neither_in_the_api_nor_in_the_workers_own_process(
    s3_bucket: Bucket, tmp_path: Path
) -> None:
    database_url = f"sqlite:///{tmp_path / 'broker.db'}"
    migrate.upgrade(database_url)
    headers = {"Authorization": f"Bearer {token(1)}"}
    with (
        api(s3_bucket, database_url, BROKER_INSPECTION="required") as (url, api_pid),
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
        running(database_url, s3_bucket, tmp_path / "worker") as worker,
    ):
        ad = client.post("/api/ads/", json={"title": "x", "price": "1"}).json()["id"]
        publish(client, ad, photo(640, 480), count=4)
        before = resident(api_pid), own(worker)
        publish(client, ad, photo(4000, 3000), count=PHOTOS)
        after = resident(api_pid), own(worker)
    figures = [f"{size / MIB:.1f}" for size in (*before, *after)]
    sys.stdout.write(
        f"{PHOTOS} photos of 12 MP: API {figures[0]} MiB before, {figures[2]} after; "
        f"worker {figures[1]} before, {figures[3]} after\n"
    )
    assert after[0] - before[0] < MAY_GROW
    assert after[1] - before[1] < MAY_GROW
    assert after[1] < WORKER_MAX


def publish(client: httpx.Client, ad: int, data: bytes, *, count: int) -> None:
    """Upload a photo several times, and ask for the uploads until a worker has published all."""
    tickets = [
        client.post(f"/api/ads/{ad}/upload_image/", json=declared(data)).json()
        for _ in range(count)
    ]
    for ticket in tickets:
        assert send(ticket, data).status_code == 201
        assert client.post(ticket["confirm_url"]).status_code == 202
    ids = ",".join(ticket["id"] for ticket in tickets)

    def published() -> bool:
        uploads = client.get("/api/uploads/", params={"ids": ids}).json()["uploads"]
        return {upload["state"] for upload in uploads} == {"confirmed"}

    await_true(published, timeout=120)


def own(worker: WorkerProcess) -> int:
    """Return the resident memory of a worker's own process, without its children (proc(5))."""
    pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
