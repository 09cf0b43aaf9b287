"""Quotas: how much a user may reserve in a window, and what is refunded."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from broker.db.models import Deletion
from broker.domain.errors import QuotaExceeded
from tests.http.charging import DEAD, NOW, SIZE, cancel_at, charged, issue_at, places, reap
from tests.http.client import Client, declared, rows, send, token
from tests.http.reconciling import put as store
from tests.http.tickets.test_put import put
from tests.servers.fixtures import Bucket

DAY = timedelta(days=1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(quota_files=3, max_images_per_ad=100)


def test_a_request_over_the_quota_is_refused_until_the_window_ends(
    app: Flask, alice: Client, bob: Client
) -> None:
    first, second = alice.ad(), alice.ad()
    assert [alice.ticket(ad).status_code for ad in (first, second, first)] == [201] * 3
    refused = alice.ticket(second)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "quota_exceeded")
    assert refused.get_json()["errors"] == {
        "files": ["0 of 3 are left, and 1 were asked for."],
    }
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400
    assert places(app, second) == 1
    assert charged(app) == (3 * SIZE, 3)
    assert bob.ticket(bob.ad()).status_code == 201


def test_bytes_are_counted_and_a_batch_is_reserved_whole_or_not_at_all(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(quota_bytes=64 * 1024**2, quota_files=0)
    alice = Client(app, token(1))
    ad = alice.ad()
    large = declared(size=30 * 1024**2, transport="post")
    path = f"/api/ads/{ad}/upload_images/"
    assert alice.post(path, {"files": [large] * 2}).status_code == 201
    refused = alice.post(path, {"files": [declared(), large]})
    assert refused.get_json()["code"] == "quota_exceeded"
    assert list(refused.get_json()["errors"]) == ["bytes"]
    assert (places(app, ad), charged(app)) == (2, (60 * 1024**2, 2))
    assert alice.ticket(ad).status_code == 201


def test_a_batch_larger_than_the_whole_quota_is_refused(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    refused = alice.post(f"/api/ads/{ad}/upload_images/", {"files": [declared()] * 4})
    assert refused.get_json()["errors"] == {"files": ["3 of 3 are left, and 4 were asked for."]}
    assert (places(app, ad), charged(app)) == (0, (0, 0))


def test_a_full_ad_is_reported_as_that_and_reserves_no_quota(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(quota_files=3, max_images_per_ad=1)
    alice = Client(app, token(1))
    ad = alice.ad()
    assert alice.ticket(ad).status_code == 201
    assert alice.ticket(ad).get_json()["code"] == "image_limit_reached"
    assert charged(app) == (SIZE, 1)


def test_an_avatar_is_charged_and_a_request_with_an_idempotency_key_too(
    app: Flask, alice: Client
) -> None:
    ad, headers = alice.ad(), {"Idempotency-Key": "one"}
    for _ in range(2):
        answer = alice.post(f"/api/ads/{ad}/upload_image/", declared(), headers=headers)
        assert answer.status_code == 201
    path = "/api/users/1/upload_avatar/"
    assert [alice.post(path, declared()).status_code for _ in range(3)] == [201, 201, 429]
    assert charged(app) == (3 * SIZE, 3)
    refused = alice.post(
        f"/api/ads/{ad}/upload_image/", declared(), headers={"Idempotency-Key": "two"}
    )
    assert refused.get_json()["code"] == "quota_exceeded"
    assert (places(app, ad), charged(app)) == (1, (3 * SIZE, 3))


def test_tickets_of_a_service_are_charged_to_nobody(
    app: Flask, alice: Client, service: Client
) -> None:
    ad = alice.ad()
    assert [service.ticket(ad).status_code for _ in range(5)] == [201] * 5
    assert charged(app) == (0, 0)


def test_confirmed_images_stay_charged_even_when_they_are_deleted(
    app: Flask, alice: Client
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    assert send(ticket).status_code == 201
    image = alice.post(ticket["confirm_url"]).get_json()
    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    assert charged(app) == (SIZE, 1)


@pytest.mark.parametrize(("transport", "lives"), [("post", 300), ("put", 3600)])
def test_quota_of_a_valid_form_is_refunded_when_the_form_has_expired(
    app: Flask, alice: Client, transport: str, lives: int
) -> None:
    ad, limits = alice.ad(), app.extensions["broker"].limits
    for _ in range(3):
        ticket = alice.ticket(ad, transport=transport).get_json()
        for _ in range(2):
            assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
        # The object is sent late, and again after each deletion. It stays charged.
        assert (put if transport == "put" else send)(ticket).status_code in (200, 201)
        reap(app, timedelta())
    assert alice.ticket(ad).get_json()["code"] == "quota_exceeded"
    dead = timedelta(seconds=lives) + limits.grace
    reap(app, dead - timedelta(seconds=60))
    assert charged(app) == (3 * SIZE, 3)
    for _ in range(2):
        reap(app, dead)
        assert charged(app) == (0, 0)
    assert rows(app, Deletion) == 0


def test_uploads_of_deleted_ads_and_rejected_uploads_are_refunded_like_cancelled_ones(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    assert alice.ticket(ad).status_code == 201
    assert alice.delete(f"/api/ads/{ad}/").status_code == 204
    rejected = alice.ticket(alice.ad(), transport="put").get_json()
    store(s3_bucket, f"incoming/{rejected['key']}")
    answer = alice.post(rejected["confirm_url"])
    assert answer.get_json()["code"] == "object_mismatch"
    assert charged(app) == (2 * SIZE, 2)
    reap(app, timedelta(hours=2))
    assert charged(app) == (0, 0)


def test_a_multipart_upload_is_refunded_immediately_because_it_is_aborted(
    app: Flask, alice: Client
) -> None:
    ticket = alice.ticket(alice.ad(), transport="multipart").get_json()
    assert charged(app) == (SIZE, 1)
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    assert charged(app) == (0, 0)


def test_the_unused_part_of_an_open_size_is_refunded(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(require_checksum=False, return_origins=("https://shop.example",))
    alice = Client(app, token(1))
    changes = {"size": None, "checksum_sha256": None, "return_url": "https://shop.example/done"}
    ticket = alice.ticket(alice.ad(), **changes).get_json()
    assert charged(app) == (64 * 1024**2, 1)
    assert send(ticket).status_code in (200, 201, 303)
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert charged(app) == (SIZE, 1)


def test_a_new_window_starts_empty_and_gets_no_refund_of_the_old_one(
    app: Flask, alice: Client
) -> None:
    ad = alice.ad()
    old = issue_at(app, ad, NOW, (SIZE,) * 3)
    for moment in (NOW + timedelta(seconds=30), NOW + timedelta(seconds=60)):
        with pytest.raises(QuotaExceeded) as refused:
            issue_at(app, ad, moment)
        assert refused.value.retry_after == 86_400 - (moment - NOW).seconds
    (new,) = issue_at(app, ad, NOW + DAY)
    assert charged(app) == (SIZE, 1)
    cancel_at(app, old[0], NOW + DAY)
    assert charged(app) == (SIZE, 1)
    cancel_at(app, new, NOW + DAY + timedelta(hours=1))  # its form has expired by then
    assert charged(app) == (0, 0)


def test_stale_uploads_of_other_ads_are_expired_without_a_reaper(app: Flask, alice: Client) -> None:
    first, second = alice.ad(), alice.ad()
    issue_at(app, first, NOW, (SIZE,) * 3)
    issue_at(app, second, NOW + timedelta(hours=1), (SIZE,) * 2)
    assert charged(app) == (2 * SIZE, 2)
    assert places(app, first) == 0


def test_uploads_from_before_quotas_were_enabled_are_not_refunded(
    make_app: Callable[..., Flask],
) -> None:
    without, limited = make_app(quota_bytes=0, quota_files=0), make_app(quota_files=3)
    ad = Client(without, token(1)).ad()
    (old,) = issue_at(without, ad, NOW)
    (new,) = issue_at(limited, ad, NOW)
    cancel_at(without, old, NOW)
    assert charged(without) == (SIZE, 1)
    cancel_at(without, new, DEAD)
    assert charged(without) == (0, 0)
