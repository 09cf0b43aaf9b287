"""Reports about S3's errors and about what answers in between, one test or more for each."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker

from tests.python_client.fault_transport import FaultTransport, first
from tests.python_client.live import Live


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
