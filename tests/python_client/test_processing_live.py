"""Both Python clients and `broker upload` with a broker that inspects, and a worker."""

import asyncio
import functools
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from broker_client import AsyncBroker, Broker, Image, NotFound, Progress, Upload, UploadRejected
from click.testing import CliRunner

from broker.cli.upload import upload as command
from broker.domain.rejections import RejectionReason
from tests.http.worker import HEIGHT, THUMBHASH, WIDTH, Worker, rejecting
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket


@pytest.fixture
def live(s3_bucket: Bucket, tmp_path: Path) -> Iterator[Live]:
    """Serve a broker whose uploads wait for a worker."""
    with live_broker(s3_bucket, tmp_path, inspection="required") as broker:
        yield broker


@pytest.fixture
def worker(live: Live, tmp_path: Path) -> Worker:
    directory = tmp_path / "worker"
    directory.mkdir()
    return Worker(live.app, directory)


def client(live: Live, worker: Worker) -> Broker:
    """Return a client that lets the worker work while it waits."""
    return Broker(live.url, live.token, wait=lambda _: _run(worker))


def _run(worker: Worker) -> None:
    worker.run()


@pytest.mark.parametrize("transport", ["post", "multipart"])
def test_an_upload_returns_the_published_image(
    live: Live, worker: Worker, photo: Path, transport: str
) -> None:
    ad, steps = live.ad(), list[Progress]()
    with client(live, worker) as broker:
        image = broker.upload(photo, ad=ad, transport=transport, on_progress=steps.append)  # type: ignore[arg-type]
    (published,) = live.images(ad)
    assert (image.id, image.width, image.height) == (published["id"], WIDTH, HEIGHT)
    assert image.thumbhash == THUMBHASH
    assert [one.url for one in image.variants] == [one["url"] for one in published["variants"]]
    assert len(image.variants) == 2
    assert httpx.get(image.image_url, verify=False).content == photo.read_bytes()
    assert steps[-1].phase == "processing"


def test_many_uploads_are_published(live: Live, worker: Worker, photo: Path) -> None:
    ad = live.ad()
    with client(live, worker) as broker:
        outcomes = broker.upload_many([photo] * 5, ad=ad)
    images = [outcome.image for outcome in outcomes if outcome.image is not None]
    assert sorted(image.id for image in images) == sorted(one["id"] for one in live.images(ad))
    assert len(images) == 5


def test_tasks_wait_together(live: Live, worker: Worker, photo: Path) -> None:
    ad = live.ad()

    async def wait(_: float) -> None:
        await asyncio.to_thread(worker.run)

    async def upload_all() -> list[Image]:
        async with AsyncBroker(live.url, live.token, wait=wait) as broker:
            return await asyncio.gather(*(broker.upload(photo, ad=ad) for _ in range(3)))

    ids = sorted(image.id for image in asyncio.run(upload_all()))
    assert ids == sorted(one["id"] for one in live.images(ad))


def test_an_avatar_has_its_variants(live: Live, worker: Worker, photo: Path) -> None:
    with client(live, worker) as broker:
        image = broker.upload(photo, user=1)
        avatar = broker.me().avatar_image
    assert avatar is not None
    assert (avatar.width, avatar.thumbhash, avatar.variants) == (
        image.width,
        image.thumbhash,
        image.variants,
    )


def test_a_rejected_file_raises_its_reason(live: Live, worker: Worker, photo: Path) -> None:
    worker.inspect = rejecting(RejectionReason.NOT_AN_IMAGE)
    ad = live.ad()
    with client(live, worker) as broker:
        recorded = broker.upload(photo, ad=ad, wait_for="recorded")
        assert isinstance(recorded, Upload)
        with pytest.raises(UploadRejected) as waited:
            broker.confirm(recorded.id)
        with pytest.raises(UploadRejected) as asked:
            broker.confirm(recorded.id, wait_for="recorded")
    assert waited.value.reason == asked.value.reason == "not_an_image"
    assert live.images(ad) == []


def test_an_upload_is_cancelled_while_it_is_processed(
    live: Live, worker: Worker, photo: Path
) -> None:
    with client(live, worker) as broker:
        recorded = broker.upload(photo, ad=live.ad(), wait_for="recorded")
        broker.cancel(recorded.id)  # type: ignore[arg-type]
        assert worker.run() == []
        with pytest.raises(NotFound):
            broker.confirm("01997a3e-5b1c-7c41-9d3e-2f1a6b7c8d9e")


def test_broker_upload_prints_the_published_image(
    live: Live, worker: Worker, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = importlib.import_module("broker.cli.upload.run")
    waiting = functools.partial(Broker, wait=lambda _: _run(worker))
    monkeypatch.setattr(run, "Broker", waiting)
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "BROKER_TOKEN": live.token}
    ad = live.ad()
    options = ["--ad", str(ad), "--url", live.url, "--json"]
    done = CliRunner().invoke(command, [str(photo), *options], env=environment)
    assert done.exit_code == 0, done.output
    image = json.loads(done.stdout)["image"]
    assert image["variants"] == live.images(ad)[0]["variants"]
    worker.inspect = rejecting(RejectionReason.CORRUPT)
    photo.write_bytes(photo.read_bytes() + b" ")
    failed = CliRunner().invoke(command, [str(photo), *options], env=environment)
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["error"]["reason"] == "corrupt"
    assert "upload_rejected" in failed.stderr
