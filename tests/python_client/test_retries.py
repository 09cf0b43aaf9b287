"""The client retries, renews, reports and gives up as docs/protocol.md describes."""

import asyncio
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import (
    AsyncBroker,
    Broker,
    BrokerError,
    NetworkError,
    ObjectMissing,
    S3Refused,
    Unauthorized,
    Unavailable,
)

from tests.http.client import JPEG, token
from tests.python_client.fault_transport import FaultTransport, first, is_for_s3
from tests.python_client.live import Live, live_broker
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

MIB = 1024 * 1024
BUSY = "<Error><Code>SlowDown</Code><Message>No.</Message></Error>"
EXPIRED = "<Error><Code>AccessDenied</Code><Message>Invalid: Policy expired.</Message></Error>"


def broker(live: Live, network: FaultTransport, waits: list[float], **options: Any) -> Broker:
    return Broker(live.url, live.token, transport=network, wait=waits.append, **options)


@pytest.mark.parametrize(
    ("kind", "transport"),
    [("sync", "post"), ("async", "put"), ("sync", "multipart"), ("async", "multipart")],
)
def test_a_dropped_connection_is_retried(
    s3_bucket: Bucket, tmp_path: Path, waits: list[float], transport: Any, kind: str
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(random.Random(1).randbytes(9 * MIB))
    budgets = [MIB // 2, MIB // 2]

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def upload(live: Live, ad: int) -> Any:
        async with AsyncBroker(live.url, live.token, wait=wait) as broker:
            return await broker.upload(photo, ad=ad, transport=transport)

    with (
        cutting_proxy(s3_bucket.server.endpoint_url, budgets) as network,
        live_broker(s3_bucket, tmp_path, s3_public_url=network.url) as live,
    ):
        ad = live.ad()
        if kind == "async":
            image = asyncio.run(upload(live, ad))
        else:
            with Broker(live.url, live.token, wait=waits.append) as sync:
                image = sync.upload(photo, ad=ad, transport=transport)
        assert httpx.get(image.image_url, verify=False).content == photo.read_bytes()
        assert len(live.images(ad)) == 1
    assert network.cut == 2
    assert len(waits) >= 2
    assert all(0.25 <= wait <= 1.0 for wait in waits)


def test_a_form_that_expires_while_it_is_sent_is_renewed(
    s3_bucket: Bucket, tmp_path: Path, photo: Path, waits: list[float], monkeypatch: Any
) -> None:
    # The client must not renew the form early. A form's expiry is rounded down to a whole second.
    # So with a lifetime of two seconds, at least one second is left to send the form.
    monkeypatch.setattr("broker_client.tickets.RENEW_EARLY_SECONDS", -60.0)
    issued = time.time()

    def until_expired(_: httpx.Request) -> None:
        while time.time() < issued + 3.1:
            threading.Event().wait(0.1)

    refused: list[int] = []
    network = FaultTransport(
        first(1, until_expired), lambda _, answer: refused.append(answer.status_code)
    )
    with live_broker(s3_bucket, tmp_path, ticket_ttl=2) as live:
        ad = live.ad()
        issued = time.time()
        with broker(live, network, waits) as client:
            client.upload(photo, ad=ad, transport="post")
        assert len(live.images(ad)) == 1
    assert refused.count(403) == 1
    assert len(network.paths("/renew/")) == 1


def test_a_form_that_is_about_to_expire_is_renewed_before_it_is_sent(
    s3_bucket: Bucket, tmp_path: Path, photo: Path, waits: list[float]
) -> None:
    network = FaultTransport()
    with (
        live_broker(s3_bucket, tmp_path, ticket_ttl=2) as live,
        broker(live, network, waits) as client,
    ):
        client.upload(photo, ad=live.ad())
    assert len(network.paths("/renew/")) == 1


def test_an_expired_part_url_is_signed_again(live: Live, photo: Path, waits: list[float]) -> None:
    network = FaultTransport(first(1, lambda _: httpx.Response(403, text=EXPIRED)))
    with broker(live, network, waits) as client:
        client.upload(photo, ad=live.ad(), transport="multipart")
    assert [r.method for r in network.requests if r.url.path.endswith("/parts/")] == [
        "GET",
        "POST",
        "POST",
    ]


@pytest.mark.parametrize("transport", ["post", "put"])
def test_the_client_gives_up_when_the_broker_advises_it(
    live: Live, photo: Path, waits: list[float], transport: Any
) -> None:
    def damage(_: httpx.Request) -> None:
        photo.write_bytes(os.urandom(len(JPEG)))

    network, ad = FaultTransport(first(1, damage)), live.ad()
    with broker(live, network, waits) as client, pytest.raises(S3Refused) as refused:
        client.upload(photo, ad=ad, transport=transport)
    assert (refused.value.code, refused.value.action) == ("BadDigest", "give_up")
    assert len(network.paths("/failures/")) == 6
    (path,) = {r.url.path for r in network.requests if r.method == "DELETE"}
    assert live.user.get(path).get_json()["state"] == "cancelled"


def test_a_put_whose_answer_was_lost_is_confirmed(
    live: Live, photo: Path, waits: list[float]
) -> None:
    answers: list[int] = []

    def lose(request: httpx.Request, answer: httpx.Response) -> None:
        if is_for_s3(request):
            answers.append(answer.status_code)
            if len(answers) == 1:
                raise httpx.ReadError("lost", request=request)

    ad = live.ad()
    with broker(live, FaultTransport(after=lose), waits) as client:
        client.upload(photo, ad=ad, transport="put")
    assert answers == [200, 412]
    assert len(live.images(ad)) == 1


def test_a_ticket_request_is_repeated_with_the_same_idempotency_key(
    live: Live, photo: Path, waits: list[float]
) -> None:
    ids: list[str] = []

    def lose(request: httpx.Request, answer: httpx.Response) -> None:
        if request.url.path.endswith("/upload_image/"):
            ids.append(answer.json()["id"])
            if len(ids) == 1:
                raise httpx.ReadError("lost", request=request)

    with broker(live, FaultTransport(after=lose), waits) as client:
        client.upload(photo, ad=live.ad())
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_an_unavailable_bucket_is_retried_but_not_forever(
    live: Live, photo: Path, waits: list[float]
) -> None:
    busy = httpx.Response(503, headers={"Retry-After": "7"}, text=BUSY)
    network = FaultTransport(first(99, lambda _: busy))
    with broker(live, network, waits, retries=4) as client, pytest.raises(S3Refused) as refused:
        client.upload(photo, ad=live.ad())
    assert refused.value.status == 503
    assert len([r for r in network.requests if is_for_s3(r)]) == 5
    assert waits == [7.0] * 4


def test_an_unavailable_broker_is_retried_but_not_forever(
    live: Live, photo: Path, waits: list[float]
) -> None:
    unavailable = FaultTransport(lambda _: httpx.Response(503, headers={"Retry-After": "9999"}))
    with broker(live, unavailable, waits, retries=2) as client, pytest.raises(Unavailable):
        client.upload(photo, ad=1)
    assert waits == [120.0, 120.0]

    def drop(request: httpx.Request) -> None:
        raise httpx.ConnectError("no route", request=request)

    with (
        broker(live, FaultTransport(drop), waits, retries=2) as client,
        pytest.raises(NetworkError),
    ):
        client.upload(photo, ad=1)
    assert len(waits) == 4


def test_the_client_waits_for_a_short_rate_limit_and_raises_a_long_one(
    live: Live, photo: Path, waits: list[float]
) -> None:
    def limited(seconds: str) -> httpx.Response:
        body = {"code": "rate_limited", "status": 429, "detail": "Too many requests."}
        return httpx.Response(429, headers={"Retry-After": seconds}, json=body)

    once = [limited("37")]
    network = FaultTransport(lambda _: once.pop() if once else None)
    with broker(live, network, waits) as client:
        client.upload(photo, ad=live.ad())
    assert waits == [37.0]
    hour = FaultTransport(lambda _: limited("3600"))
    with broker(live, hour, waits) as client, pytest.raises(BrokerError) as refused:
        client.upload(photo, ad=1)
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 3600.0)
    assert waits == [37.0], "it neither waited nor retried"


def test_a_missing_object_is_confirmed_again_but_not_forever(
    live: Live, photo: Path, waits: list[float]
) -> None:
    # S3 answers "created" but stores nothing.
    created = httpx.Response(201, headers={"ETag": '"1"'})
    network = FaultTransport(first(99, lambda _: created))
    with broker(live, network, waits, retries=3) as client, pytest.raises(ObjectMissing):
        client.upload(photo, ad=live.ad())
    assert len(network.paths("/confirm/")) == 5
    assert len([request for request in network.requests if is_for_s3(request)]) == 2


def test_a_new_token_is_requested_once_after_the_old_one_expired(live: Live, photo: Path) -> None:
    tokens = [token(1, exp=int(time.time()) - 600), live.token]
    with Broker(live.url, lambda: tokens.pop(0)) as client:
        client.upload(photo, ad=live.ad())
    assert tokens == []

    async def upload() -> None:
        tokens = [token(1, exp=int(time.time()) - 600), live.token]

        async def fresh() -> str:
            return tokens.pop(0)

        async with AsyncBroker(live.url, fresh) as client:
            await client.upload(photo, ad=live.ad())

    asyncio.run(upload())
    stale = token(1, exp=int(time.time()) - 600)
    with Broker(live.url, stale) as client, pytest.raises(Unauthorized) as refused:
        client.upload(photo, ad=live.ad())
    assert refused.value.code == "token_expired"


def test_the_token_is_not_sent_to_s3_and_redirects_are_not_followed(
    live: Live, photo: Path, waits: list[float]
) -> None:
    away = {"Location": "http://127.0.0.1:1/elsewhere"}
    network = FaultTransport(first(1, lambda _: httpx.Response(307, headers=away)))
    with broker(live, network, waits) as client:
        for transport in ("post", "put", "multipart"):
            client.upload(photo, ad=live.ad(), transport=transport)  # type: ignore[arg-type]
    to_s3 = [request for request in network.requests if is_for_s3(request)]
    assert len(to_s3) == 4, "the redirect was answered by sending again to the bucket"
    assert not any("authorization" in request.headers for request in to_s3)
    assert not any("elsewhere" in request.url.path for request in to_s3)
