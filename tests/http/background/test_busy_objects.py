"""Objects for which the bucket does not answer delay neither tickets nor other stale uploads."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask

from broker.domain.object_head import ObjectHead
from broker.domain.storage_errors import ObjectBusy
from tests.http.client import Client, declared, token
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def all_busy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every HEAD take too long; return the keys that are asked for."""
    asked: list[str] = []

    def busy(key: str) -> ObjectHead:
        asked.append(key)
        raise ObjectBusy("The bucket does not answer for this object.")

    monkeypatch.setattr(app.extensions["broker"].storage, "head", busy)
    return asked


def stale(app: Flask, ads: int) -> Client:
    """Request 25 tickets for each of some ads, and send nothing."""
    alice = Client(app, token(1))
    for _ in range(ads):
        files = {"files": [declared()] * 25}
        assert alice.post(f"/api/ads/{alice.ad()}/upload_images/", files).status_code == 201
    return alice


@SQLITE
def test_a_request_for_a_ticket_waits_for_few_busy_objects(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(max_images_per_ad=25)
    alice = stale(app, 1)
    asked = all_busy(app, monkeypatch)
    late = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: late)
    assert alice.ticket(1).status_code == 409
    assert len(asked) == 2  # one stale upload of the ad, then one of the user


@SQLITE
def test_a_round_of_the_reaper_waits_for_a_few_busy_objects(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(max_images_per_ad=25)
    stale(app, 6)
    asked = all_busy(app, monkeypatch)
    assert reap(app, PAST_GRACE).postponed == 10
    assert len(asked) == 10  # five of each batch
