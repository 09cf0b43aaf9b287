"""`upload_many` opens and hashes the next files while it sends."""

import asyncio
import io
import threading
from typing import Any

import httpx
import pytest
from broker_client import FileToSend

from tests.python_client.scripted import IMAGE, Scripted, answering, async_client, client

JPEG = b"\xff\xd8\xff\xe0 photo"


class Photo(io.BytesIO):
    """A file that waits before it is read."""

    def __init__(self, content: bytes, may_be_read: threading.Event) -> None:
        super().__init__(content)
        self.may_be_read = may_be_read

    def read(self, size: int | None = -1) -> bytes:
        assert self.may_be_read.wait(timeout=5), "the file is read too early"
        return super().read(size)


class Confirming(Scripted):
    """Sets an event when the first file is confirmed."""

    def __init__(self, count: int) -> None:
        images = [httpx.Response(200, json={**IMAGE, "id": n + 1}) for n in range(count)]
        super().__init__(answering([]), confirmed=images)
        self.has_confirmed = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = super().__call__(request)
        if request.url.path.endswith("/confirm/"):
            self.has_confirmed.set()
        return answer


def files(server: Confirming) -> list[FileToSend]:
    """Return a file, and two that can be read only after the first one is confirmed."""
    at_once = threading.Event()
    at_once.set()
    events = [at_once, server.has_confirmed, server.has_confirmed]
    return [
        FileToSend(file=Photo(JPEG + bytes([n]), event), content_type="image/jpeg", order=n)
        for n, event in enumerate(events)
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_first_file_is_recorded_before_the_second_is_hashed(kind: str) -> None:
    server = Confirming(3)

    async def send() -> list[Any]:
        async with async_client(server, []) as broker:
            return await broker.upload_many(files(server), ad=1, at_once=1)

    if kind == "async":
        outcomes = asyncio.run(send())
    else:
        with client(server, []) as broker:
            outcomes = broker.upload_many(files(server), ad=1, at_once=1)
    assert [outcome.error for outcome in outcomes] == [None] * 3
    tickets = [line for line in server.lines if "upload_image" in line]
    assert tickets == ["POST /api/ads/1/upload_image/", "POST /api/ads/1/upload_images/"]


def test_no_files_are_no_outcomes() -> None:
    with client(Confirming(0), []) as broker:
        assert broker.upload_many([], ad=1) == []
