"""Several uploads that are processed: in one `upload_many`, in threads, in tasks."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker, Image
from broker_client.processing import LOOK_SECONDS

from tests.python_client.scripted import (
    IMAGE,
    URL,
    Scripted,
    answering,
    async_client,
    client,
    ready,
    upload,
)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo{number}.jpg" for number in range(60)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_many_files_are_asked_for_together_and_take_no_place_of_those_that_are_sent(
    photos: list[Path], waits: list[float], kind: str
) -> None:
    """Nothing is ready before the last file is sent, although two are sent at a time."""

    def polled(ids: list[str]) -> httpx.Response:
        confirms = sum(line.endswith("/confirm/") for line in server.lines)
        found = [ready(one) if confirms == len(photos) else upload(one) for one in ids]
        return httpx.Response(200, json={"uploads": found})

    server, done = Scripted(polled), list[int]()
    options: dict[str, Any] = {
        "ad": 1,
        "at_once": 2,
        "on_done": lambda outcome: done.append(outcome.index),
    }

    async def send() -> list[Any]:
        async with async_client(server, waits) as broker:
            return await broker.upload_many(photos, **options)

    if kind == "async":
        outcomes = asyncio.run(send())
    else:
        with client(server, waits) as broker:
            outcomes = broker.upload_many(photos, **options)
    assert [outcome.index for outcome in outcomes] == list(range(60))
    assert len({outcome.image.id for outcome in outcomes if outcome.image}) == 60
    assert sorted(done) == list(range(60))
    assert max(map(len, server.polls)) == 50


def test_the_uploads_of_several_threads_share_one_poll(waits: list[float]) -> None:
    looking, all_wait = set[int](), threading.Event()

    def wait(seconds: float) -> None:
        if seconds != LOOK_SECONDS:  # the thread that will ask
            all_wait.wait(timeout=10)
            return
        looking.add(threading.get_ident())
        if len(looking) == 2:
            all_wait.set()
        threading.Event().wait(0.001)

    def polled(ids: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"uploads": [ready(one) for one in ids]})

    server, images = Scripted(polled), list[int]()
    with Broker(URL, "token", transport=httpx.MockTransport(server), wait=wait) as broker:
        threads = [
            threading.Thread(target=lambda one=one: images.append(broker.confirm(one).id))
            for one in ("u1", "u2", "u3")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
    assert sorted(images) == [1, 2, 3]
    assert all_wait.is_set(), "two threads look while one asks"
    assert [sorted(ids) for ids in server.polls] == [["u1", "u2", "u3"]]


def test_the_uploads_of_several_tasks_share_one_poll(waits: list[float]) -> None:
    def polled(ids: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"uploads": [ready(one) for one in ids]})

    async def confirm_all() -> list[Image]:
        async with async_client(server, waits) as broker:
            return await asyncio.gather(*(broker.confirm(f"u{n}") for n in range(1, 6)))

    server = Scripted(polled)
    assert [image.id for image in asyncio.run(confirm_all())] == [1, 2, 3, 4, 5]
    assert len(server.polls) < 5


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("sent", [0, 1])
def test_an_error_of_the_callers_function_ends_all_threads(
    photos: list[Path], waits: list[float], sent: int
) -> None:
    before = set(threading.enumerate())
    server = Scripted(answering([ready("u1"), upload("u2"), upload("u3")]))
    image = httpx.Response(200, json=IMAGE)
    server.confirmed = [image] * sent

    def fail(_: object) -> None:
        raise RuntimeError("no disk")

    with client(server, waits) as broker, pytest.raises(RuntimeError, match="no disk"):
        broker.upload_many(photos[:3], ad=1, on_done=fail)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert broker._operations._processing._callers == []
