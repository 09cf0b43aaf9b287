"""Answers that come late, get lost, or are somebody else's."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import Broker

from tests.client.live import Live
from tests.client.meddling import Meddling, is_for_s3


@pytest.mark.parametrize("transport", ["post", "put"])
def test_what_was_recorded_while_its_answer_was_lost_is_given(
    live: Live, photo: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch, transport: Any
) -> None:
    # Every form is too old to be sent a second time: it is renewed, if there is anything to renew.
    monkeypatch.setattr("broker_client.tickets.MARGIN", 1e6)
    ids: list[str] = []

    def lose(request: httpx.Request, answer: httpx.Response) -> None:
        if request.url.path.endswith("/upload_image/"):
            ids.append(answer.json()["id"])
        if is_for_s3(request):
            live.user.post(f"/api/uploads/{ids[0]}/confirm/")  # as the bucket's event does
            raise httpx.ReadError("lost", request=request)

    ad, network = live.ad(), Meddling(after=lose)
    with Broker(live.url, live.token, transport=network, wait=waits.append) as broker:
        image = broker.upload(photo, ad=ad, transport=transport)
    assert [one["id"] for one in live.images(ad)] == [image.id]
    assert len(network.paths("/renew/")) == 2
