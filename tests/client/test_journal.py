"""Going on with what another process or device has begun."""

from pathlib import Path

import httpx
from broker_client import Broker

from tests.client.live import Live
from tests.http.client import JPEG


def test_parts_that_another_device_began_without_digests_are_gone_on_with(
    live: Live, photo: Path
) -> None:
    ticket = live.user.ticket(live.ad(), transport="multipart").get_json()
    first = {"parts": [{"part_number": 1}]}
    assert live.user.post(f"/api/uploads/{ticket['id']}/parts/", first).status_code == 200
    with Broker(live.url, live.token) as broker:
        image = broker.resume(ticket["id"], photo)
    assert httpx.get(image.image_url, verify=False).content == JPEG
