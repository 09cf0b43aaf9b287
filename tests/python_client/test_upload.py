"""Broker and AsyncBroker upload all kinds of files by every transport."""

import asyncio
import io
import os
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import AsyncBroker, Broker, FileToSend, Progress, User

from tests.http.client import JPEG, token
from tests.python_client.fault_transport import FaultTransport, is_for_s3
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket

LARGE = random.Random(9).randbytes(17 * 1024 * 1024)


def public(url: str) -> httpx.Response:
    return httpx.get(url, verify=False)


@pytest.mark.parametrize("transport", ["post", "put", "multipart"])
def test_a_file_becomes_an_image_of_its_ad(
    live_anywhere: Live, tmp_path: Path, transport: Any
) -> None:
    data = LARGE if transport == "multipart" else JPEG
    file = tmp_path / "front view.jpg"
    file.write_bytes(data)
    ad, steps = live_anywhere.ad(), list[Progress]()
    options: dict[str, Any] = {
        "ad": ad,
        "alt_text": "front view",
        "transport": transport,
        "on_progress": steps.append,
    }

    async def upload() -> Any:
        async with AsyncBroker(live_anywhere.url, live_anywhere.token) as broker:
            return await broker.upload(file, order=2, **options)

    with Broker(live_anywhere.url, live_anywhere.token) as broker:
        images = [broker.upload(file, order=1, **options), asyncio.run(upload())]
    for order, (image, recorded) in enumerate(
        zip(images, live_anywhere.images(ad), strict=True), start=1
    ):
        assert (recorded["id"], recorded["alt_text"]) == (image.id, "front view")
        assert recorded["order"] == image.order == order
        assert public(image.image_url).content == data
        assert public(image.image_url).headers["Content-Type"] == "image/jpeg"
    whole = Progress(index=0, sent=len(data), total=len(data))
    assert steps[-1] == whole
    assert steps.count(whole) == 2


@pytest.mark.parametrize("content_type", [None, "image/jpg"])
def test_report_22_a_form_names_the_content_type_of_the_file(
    live: Live, photo: Path, content_type: str | None
) -> None:
    forms: list[bytes] = []

    def before(request: httpx.Request) -> None:
        if is_for_s3(request):
            forms.append(request.read())

    network = FaultTransport(before)
    with Broker(live.url, live.token, transport=network) as broker:
        broker.upload(photo, ad=live.ad(), transport="post", content_type=content_type)
    (form,) = forms
    _, _, part = form.partition(b'name="file"; filename="file"\r\n')
    assert part.startswith(b"Content-Type: image/jpeg\r\n\r\n" + JPEG)


def test_large_files_are_sent_in_parts_by_default(live: Live) -> None:
    with Broker(live.url, live.token) as broker:
        image = broker.upload(io.BytesIO(LARGE), ad=live.ad(), content_type="image/jpeg")
    assert public(image.image_url).content == LARGE


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.jpg", "photo\u200f.jpg".encode(), b"two\nlines.jpg", "🛵".encode() * 60 + b".jpg"],
    ids=["latin-1", "marks", "lines", "emoji"],
)
def test_a_file_can_have_any_name(live: Live, tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(JPEG)
    with Broker(live.url, live.token) as broker:
        assert broker.upload(path, ad=live.ad()).image.endswith(".jpg")


def test_an_avatar_is_set_for_its_user(live: Live, photo: Path) -> None:
    with Broker(live.url, live.token) as broker:
        image = broker.upload(photo, user=1)
    assert live.user.get("/api/users/1/").get_json()["avatar_url"] == image.image_url


def test_report_24_both_clients_return_the_tokens_user(live: Live, photo: Path) -> None:
    async def me() -> User:
        async with AsyncBroker(live.url, token("auth0|ada")) as broker:
            return await broker.me()

    with Broker(live.url, token("auth0|ada")) as broker:
        found = broker.me()
        image = broker.upload(photo, user=found.id)
        assert broker.me().avatar_url == image.image_url
    assert found.subject == "auth0|ada"
    assert found.id >= 2**52
    assert asyncio.run(me()).id == found.id


def test_a_stream_is_sent_from_its_current_position_and_not_closed(live: Live) -> None:
    stream = io.BytesIO(b"header" + JPEG)
    stream.seek(6)
    with Broker(live.url, live.token) as broker:
        image = broker.upload(stream, ad=live.ad(), content_type="image/jpeg")
    assert public(image.image_url).content == JPEG
    assert not stream.closed


@pytest.mark.parametrize("transport", ["put", "multipart"])
def test_a_pipe_can_be_uploaded(live: Live, transport: Any) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "wb") as writer:
        writer.write(JPEG)
        writer.close()
        with Broker(live.url, live.token) as broker:
            image = broker.upload(
                reader, ad=live.ad(), content_type="image/jpeg", transport=transport
            )
    assert public(image.image_url).content == JPEG


def test_a_path_can_be_a_pipe(live: Live) -> None:
    read, write = os.pipe()
    os.write(write, JPEG)
    os.close(write)
    with Broker(live.url, live.token) as broker:
        image = broker.upload(f"/dev/fd/{read}", ad=live.ad(), content_type="image/jpeg")
    os.close(read)
    assert public(image.image_url).content == JPEG


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_sixty_small_files_get_their_tickets_in_three_batches(
    s3_bucket: Bucket, tmp_path: Path, kind: str
) -> None:
    files = []
    for number in range(60):
        files.append(tmp_path / f"{number}.jpg")
        files[-1].write_bytes(JPEG + bytes([number]))
    requests: list[str] = []
    with live_broker(s3_bucket, tmp_path, max_images_per_ad=60) as live:
        live.app.before_request(lambda: requests.append(_path()))
        ad = live.ad()
        requests.clear()
        to_send = [FileToSend(file=file, order=n) for n, file in enumerate(files)]

        async def upload() -> Any:
            async with AsyncBroker(live.url, live.token) as broker:
                return await broker.upload_many(to_send, ad=ad, at_once=8)

        if kind == "sync":
            with Broker(live.url, live.token) as broker:
                outcomes = broker.upload_many(to_send, ad=ad, at_once=8)
        else:
            outcomes = asyncio.run(upload())
        recorded = [image["id"] for image in live.images(ad)]
    assert [outcome.error for outcome in outcomes] == [None] * 60
    assert recorded == [outcome.image.id for outcome in outcomes if outcome.image]
    assert sum(path.endswith("/upload_images/") for path in requests) == 3  # 8, 50 and 2


def test_each_of_many_files_has_its_own_outcome(s3_bucket: Bucket, tmp_path: Path) -> None:
    photos = [tmp_path / f"{name}.jpg" for name in "abc"]
    for number, path in enumerate(photos):
        path.write_bytes(JPEG * (number + 1))
    with live_broker(s3_bucket, tmp_path, max_images_per_ad=2) as live:
        ad = live.ad()
        with Broker(live.url, live.token) as broker:
            outcomes = broker.upload_many(
                [photos[0], tmp_path / "missing.jpg", tmp_path / "text.unknown", *photos[1:]],
                ad=ad,
                at_once=1,
            )
        assert len(live.images(ad)) == 2
    names = [type(outcome.error).__name__ for outcome in outcomes]
    assert names == [
        "NoneType",
        "FileNotFoundError",
        "UnknownType",
        "NoneType",
        "ImageLimitReached",
    ]


def test_at_once_must_be_at_least_one() -> None:
    with Broker("http://127.0.0.1:1", "token") as broker, pytest.raises(ValueError, match="1 or"):
        broker.upload_many(["a.jpg", "b.jpg"], ad=1, at_once=0)


def test_a_batch_that_gets_no_tickets_does_not_lose_the_outcomes_of_earlier_batches(
    live: Live, tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker_client.many.BATCH", 2)
    photos = [tmp_path / f"{number}.jpg" for number in range(4)]
    for number, path in enumerate(photos):
        path.write_bytes(JPEG * (number + 1))
    batches: list[str] = []

    def tunnel(request: httpx.Request) -> None:
        if request.url.path.endswith("/upload_images/"):
            batches.append(request.url.path)
            if len(batches) > 1:
                raise httpx.ConnectError("no route", request=request)

    network = FaultTransport(tunnel)
    with Broker(live.url, live.token, transport=network, retries=1, wait=waits.append) as broker:
        outcomes = broker.upload_many(photos, ad=live.ad())
    assert [type(outcome.error).__name__ for outcome in outcomes] == [
        "NoneType",
        "NoneType",
        "NetworkError",
        "NetworkError",
    ]
    assert [outcome.index for outcome in outcomes if outcome.image] == [0, 1]


def _path() -> str:
    from flask import request

    return request.path
