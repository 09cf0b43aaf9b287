"""The Kotlin client on bad networks, and after it was killed."""

import random
from pathlib import Path

import httpx
import pytest

from tests.http.client import JPEG
from tests.kotlin_client.command import started
from tests.kotlin_client.conftest import MIB, OpenShop, working
from tests.kotlin_client.faults import lose_answers, losing_bucket, sent_requests
from tests.processes import await_true
from tests.python_client.discarding_server import discarding_server
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.matrix(part="kotlin")


def large(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def test_60_mb_arrive_in_parts_although_the_network_cuts_connections(
    s3_bucket: Bucket, open_shop: OpenShop
) -> None:
    data = large(60 * MIB)
    with cutting_proxy(s3_bucket.server.endpoint_url, [MIB, 3 * MIB, 7 * MIB]) as network:
        shop = open_shop(s3_public_url=network.url)
        done = shop.run("upload", shop.file(data))
        assert httpx.get(done.result["image_url"], verify=False).content == data
    steps = [step["sent"] for step in done.values("progress")]
    assert network.cut >= 2
    assert len(shop.images()) == 1
    assert max(steps) == steps[-1] == len(data)


def test_another_process_sends_only_the_parts_that_are_missing(
    s3_bucket: Bucket, open_shop: OpenShop
) -> None:
    data = large(40 * MIB)
    with cutting_proxy(s3_bucket.server.endpoint_url) as network:
        shop = open_shop(s3_public_url=network.url)
        file = shop.file(data)
        with shop.start("upload", file) as jvm:
            # Four parts of 5 MiB are sent at a time: during the fifth, the first four have arrived.
            now = next(now for now in jvm.progress() if now["sent"] > 21 * MIB)
            jvm.kill()
        missing = shop.parts(now["id"])["missing"]
        assert len(missing) <= 4
        before = network.sent
        done = shop.run("upload", file)
        sent = network.sent - before
    assert sent // (5 * MIB) == len(missing)
    assert {step["id"] for step in done.values("progress")} == {now["id"]}
    assert [image["id"] for image in shop.images()] == [done.result["id"]]
    assert list(Path(shop.journal).iterdir()) == []


def test_a_process_that_is_killed_while_its_file_is_processed_sends_nothing_again(
    open_shop: OpenShop, jpeg: bytes
) -> None:
    shop = open_shop(inspection="required")
    file = shop.file(jpeg)
    with shop.start("upload", file) as jvm:
        now = next(now for now in jvm.progress() if now["phase"] == "processing")
        jvm.kill()
    asked = sent_requests(shop.live.app)
    with working(shop):
        done = shop.run("upload", file)
    assert [image["id"] for image in shop.images()] == [done.result["id"]]
    assert {step["id"] for step in done.values("progress")} == {now["id"]}
    assert not [path for path in asked if "upload_image" in path or "renew" in path]


def test_an_upload_is_resumed_by_its_id_on_another_device(open_shop: OpenShop) -> None:
    shop = open_shop()
    file = shop.file(large(12 * MIB))
    with shop.start("upload", file, journal=None) as jvm:
        now = next(now for now in jvm.progress() if now["sent"] > MIB)
        jvm.kill()
    done = shop.run("resume", file, uploadId=now["id"], journal=None)
    assert [image["id"] for image in shop.images()] == [done.result["id"]]
    other = shop.file(JPEG, "other.jpg")
    assert shop.run("resume", other, uploadId=now["id"]).error["name"] == "WrongFile"


@pytest.mark.parametrize(
    ("size", "endings"),
    [
        (0, ["/upload_image/", "/confirm/"]),
        (9 * MIB, ["/upload_image/", "/parts/", "/parts/", "/complete/"]),
    ],
    ids=["put", "multipart"],
)
def test_lost_answers_of_the_broker_leave_one_image(
    open_shop: OpenShop, size: int, endings: list[str]
) -> None:
    shop = open_shop()
    asked = lose_answers(shop.live.app, *endings)
    done = shop.run("upload", shop.file(JPEG + bytes(size)))
    assert [image["id"] for image in shop.images()] == [done.result["id"]]
    assert sum(path.endswith("/upload_image/") for path in asked) == 2
    assert len({path.split("/")[3] for path in asked if "/uploads/" in path}) == 1


def test_a_process_that_is_killed_before_it_knows_its_ticket_takes_no_second_slot(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(max_images_per_ad=1)
    file = shop.file(JPEG)
    asked = lose_answers(shop.live.app, *["/upload_image/"] * 2)
    with shop.start("upload", file) as jvm:
        await_true(lambda: "upload_image" in str(asked))
        jvm.kill()
    assert shop.run("upload", file, altText="another text").result["alt_text"] == ""
    assert len(shop.images()) == 1


def test_a_put_whose_answer_was_lost_has_arrived(s3_bucket: Bucket, open_shop: OpenShop) -> None:
    with losing_bucket(s3_bucket.server.endpoint_url) as url:
        shop = open_shop(s3_public_url=url)
        done = shop.run("upload", shop.file(JPEG))
    assert [image["id"] for image in shop.images()] == [done.result["id"]]


def test_200_mb_are_uploaded_with_a_heap_of_48_mb(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as sparse:
        sparse.truncate(200 * MIB)
    with discarding_server() as server, started("-Xmx48m") as jvm:
        given = {"url": server.url, "tokens": ["token"], "owner": "ad_image/1"}
        done = jvm.run(does="upload", files=[str(file)], **given)
        assert server.received == 200 * MIB
    assert done.result["id"] == 1
