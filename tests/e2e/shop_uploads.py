"""Uploads by the old URLs of the shop, and its webhook."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.e2e.running_shop import Running
from tests.e2e.shop import WEBHOOK
from tests.photos import photo
from tests.processes import await_answer

JPEG = photo(800, 600)


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

    return await_answer(image)


def images(django: httpx.Client, ad: str) -> list[Any]:
    found: list[Any] = django.get(ad).json()["images"]
    return found


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
