"""The Python client: parts that S3 does not have any more."""

from pathlib import Path

import httpx

from tests.python_client.fault_transport import FaultTransport, first
from tests.python_client.live import Live
from tests.python_client.test_retries import JPEG, MIB, broker

UNKNOWN_UPLOAD = "<Error><Code>NoSuchUpload</Code><Message>No.</Message></Error>"


def test_a_part_that_s3_does_not_know_is_sent_in_the_next_round(
    live: Live, photo: Path, waits: list[float]
) -> None:
    network = FaultTransport(first(1, lambda _: httpx.Response(404, text=UNKNOWN_UPLOAD)))
    with broker(live, network, waits) as client:
        client.upload(photo, ad=live.ad(), transport="multipart")
    assert len([r for r in network.requests if r.method == "PUT"]) == 2


def test_a_part_that_s3_lost_after_it_was_sent_is_counted_once(
    live: Live, photo: Path, waits: list[float]
) -> None:
    lists: list[str] = []

    def lose(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/complete/") and len(lists) == 1:
            return httpx.Response(409, json={"code": "parts_missing", "detail": "lost"})
        if request.url.path.endswith("/parts/") and request.method == "GET":
            lists.append(request.url.path)
            if len(lists) == 2:
                body = {"size": len(JPEG), "part_size": 5 * MIB, "parts": [], "missing": [1]}
                return httpx.Response(200, json=body)
        return None

    sent: list[int] = []
    with broker(live, FaultTransport(lose), waits) as client:
        client.upload(
            photo,
            ad=live.ad(),
            transport="multipart",
            on_progress=lambda now: sent.append(now.sent),
        )
    assert len(lists) == 2
    assert max(sent) == sent[-1] == len(JPEG)
