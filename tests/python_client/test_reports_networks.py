"""Reports about S3's errors and about what answers in between, one test or more for each."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker, S3Refused

from tests.python_client.fault_transport import FaultTransport, first, is_for_s3
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
