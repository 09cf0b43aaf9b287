"""The memory of the API does not grow with the uploaded bytes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.db import migrate
from broker.local.process import answers, free_ports
from tests.http.client import SECRET, declared, token
from tests.servers.fixtures import Bucket

MIB = 1024 * 1024
SIZE, AT_ONCE = 24 * MIB, 2
MAY_GROW = 16 * MIB  # noise of the allocator; the files have 96 or 240 MiB
START_SECONDS = 60
PHOTO = os.urandom(SIZE)


@contextmanager
def api(bucket: Bucket, database_url: str, **settings: str) -> Iterator[tuple[str, int]]:
    """Serve the API as in production, with further settings; yield its URL and process id."""
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "BROKER_DATABASE_URL": database_url,
        "BROKER_S3_BUCKET": bucket.name,
        "BROKER_S3_ENDPOINT_URL": bucket.server.endpoint_url,
        "BROKER_JWT_SECRET": SECRET,
        **settings,
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--blocking-threads", "4", "broker.app:create_app"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            pause, tries = threading.Event(), START_SECONDS * 10
            while not answers(f"{url}/readyz"):
                assert process.poll() is None
                assert (tries := tries - 1) > 0
                pause.wait(0.1)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(timeout=20)


def resident(pid: int) -> int:
    """Return the resident memory of a process and its children, in bytes (proc(5))."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    own = pages * os.sysconf("SC_PAGE_SIZE")
    return own + sum(resident(int(child)) for child in children)


def upload(client: httpx.Client, ad: int, data: bytes) -> int:
    """Upload one photo; return the id of its image."""
    body = declared(data, transport="multipart")
    ticket: dict[str, Any] = client.post(f"/api/ads/{ad}/upload_image/", json=body).json()
    numbers = range(1, ticket["upload"]["part_count"] + 1)
    wanted = {"parts": [{"part_number": number} for number in numbers]}
    size = ticket["upload"]["part_size"]
    for part in client.post(ticket["upload"]["parts_url"], json=wanted).json()["parts"]:
        start = (part["part_number"] - 1) * size
        sent = httpx.put(part["url"], content=data[start : start + size], timeout=60)
        assert sent.status_code == 200, sent.text
    image = client.post(ticket["upload"]["complete_url"])
    assert image.status_code == 200, image.text
    return int(image.json()["id"])


@pytest.mark.parametrize("uploads", [4, pytest.param(10, marks=pytest.mark.matrix(part="memory"))])
def test_large_uploads_do_not_grow_the_memory_of_the_api(
    s3_bucket: Bucket, tmp_path: Path, uploads: int
) -> None:
    database_url = f"sqlite:///{tmp_path / 'broker.db'}"
    migrate.upgrade(database_url)
    headers = {"Authorization": f"Bearer {token(1)}"}
    with (
        api(s3_bucket, database_url) as (url, pid),
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        ads = [client.post("/api/ads/", json={"title": "x", "price": "1"}).json() for _ in "ab"]
        for _ in range(10):
            upload(client, ads[0]["id"], PHOTO[: 9 * MIB])
        before = resident(pid)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            images = list(pool.map(lambda _: upload(client, ads[1]["id"], PHOTO), range(uploads)))
        after = resident(pid)
    sys.stdout.write(
        f"{uploads} uploads of {SIZE // MIB} MiB: {before / MIB:.1f} MiB before, "
        f"{after / MIB:.1f} MiB after\n"
    )
    assert len(set(images)) == uploads
    assert after - before < MAY_GROW
