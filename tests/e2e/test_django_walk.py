"""`examples/django` with a real broker, bucket and worker, which `broker dev` starts."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from dotenv import dotenv_values
from standardwebhooks import Webhook

from broker.local.process import free_ports
from tests.e2e.shop import FOLDER, Shop, new_webhook_secret
from tests.e2e.test_dev import broker_dev
from tests.http.client import token
from tests.photos import photo
from tests.processes import await_true

pytestmark = pytest.mark.matrix(part="walks")
JPEG = photo(800, 600)
WEBHOOK = "/webhooks/broker/"


@dataclass(frozen=True)
class Running:
    """A broker, and a shop whose server may be stopped."""

    broker: httpx.Client  # as a service
    shop: Shop
    webhook_secret: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start what the README of the example starts."""
    data, directory = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("shop")
    broker_port, s3_port, shop_port = free_ports(3)
    secret = new_webhook_secret()
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "BROKER_")):
                patch.delenv(name)
        patch.setenv("BROKER_PROFILES_FILE", str(FOLDER / "profiles.toml"))
        patch.setenv("BROKER_JWT_ISSUER", "shop")
        patch.setenv("BROKER_WEBHOOK_URL", f"http://127.0.0.1:{shop_port}{WEBHOOK}")
        patch.setenv("BROKER_WEBHOOK_SECRET", secret)
        with broker_dev(data, broker_port, s3_port) as lines:
            ready = next(line for line in lines if line.startswith("ready "))
            url = ready.removeprefix("ready ")
            key = dotenv_values(data / "dev.env")["BROKER_JWT_SECRET"] or ""
            service = token("shop", secret=key, role="service", iss="shop")
            headers = {"Authorization": f"Bearer {service}"}
            with httpx.Client(base_url=url, headers=headers) as broker:
                shop = Shop(directory, shop_port, url, key, secret)
                shop.manage("pull_events")
                yield Running(broker, shop, secret)


def new_ad(django: httpx.Client) -> str:
    body = {"title": "A bicycle", "price": "850.00"}
    return f"/api/ads/{django.post('/api/ads/', json=body).json()['id']}/"


def ticket(django: httpx.Client, path: str) -> dict[str, Any]:
    """Request a ticket by an old URL, as the old front end does."""
    digest = base64.b64encode(hashlib.sha256(JPEG).digest()).decode()
    file = {"file_name": "a.jpg", "content_type": "image/jpeg", "size": len(JPEG)}
    answer = django.post(path, json={**file, "checksum_sha256": digest})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def send(ticket: dict[str, Any]) -> Any:
    """Send the file and confirm it at the broker; return the image."""
    form = ticket["upload"]
    sent = httpx.post(form["url"], data=form["fields"], files={"file": ("a.jpg", JPEG)})
    assert sent.status_code == 201, sent.text
    headers = {"Authorization": f"Bearer {ticket['token']}"}

    def image() -> Any:
        answer = httpx.post(ticket["confirm_url"], headers=headers)
        assert answer.status_code in (200, 202), answer.text
        return answer.json() if answer.status_code == 200 else None

    return await_true(image)


def images(django: httpx.Client, ad: str) -> list[Any]:
    found: list[Any] = django.get(ad).json()["images"]
    return found


def test_an_upload_by_the_old_url_reaches_django_with_its_variants(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        image = send(ticket(django, f"{ad}upload_image/"))
        (shown,) = await_true(lambda: images(django, ad))
        assert {name: shown[name] for name in image} == image
        assert [variant["width"] for variant in shown["variants"]] == [
            320
        ]  # and not wider than the photo
        page = django.get(ad.removeprefix("/api")).text
        (srcset,) = re.findall(r'srcset="([^"]*)"', page)
        for candidate in srcset.split(", "):
            assert httpx.get(candidate.split(" ")[0]).status_code == 200
        user = f"/api/users/{django.get(ad).json()['owner']}/"
        avatar = send(ticket(django, f"{user}upload_avatar/"))
        await_true(lambda: django.get(user).json()["avatar_url"] == avatar["image_url"])
        second = send(ticket(django, f"{user}upload_avatar/"))
        await_true(lambda: django.get(user).json()["avatar"] == second["image"])


def test_the_feed_brings_what_a_lost_webhook_did_not(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        issued = ticket(django, f"{ad}upload_image/")
    # Nobody answers the webhook now.
    image = send(issued)
    running.shop.manage("pull_events")
    with running.shop.serving() as django:
        (shown,) = images(django, ad)
        assert shown["image_url"] == image["image_url"]


def test_a_deletion_at_the_broker_reaches_django(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        issued = ticket(django, f"{ad}upload_image/")
        image = send(issued)
        await_true(lambda: images(django, ad))
        bearer = django.post(f"{ad}upload_token/").json()["token"]
        path = f"{ad}images/{image['id']}/"
        headers = {"Authorization": f"Bearer {bearer}"}
        assert running.broker.delete(path, headers=headers).status_code == 204
        await_true(lambda: images(django, ad) == [])


def test_repeated_late_and_forged_webhooks_change_nothing(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        image = send(ticket(django, f"{ad}upload_image/"))
        await_true(lambda: images(django, ad))
        ready = newest(running, "image.ready", image["id"])
        assert push(django, ready, running.webhook_secret) == 204
        assert push(django, {**ready, "type": "image.deleted"}, running.webhook_secret) == 204
        gone = {**ready, "type": "image.deleted", "sequence": ready["sequence"] + 10**6}
        assert push(django, gone, new_webhook_secret()) == 400
        assert len(images(django, ad)) == 1
        service = running.broker.delete(f"/api{ad.removeprefix('/api')}images/{image['id']}/")
        assert service.status_code == 204
        await_true(lambda: images(django, ad) == [])
        assert push(django, ready, running.webhook_secret) == 204
        assert images(django, ad) == []


def newest(running: Running, kind: str, image_id: int) -> dict[str, Any]:
    """Return the newest event of an image in the feed."""
    found, page = [], {"results": [None], "next_cursor": None}
    while page["results"]:
        query = {"after": page["next_cursor"]} if page["next_cursor"] else {}
        page = running.broker.get("/api/events/", params=query).json()
        found += page["results"]
    of_image = [one for one in found if (one["data"]["image"] or {}).get("id") == image_id]
    event: dict[str, Any] = [one for one in of_image if one["type"] == kind][-1]
    return event


def push(django: httpx.Client, event: dict[str, Any], secret: str) -> int:
    """Send an event as the broker does; return the status."""
    body, now = json.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], now, body),
    }
    return httpx.post(f"{django.base_url}{WEBHOOK}", content=body, headers=headers).status_code


def test_a_cursor_that_is_too_old_leads_to_reading_all_files(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        image = send(ticket(django, f"{ad}upload_image/"))
        await_true(lambda: images(django, ad))
        running.shop.rows("UPDATE shop_feed SET cursor = '0.1'")
        running.shop.rows(
            "UPDATE shop_image SET sequence = 1, state = json_set(state, '$.image_url', 'old')"
        )
        running.shop.rows(
            "INSERT INTO shop_image (id, ad_id, sequence, state)"
            f" SELECT 4711, ad_id, 1, state FROM shop_image WHERE id = {image['id']}"
        )
        assert len(images(django, ad)) == 2
        running.shop.manage("pull_events")
        (shown,) = images(django, ad)
        assert (shown["id"], shown["image_url"]) == (image["id"], image["image_url"])
        assert running.shop.rows("SELECT cursor <> '0.1' FROM shop_feed") == [(1,)]


def test_a_user_who_is_deleted_is_erased_at_the_broker(running: Running) -> None:
    with running.shop.serving() as django:
        ad = new_ad(django)
        issued = ticket(django, f"{ad}upload_image/")
        image = send(issued)
        (shown,) = await_true(lambda: images(django, ad))
        user = f"/api/users/{django.get(ad).json()['owner']}/"
        bearer = django.post(f"{ad}upload_token/").json()["token"]
        assert django.delete(user).status_code == 204
        assert httpx.get(f"{running.shop.url}{ad}").status_code == 404
        assert len(running.shop.rows("SELECT path FROM shop_erasure")) >= 2
        running.shop.manage("pull_events")
        assert running.shop.rows("SELECT path FROM shop_erasure") == []
        for url in (image["image_url"], *(one["url"] for one in shown["variants"])):
            await_true(lambda url=url: httpx.get(url).status_code in (403, 404))
        headers = {"Authorization": f"Bearer {bearer}"}
        refused = running.broker.post(f"{ad}upload_image/", json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
        await_true(lambda: running.broker.get("/api/files/").json()["results"] == [])
