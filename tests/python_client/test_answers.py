"""Answers that are late, lost, or not from the broker or S3."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker, S3Refused
from broker_client.http import answer_of

from tests.python_client.fault_transport import FaultTransport, first, is_for_s3
from tests.python_client.live import Live

DATE = "Fri, 31 Jan 2020 12:00:00 GMT"


@pytest.mark.parametrize("transport", ["post", "put"])
def test_an_image_recorded_while_the_answer_was_lost_is_returned(
    live: Live, photo: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch, transport: Any
) -> None:
    # Every form counts as expired, so the client renews it before it sends it again.
    monkeypatch.setattr("broker_client.tickets.RENEW_EARLY_SECONDS", 1e6)
    ids: list[str] = []

    def lose(request: httpx.Request, answer: httpx.Response) -> None:
        if request.url.path.endswith("/upload_image/"):
            ids.append(answer.json()["id"])
        if is_for_s3(request):
            live.user.post(f"/api/uploads/{ids[0]}/confirm/")  # like a bucket notification
            raise httpx.ReadError("lost", request=request)

    ad, network = live.ad(), FaultTransport(after=lose)
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, transport=transport)
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert len(network.paths("/renew/")) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "Fri, 31 Jan 2020 12:01:00 GMT", "Date": DATE}, 60.0),
        ({"Retry-After": "Fri, 31 Jan 2020 11:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Fri, 31 Jan 2020 12:01:00 GMT"}, 0.0),  # in the past by our clock
        ({"Retry-After": "soon", "Date": DATE}, None),
        ({"Retry-After": "37"}, 37.0),
    ],
)
def test_retry_after_can_be_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert answer_of(httpx.Response(503, headers=headers)).retry_after == seconds


@pytest.mark.parametrize("code", ["A\x1b[2JB", "\n", "&#27;"])
def test_a_refusal_with_unprintable_characters_is_reported_and_raised(
    live: Live, photo: Path, waits: list[float], code: str
) -> None:
    answer = httpx.Response(
        403, text=f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    )
    network = FaultTransport(first(9, lambda _: answer))
    with (
        Broker(live.url, live.token, transport=network, wait=waits.append) as broker,
        pytest.raises(S3Refused) as refused,
    ):
        broker.upload(photo, ad=live.ad(), transport="put")
    assert refused.value.action == "give_up"
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("transport", "status", "body"),
    [
        ("put", 400, "<Error><Code>RequestTimeout</Code></Error>"),
        ("multipart", 408, "<html>408</html>"),
        ("post", 429, "<html>429</html>"),
    ],
)
def test_dead_connections_are_not_reported_and_do_not_end_an_upload(
    live: Live, photo: Path, waits: list[float], transport: Any, status: int, body: str
) -> None:
    dead = httpx.Response(status, text=body)
    network = FaultTransport(first(6, lambda _: dead))
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        broker.upload(photo, ad=live.ad(), transport=transport)
    assert len(waits) == 6
    assert network.paths("/failures/") == []


def test_a_request_that_a_proxy_timed_out_is_retried(live: Live, waits: list[float]) -> None:
    once = [httpx.Response(408, text="<html>408</html>")]
    network = FaultTransport(lambda _: once.pop() if once else None)
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        assert "avatar" in broker.profiles()
