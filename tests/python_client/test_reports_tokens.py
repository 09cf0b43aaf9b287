"""Report 24: after any 401 the client asks once for another token."""

import asyncio
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from broker_client import AsyncBroker, Broker, FileToSend, Unauthorized

from tests.http.client import declared, token
from tests.python_client.fault_transport import FaultTransport, is_for_s3
from tests.python_client.live import Live

MIB = 1024 * 1024
DAMAGED = "<Error><Code>BadDigest</Code><Message>No.</Message></Error>"
EXPIRED = "<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>"
REFUSALS = [
    ("token_expired", {"code": "token_expired"}),
    ("token_invalid", {"code": "token_invalid"}),
    ("token_missing", {"code": "token_missing"}),
    ("unexpected_answer", {}),
]
KINDS = {
    *("GET profiles", "GET uploads", "DELETE uploads"),
    *("POST upload_image", "POST upload_images", "POST upload_avatar"),
    *("POST confirm", "POST renew", "POST failures"),
    *("GET parts", "POST parts", "POST complete"),
}


def tokens() -> tuple[list[str], Callable[[], str]]:
    """Return a function that signs another token at each call, and the list of these tokens."""
    signed: list[str] = []

    def sign() -> str:
        signed.append(token(1, email=f"{len(signed)}@example.com"))
        return signed[-1]

    return signed, sign


def kind_of(request: httpx.Request) -> str:
    """Return the method and the last word of the path, without ids."""
    path = re.sub("[0-9a-f-]{36}", "", request.url.path)
    return f"{request.method} {re.findall('[a-z_]{5,}', path)[-1]}"


def test_report_24_every_request_is_repeated_once_with_another_token_after_its_401(
    live: Live, photo: Path, tmp_path: Path, waits: list[float]
) -> None:
    signed, sign = tokens()
    refused: list[str] = []
    bodies = itertools.cycle([body for _, body in REFUSALS])
    to_s3 = iter([(400, DAMAGED), (403, EXPIRED)])

    def refuse_the_first(request: httpx.Request) -> httpx.Response | None:
        if is_for_s3(request):
            failure = next(to_s3, None)
            return failure and httpx.Response(failure[0], text=failure[1])
        if kind_of(request) in refused:
            return None
        refused.append(kind_of(request))
        return httpx.Response(401, json=next(bodies))

    network = FaultTransport(refuse_the_first)
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(17 * MIB))
    with Broker(live.url, sign, transport=network, wait=waits.append) as client:
        client.profiles()
        client.upload(photo, ad=live.ad())
        client.upload(large, ad=live.ad())
        client.upload(photo, user=1)
        twice = [FileToSend(file=photo)] * 2
        assert all(one.image for one in client.upload_many(twice, ad=live.ad()))
        begun = [live.user.post(f"/api/ads/{live.ad()}/upload_image/", declared()) for _ in "12"]
        cancelled, resumed = [ticket.get_json()["id"] for ticket in begun]
        client.cancel(cancelled)
        client.resume(resumed, photo)
    assert set(refused) == KINDS
    assert len(signed) == len(refused) + 1
    assert len(waits) == 2, "only S3's failures cost a wait"


class Guard:
    """A broker that answers each request with the next of some answers, and counts requests."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.left = list(answers)
        self.transport = httpx.MockTransport(lambda _: self.left.pop(0))


def refusal(code: str) -> httpx.Response:
    return httpx.Response(401, json={"code": code})


@pytest.mark.parametrize(("code", "body"), REFUSALS)
def test_report_24_a_second_401_in_a_row_is_final_but_a_later_one_is_not(
    code: str, body: dict[str, str], waits: list[float]
) -> None:
    signed, sign = tokens()
    refused, fine = httpx.Response(401, json=body), httpx.Response(200, json={})
    guard = Guard(refusal("token_expired"), refused, fine)
    with (
        Broker("http://broker.example", sign, transport=guard.transport) as client,
        pytest.raises(Unauthorized) as final,
    ):
        client.profiles()
    assert (final.value.code, final.value.status) == (code, 401)
    assert (len(signed), guard.left) == (2, [fine])

    busy = httpx.Response(503, json={"code": "draining"})
    later = Guard(refused, busy, refused, fine)
    with Broker(
        "http://broker.example", sign, transport=later.transport, wait=waits.append
    ) as client:
        assert client.profiles() == {}
    assert (len(signed), later.left) == (5, [])


@pytest.mark.parametrize("static", [True, False])
def test_report_24_without_another_token_the_request_is_not_repeated(static: bool) -> None:
    guard = Guard(refusal("token_invalid"))
    same = "token" if static else lambda: "token"
    with (
        Broker("http://broker.example", same, transport=guard.transport) as client,
        pytest.raises(Unauthorized),
    ):
        client.profiles()
    assert guard.left == []


def test_report_24_an_async_function_is_asked_too() -> None:
    guard = Guard(refusal("token_invalid"), httpx.Response(200, json={}))
    signed, sign = tokens()

    async def run() -> None:
        async def fresh() -> str:
            return sign()

        async with AsyncBroker("http://broker.example", fresh, transport=guard.transport) as client:
            await client.profiles()

    asyncio.run(run())
    assert (len(signed), guard.left) == (2, [])
