"""Reports about S3's errors and about what answers in between, one test or more for each."""

import random
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker, NetworkError, S3Refused

from tests.python_client.fault_transport import FaultTransport, first, is_for_s3
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket


def s3_error(status: int, code: str) -> httpx.Response:
    """Return S3's error document."""
    error = f"<Code>{code}</Code><Message>No.</Message><RequestId>4442587FB7D0A2F9</RequestId>"
    return httpx.Response(status, text=f'<?xml version="1.0"?><Error>{error}</Error>')


@pytest.mark.parametrize("transport", ["post", "put", "multipart"])
def test_report_09_a_conflict_with_another_request_is_retried(
    live: Live, photo: Path, waits: list[float], transport: Any
) -> None:
    conflict = s3_error(409, "ConditionalRequestConflict")
    network, ad = FaultTransport(first(1, lambda _: conflict)), live.ad()
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, transport=transport)
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert not [request for request in network.requests if request.method == "DELETE"]


# As Cloudflare R2 answers a form: without a request id.
R2_HAS_NO_FORMS = httpx.Response(
    501,
    text='<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code>'
    "<Message>PostObject not implemented</Message></Error>",
)


@pytest.mark.parametrize("transport", ["post", "multipart"])
def test_report_12_not_implemented_is_final_at_once_and_releases_the_slot(
    live: Live, photo: Path, waits: list[float], transport: Any
) -> None:
    network = FaultTransport(first(9, lambda _: R2_HAS_NO_FORMS))
    with (
        Broker(live.url, live.token, transport=network, wait=waits.append) as broker,
        pytest.raises(S3Refused) as refused,
    ):
        broker.upload(photo, ad=live.ad(), transport=transport)
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)
    assert (waits, len([one for one in network.requests if is_for_s3(one)])) == ([], 1)
    (path,) = {one.url.path for one in network.requests if one.method == "DELETE"}
    assert live.user.get(path).get_json()["state"] == "cancelled"


PORTAL = "<!DOCTYPE html><html><title>Sign in to the Wi-Fi</title></html>"


def portal(status: int) -> httpx.Response:
    """Return the page of a captive portal or a proxy."""
    headers = {"Content-Type": "text/html", "Location": "http://wifi.example/"}
    return httpx.Response(status, text=PORTAL, headers=headers)


@pytest.mark.parametrize("transport", ["post", "put", "multipart"])
@pytest.mark.parametrize("status", [302, 403, 407])
def test_report_10_a_captive_portals_answer_is_retried_and_cancels_nothing(
    live: Live, photo: Path, waits: list[float], transport: Any, status: int
) -> None:
    network, ad = FaultTransport(first(6, lambda _: portal(status))), live.ad()
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, transport=transport)
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert len(waits) == 6
    assert network.paths("/failures/") == []
    assert not [request for request in network.requests if request.method == "DELETE"]


def test_report_10_parts_that_have_arrived_are_kept_behind_a_captive_portal(
    s3_bucket: Bucket, tmp_path: Path
) -> None:
    photo = tmp_path / "large.jpg"
    photo.write_bytes(random.Random(1).randbytes(11 * 1024 * 1024))
    arrived: list[str] = []
    others_arrived = threading.Event()

    def part_of(request: httpx.Request) -> str:
        return request.url.params.get("partNumber", "")

    def refuse_part_2(request: httpx.Request) -> httpx.Response | None:
        return portal(403) if part_of(request) == "2" else None

    def note(request: httpx.Request, answer: httpx.Response) -> None:
        if part_of(request):
            assert answer.status_code == 200
            arrived.append(part_of(request))
        if len(arrived) == 2:
            others_arrived.set()

    def wait(_: float) -> None:
        assert others_arrived.wait(20)

    network = FaultTransport(refuse_part_2, note)
    with live_broker(s3_bucket, tmp_path, part_size=5 * 1024 * 1024) as live:
        ad = live.ad()
        with (
            Broker(live.url, live.token, transport=network, wait=wait) as broker,
            pytest.raises(NetworkError, match="something between this machine and S3"),
        ):
            broker.upload(photo, ad=ad, transport="multipart")
        (path,) = set(network.paths("/parts/"))
        upload_id = path.split("/")[3]
        assert live.user.get(f"/api/uploads/{upload_id}/").get_json()["state"] == "pending"
        with Broker(live.url, live.token, transport=FaultTransport(after=note)) as broker:
            image = broker.resume(upload_id, photo)
        assert [one["id"] for one in live.images(ad)] == [image.id]
    assert sorted(arrived) == ["1", "2", "3"]


def test_report_10_a_temporary_redirect_is_retried(
    live: Live, photo: Path, waits: list[float]
) -> None:
    network = FaultTransport(first(1, lambda _: s3_error(307, "TemporaryRedirect")))
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        broker.upload(photo, ad=live.ad(), transport="put")
    assert len(waits) == 1


@pytest.mark.parametrize("status", [200, 302, 403, 407])
def test_report_10_a_captive_portals_answer_for_the_broker_is_retried(
    live: Live, waits: list[float], status: int
) -> None:
    pages = [portal(status)]
    network = FaultTransport(lambda _: pages.pop() if pages else None)
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        assert "avatar" in broker.profiles()
    assert len(waits) == 1


@pytest.mark.parametrize("transport", ["post", "put", "multipart"])
@pytest.mark.parametrize("headers", [{}, {"ETag": '"65a1-2b60"'}])
def test_report_11_a_page_with_status_200_is_not_s3s_answer(
    live: Live, photo: Path, waits: list[float], transport: Any, headers: dict[str, str]
) -> None:
    page = httpx.Response(200, text=PORTAL, headers=headers)
    network, ad = FaultTransport(first(1, lambda _: page)), live.ad()
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, transport=transport)
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert len([one for one in network.requests if is_for_s3(one)]) == 2
    assert len(network.paths("/confirm/") + network.paths("/complete/")) == 1


def test_report_11_a_file_that_the_bucket_does_not_show_is_sent_once_more(
    live: Live, photo: Path, waits: list[float]
) -> None:
    # Something in between answers as S3 does, but stores nothing.
    created = httpx.Response(201, headers={"ETag": '"1"'})
    network, ad, sent = FaultTransport(first(1, lambda _: created)), live.ad(), []
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, on_progress=lambda now: sent.append(now.sent))
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert sent[-1] == max(sent) == photo.stat().st_size
