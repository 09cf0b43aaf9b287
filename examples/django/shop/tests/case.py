"""An ad, its user, and events about them that are signed as the broker signs them."""

import base64
import json
from datetime import UTC, datetime

from django.test import TestCase, override_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken
from standardwebhooks import Webhook

from shop.models import Ad, User

OLD, NEW = ("whsec_" + base64.b64encode(bytes([one]) * 32).decode() for one in (1, 2))


def image(image_id, alt_text="", order=0):
    url = f"https://media.example/{image_id}"
    variants = [{"width": 320, "height": 240, "content_type": "image/webp", "url": f"{url}_w320"}]
    return {
        "id": image_id,
        "image": f"ads/ad_1/{image_id}.jpg",
        "image_url": url,
        "alt_text": alt_text,
        "order": order,
        "width": 1600,
        "height": 1200,
        "thumbhash": None,
        "variants": variants,
        "created_at": "2026-11-29T10:00:00Z",
    }


def event(sequence, kind, owner, state, profile="ad_image"):
    data = {"profile": profile, "owner": str(owner), "image": state, "removed_urls": []}
    data |= {"user": {"id": 1, "subject": "1"}, "upload": None}
    times = {"id": f"event-{sequence}", "timestamp": "2026-11-29T10:00:00Z"}
    return {**times, "sequence": sequence, "type": kind, "data": data}


class ShopTestCase(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ann", "ann@example.com", first_name="Ann")
        self.ad = Ad.objects.create(owner=self.user, title="A bicycle", price="850.00")
        self.api = APIClient()
        # Two secrets, as while one is rotated.
        enter = override_settings(BROKER_WEBHOOK_SECRETS=[NEW, OLD])
        enter.enable()
        self.addCleanup(enter.disable)

    def sign_in(self, user):
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")

    def push(self, pushed, secret=NEW, *, body=None, at=None, **changed):
        body, at = body or json.dumps(pushed), at or datetime.now(UTC)
        headers = {
            "webhook-id": pushed["id"],
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(pushed["id"], at, json.dumps(pushed)),
        }
        headers |= changed
        answer = self.client.post(
            "/webhooks/broker/", body, content_type="application/json", headers=headers
        )
        return answer.status_code

    def shown(self):
        return [(one["id"], one["alt_text"]) for one in self.ad_json()["images"]]

    def ad_json(self):
        return self.api.get(f"/api/ads/{self.ad.pk}/").json()
