"""The Kotlin client uploads files to a real broker and bucket."""

import httpx
import pytest

from tests.http.client import JPEG
from tests.kotlin_client.conftest import MIB, ON_BOTH, OpenShop, working
from tests.kotlin_client.faults import sent_requests

pytestmark = pytest.mark.matrix(part="kotlin")


@ON_BOTH
def test_a_small_file_is_sent_with_one_put(open_shop: OpenShop) -> None:
    shop = open_shop()
    asked = sent_requests(shop.live.app)
    done = shop.run("upload", shop.file(JPEG), altText="front\nview", order=3)
    (image,) = shop.images()
    assert (image["id"], image["alt_text"], image["order"]) == (done.result["id"], "front view", 3)
    assert image["created_at"] == done.result["created_at"]
    answer = httpx.get(done.result["image_url"], verify=False)
    assert (answer.content, answer.headers["Content-Type"]) == (JPEG, "image/jpeg")
    upload_id = done.values("progress")[0]["id"]
    assert shop.upload(upload_id)["transport"] == "put"
    assert [line.replace(upload_id, "ID") for line in asked] == [
        "GET /api/profiles/",
        f"POST /api/ads/{shop.ad}/upload_image/",
        "POST /api/uploads/ID/confirm/",
    ]


def test_the_app_is_told_the_id_first_and_then_each_step_up_to_the_whole_file(
    open_shop: OpenShop,
) -> None:
    shop, data = open_shop(), JPEG + bytes(MIB)
    steps = shop.run("upload", shop.file(data)).values("progress")
    sent = [step["sent"] for step in steps]
    assert sent[0] == 0
    assert sent == sorted(sent)
    assert sent[-1] == len(data)
    assert {(step["total"], step["phase"]) for step in steps} == {(len(data), "sending")}


def test_two_files_with_the_same_name_are_two_uploads(open_shop: OpenShop) -> None:
    shop = open_shop()
    files = [shop.file(JPEG, "a/IMG_0001.jpg"), shop.file(JPEG + b" ", "b/IMG_0001.jpg")]
    done = shop.run("upload", *files)
    assert {image["id"] for image in shop.images()} == {one["id"] for one in done.values("result")}
    assert len(shop.images()) == 2


def test_the_same_file_twice_is_two_uploads_at_once_and_one_after_the_other(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    file = shop.file(JPEG)
    assert len(shop.run("upload", file, file).values("result")) == 2
    shop.run("upload", file)
    assert len({image["id"] for image in shop.images()}) == 3


def test_send_returns_as_soon_as_the_broker_knows_that_the_file_has_arrived(
    open_shop: OpenShop, jpeg: bytes
) -> None:
    shop = open_shop(inspection="required")
    sent = shop.run("send", shop.file(jpeg))
    upload_id = sent.result["id"]
    assert sent.result == {"id": upload_id, "state": "processing"}
    assert sent.values("progress")[-1]["phase"] == "processing"
    with working(shop):
        image = shop.run("confirm", uploadId=upload_id).result
    assert [one["id"] for one in shop.images()] == [image["id"]]
    assert (image["width"], image["height"]) == (1200, 900)
    assert len(image["variants"]) == 2
    again = shop.run("confirm", uploadId=upload_id)
    assert again.result == image


def test_upload_returns_the_image_when_it_is_published(open_shop: OpenShop, jpeg: bytes) -> None:
    shop = open_shop(inspection="required")
    with working(shop):
        done = shop.run("upload", shop.file(jpeg))
    (image,) = shop.images()
    assert done.result["id"] == image["id"]
    assert done.result["thumbhash"] == image["thumbhash"]
    assert done.values("progress")[-1]["phase"] == "processing"


def test_a_file_that_is_no_image_is_rejected_with_the_reason(open_shop: OpenShop) -> None:
    shop = open_shop(inspection="required")
    with working(shop):
        done = shop.run("upload", shop.file(JPEG))
    assert (done.error["name"], done.error["code"]) == ("UploadRejected", "upload_rejected")
    assert done.error["reason"] in ("not_an_image", "corrupt")
    assert shop.images() == []


def test_a_cancelled_upload_releases_its_slot(open_shop: OpenShop, jpeg: bytes) -> None:
    shop = open_shop(inspection="required", max_images_per_ad=1)
    upload_id = shop.run("send", shop.file(jpeg)).result["id"]
    assert shop.run("upload", shop.file(jpeg + b" ", "b.jpg")).error["name"] == "ImageLimitReached"
    shop.run("cancel", uploadId=upload_id)
    assert shop.upload(upload_id)["state"] == "cancelled"
    assert shop.run("send", shop.file(jpeg + b" ", "b.jpg")).result["state"] == "processing"
