"""Events that the broker pushes: in any order, twice, forged."""

import base64
import json
from datetime import UTC, datetime, timedelta
from unittest import mock

from shop.models import Image
from shop.tests.case import NEW, OLD, ShopTestCase, event, image


class WebhookTests(ShopTestCase):
    def test_an_image_is_shown_with_its_variants(self):
        self.assertEqual(self.push(event(1, "image.ready", self.ad.pk, image(5, "front"))), 204)
        ad = self.ad_json()
        self.assertEqual(ad["images"], [image(5, "front")])
        self.assertEqual(ad["main_image_url"], "https://media.example/5")
        page = self.client.get(f"/ads/{self.ad.pk}/").content.decode()
        self.assertIn(
            'srcset="https://media.example/5_w320 320w, https://media.example/5 1600w"', page
        )

    def test_the_same_event_twice_changes_nothing(self):
        ready = event(1, "image.ready", self.ad.pk, image(5))
        for _ in range(2):
            self.assertEqual(self.push(ready), 204)
            self.assertEqual(self.shown(), [(5, "")])
        self.assertEqual(Image.objects.count(), 1)

    def test_an_older_event_after_a_newer_one_changes_nothing(self):
        self.push(event(3, "image.updated", self.ad.pk, image(5, "newest")))
        self.push(event(2, "image.updated", self.ad.pk, image(5, "older")))
        self.push(event(1, "image.ready", self.ad.pk, image(5)))
        self.assertEqual(self.shown(), [(5, "newest")])

    def test_a_deleted_image_stays_deleted_when_older_events_arrive(self):
        self.push(event(2, "image.deleted", self.ad.pk, image(5)))
        self.push(event(1, "image.ready", self.ad.pk, image(5)))
        self.assertEqual(self.shown(), [])
        self.assertNotIn("<img", self.client.get(f"/ads/{self.ad.pk}/").content.decode())

    def test_images_are_shown_in_their_order(self):
        for sequence, one in enumerate((image(5, order=2), image(6, order=10), image(7)), 1):
            self.push(event(sequence, "image.ready", self.ad.pk, one))
        self.assertEqual([one for one, _ in self.shown()], [7, 5, 6])

    def test_both_secrets_are_accepted_and_no_other(self):
        ready = event(1, "image.ready", self.ad.pk, image(5))
        stranger = "whsec_" + base64.b64encode(bytes(32)).decode()
        self.assertEqual(self.push(ready, stranger), 400)
        self.assertEqual(self.shown(), [])
        self.assertEqual(self.push(ready, OLD), 204)
        self.assertEqual(self.push(ready, NEW), 204)

    def test_forged_events_are_refused(self):
        ready = event(1, "image.ready", self.ad.pk, image(5))
        late = datetime.now(UTC) - timedelta(minutes=6)
        for forged in (
            {"body": json.dumps(ready) + " "},
            {"body": b"\xff"},
            {"at": late},
            {"webhook-id": "another"},
            {"webhook-timestamp": "soon"},
            {"webhook-signature": ""},
            {"webhook-signature": "v1"},
            {"webhook-signature": "v1,not base64"},
        ):
            with self.subTest(forged):
                self.assertEqual(self.push(ready, **forged), 400)
        self.assertEqual(self.client.get("/webhooks/broker/").status_code, 400)
        self.assertEqual(Image.objects.count(), 0)

    def test_the_newest_avatar_counts_in_whatever_order_events_arrive(self):
        first, second = image(5), image(6)
        gone = event(3, "image.deleted", self.user.pk, first, "avatar")
        events = [event(1, "image.ready", self.user.pk, first, "avatar"), gone]
        self.push(event(2, "image.ready", self.user.pk, second, "avatar"))
        for one in events:
            self.push(one)
            answer = self.api.get(f"/api/users/{self.user.pk}/").json()
            self.assertEqual(answer["avatar_url"], "https://media.example/6")

    def test_events_about_nothing_of_ours_change_nothing(self):
        for one in (
            event(1, "image.ready", 4711, image(5)),
            event(2, "image.ready", "blue-chair", image(6), "product_image"),
            event(3, "upload.expired", self.ad.pk, None),
            event(4, "owner.erased", self.ad.pk, None),
        ):
            self.assertEqual(self.push(one), 204)
        self.assertEqual(Image.objects.count(), 0)

    def test_an_event_that_cannot_be_applied_is_not_accepted(self):
        self.client.raise_request_exception = False
        with mock.patch("shop.broker.store", side_effect=ValueError):
            self.assertEqual(self.push(event(1, "image.ready", self.ad.pk, image(5))), 500)
