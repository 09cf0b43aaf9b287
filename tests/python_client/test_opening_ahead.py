"""`upload_many` opens and hashes the next files while it sends."""

import asyncio
import io
import tempfile
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


class Pipe(Photo):
    """A file that is copied to disk, because it cannot seek."""

    def __init__(self, content: bytes, may_be_read: threading.Event) -> None:
        super().__init__(content, may_be_read)
        self.is_read = threading.Event()

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1) -> bytes:
        self.is_read.set()
        return super().read(size)


@pytest.mark.parametrize("kind", ["one", "many"])
def test_a_file_that_is_opened_after_a_cancel_is_closed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, create = [], tempfile.TemporaryFile

    def created() -> Any:
        copies.append(create())
        return copies[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", created)
    pipe = Pipe(JPEG, threading.Event())
    file = FileToSend(file=pipe, content_type="image/jpeg")

    async def cancelled() -> None:
        async with async_client(Confirming(0), []) as broker:
            one, many = broker.upload, broker.upload_many
            sending = (
                one(pipe, ad=1, content_type="image/jpeg") if kind == "one" else many([file], ad=1)
            )
            task = asyncio.ensure_future(sending)
            assert await asyncio.to_thread(pipe.is_read.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            pipe.may_be_read.set()

    asyncio.run(cancelled())  # it also waits for the thread that opens the file
    assert [copy.closed for copy in copies] == [True]


def test_no_files_are_no_outcomes() -> None:
    with client(Confirming(0), []) as broker:
        assert broker.upload_many([], ad=1) == []
