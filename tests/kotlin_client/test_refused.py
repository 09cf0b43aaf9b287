"""The Kotlin client after refusals: by the broker, by S3, and by a file that has changed."""

import json
import time
from pathlib import Path

import pytest
from flask import Response

from tests.http.client import JPEG, token
from tests.kotlin_client.conftest import MIB, ON_BOTH, OpenShop
from tests.kotlin_client.faults import answer_first, answering_bucket, sent_requests
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.matrix(part="kotlin")


def problem(status: int, code: str, after: int | None = None) -> Response:
    headers = {} if after is None else {"Retry-After": str(after)}
    body = json.dumps({"code": code, "status": status})
    return Response(body, status, headers, mimetype="application/problem+json")


@ON_BOTH
@pytest.mark.parametrize("size", [7 * MIB, 12 * MIB], ids=["put", "multipart"])
def test_a_file_that_changes_while_it_is_sent_is_one_clear_error(
    s3_bucket: Bucket, open_shop: OpenShop, size: int
) -> None:
    data = JPEG + bytes(size)
    with cutting_proxy(s3_bucket.server.endpoint_url) as network:
        shop = open_shop(s3_public_url=network.url)
        network.hold(b"PUT ")  # the file does not fit into the buffers before it
        file = shop.file(data)
        jvm = shop.begin("upload", file)
        now = next(now for now in jvm.progress() if now["sent"] > 0)
        Path(file).write_bytes(b"x" * len(data))
        network.mend()
        done = jvm.finish()
    assert (done.error["name"], done.error["code"]) == ("FileChanged", "file_changed")
    assert network.sent < 2 * len(data)
    assert shop.upload(now["id"])["state"] == "cancelled"
    assert shop.images() == []
    assert list(Path(shop.journal).iterdir()) == []


def test_a_full_ad_is_one_request_and_its_own_error(open_shop: OpenShop) -> None:
    shop = open_shop(max_images_per_ad=1)
    shop.run("upload", shop.file(JPEG))
    asked = sent_requests(shop.live.app)
    done = shop.run("upload", shop.file(JPEG + b" "))
    assert (done.error["name"], done.error["code"]) == ("ImageLimitReached", "image_limit_reached")
    assert sum(path.endswith("/upload_image/") for path in asked) == 1


@pytest.mark.parametrize("ending", ["/upload_image/", "/confirm/"])
def test_retry_after_of_the_broker_is_obeyed(open_shop: OpenShop, ending: str) -> None:
    shop = open_shop()
    times: list[float] = []

    def busy() -> Response:
        times.append(time.monotonic())
        return problem(503, "database_unavailable", after=3)

    answer_first(shop.live.app, ending, busy)
    shop.run("upload", shop.file(JPEG))
    assert time.monotonic() - times[0] >= 3
    assert len(shop.images()) == 1


def test_retry_after_of_s3_is_obeyed(s3_bucket: Bucket, open_shop: OpenShop) -> None:
    slow_down = b"<Error><Code>SlowDown</Code><Message>Busy.</Message></Error>"
    with answering_bucket(s3_bucket.server.endpoint_url, 503, slow_down, after=3) as bucket:
        shop = open_shop(s3_public_url=bucket.url)
        shop.run("upload", shop.file(JPEG))
    first, second = bucket.times
    assert second - first >= 3
    assert len(shop.images()) == 1


def test_a_long_rate_limit_is_an_error_at_once_and_the_upload_is_kept(open_shop: OpenShop) -> None:
    shop = open_shop()
    answer_first(shop.live.app, "/confirm/", lambda: problem(429, "rate_limited", after=600))
    file = shop.file(JPEG)
    done = shop.run("upload", file)
    assert (done.error["name"], done.error["code"]) == ("RateLimited", "rate_limited")
    again = shop.run("upload", file)
    assert {step["id"] for step in [*done.values("progress"), *again.values("progress")]} == {
        done.values("progress")[0]["id"]
    }
    assert len(shop.images()) == 1


@pytest.mark.parametrize("ending", ["/upload_image/", "/confirm/"])
def test_a_token_that_expires_in_between_is_replaced_once(open_shop: OpenShop, ending: str) -> None:
    shop = open_shop()
    asked = answer_first(shop.live.app, ending, lambda: problem(401, "token_expired"))
    done = shop.run("upload", shop.file(JPEG), tokens=[token(jti="first"), token(jti="second")])
    assert sum(path.endswith(ending) for path in asked) == 2
    assert done.result["id"] == shop.images()[0]["id"]
    assert set(done.values("token")) == {f"ad_image/{shop.ad}"}


def test_a_user_who_must_sign_in_is_an_error_that_keeps_the_upload(open_shop: OpenShop) -> None:
    shop = open_shop()
    file = shop.file(JPEG)
    expired = token(1, exp=int(time.time()) - 3600)
    assert shop.run("upload", file, tokens=[expired]).error["name"] == "Unauthorized"
    assert shop.run("upload", file).result["id"] == shop.images()[0]["id"]


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>Sign in"), (403, b"<html>Sign in")])
def test_the_page_of_a_captive_portal_is_not_s3s_answer(
    s3_bucket: Bucket, open_shop: OpenShop, status: int, body: bytes
) -> None:
    with answering_bucket(s3_bucket.server.endpoint_url, status, body) as bucket:
        shop = open_shop(s3_public_url=bucket.url)
        asked = sent_requests(shop.live.app)
        shop.run("upload", shop.file(JPEG))
    assert len(bucket.times) == 2
    assert not [path for path in asked if "failures" in path or "DELETE" in path]


def test_a_url_that_has_expired_is_renewed(s3_bucket: Bucket, open_shop: OpenShop) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    with answering_bucket(s3_bucket.server.endpoint_url, 403, body) as bucket:
        shop = open_shop(s3_public_url=bucket.url)
        asked = sent_requests(shop.live.app)
        shop.run("upload", shop.file(JPEG))
    assert len(bucket.times) == 2
    assert sum(path.endswith("/renew/") for path in asked) == 1


def test_a_final_refusal_of_s3_releases_the_slot(s3_bucket: Bucket, open_shop: OpenShop) -> None:
    body = b"<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message></Error>"
    with answering_bucket(s3_bucket.server.endpoint_url, 403, body) as bucket:
        shop = open_shop(s3_public_url=bucket.url)
        done = shop.run("upload", shop.file(JPEG))
    assert (done.error["name"], done.error["code"]) == ("S3Refused", "SignatureDoesNotMatch")
    assert shop.upload(done.values("progress")[0]["id"])["state"] == "cancelled"


def test_an_upload_that_has_expired_starts_again_with_a_new_ticket(open_shop: OpenShop) -> None:
    shop = open_shop()
    file = shop.file(JPEG)
    answer_first(shop.live.app, "/confirm/", lambda: problem(410, "upload_expired"))
    done = shop.run("upload", file)
    assert len({step["id"] for step in done.values("progress")}) == 2
    assert [image["id"] for image in shop.images()] == [done.result["id"]]
