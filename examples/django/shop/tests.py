"""Events in any order, forged, twice and lost; tokens, tickets and erasures."""

import base64
import json
from datetime import UTC, datetime, timedelta
from unittest import mock

import httpx
from django.core.management import call_command
from django.test import TestCase, override_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken
from standardwebhooks import Webhook

from shop.models import Ad, Erasure, Feed, Image, User

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


class Broker:
    """A feed and files, as the broker answers them."""

    def __init__(self, events=(), files=(), floor=0):
        self.events, self.files, self.floor, self.sent = list(events), list(files), floor, []

    def request(self, method, url, headers, params=None, json=None):
        claims = AccessToken(headers["Authorization"].removeprefix("Bearer "))
        self.sent.append((method, url, claims.payload))
        status, body = self.answer(method, httpx.URL(url).path, params, json)
        return httpx.Response(status, json=body, request=httpx.Request(method, url))

    def answer(self, method, path, params, body):
        if method == "DELETE":
            return 202, {"id": "e-1", "state": "deleting"}
        after = params.get("after", "")
        if path == "/api/files/":
            page = [one for one in self.files if one["image"]["id"] > int(after or 0)][:2]
            more = page and page[-1] is not self.files[-1]
            return 200, {
                "results": page,
                "next_cursor": str(page[-1]["image"]["id"]) if more else None,
            }
        last = max([self.floor, *(one["sequence"] for one in self.events)])
        if after == "latest":
            return 200, {"results": [], "next_cursor": f"e.{last}", "sequence": last}
        sequence = int(after.partition(".")[2] or 0)
        if after and sequence < self.floor:
            return 410, {"code": "cursor_expired"}
        page = [one for one in self.events if one["sequence"] > sequence][:2]
        cursor = page[-1]["sequence"] if page else sequence
        return 200, {"results": page, "next_cursor": f"e.{cursor}", "sequence": cursor}

    def __enter__(self):
        self.patch = mock.patch("httpx.request", self.request)
        self.patch.start()
        return self

    def __exit__(self, *_):
        self.patch.stop()


class FeedTests(ShopTestCase):
    def test_the_feed_brings_what_no_webhook_has_brought(self):
        events = [event(one, "image.ready", self.ad.pk, image(one)) for one in range(1, 6)]
        with Broker(events) as broker:
            call_command("pull_events")
            self.assertEqual(self.shown(), [(one, "") for one in range(1, 6)])
            self.assertEqual(Feed.objects.get().cursor, "e.5")
            broker.events.append(event(6, "image.deleted", self.ad.pk, image(1)))
            call_command("pull_events")
        self.assertEqual(self.shown(), [(one, "") for one in range(2, 6)])
        self.assertTrue(all(claims["role"] == "service" for _, _, claims in broker.sent))

    def test_a_cursor_that_is_too_old_leads_to_reading_all_files(self):
        Feed.objects.update(cursor="e.3")
        for sequence in (1, 2):
            self.push(event(sequence, "image.ready", self.ad.pk, image(sequence)))
        # Meanwhile 1 was deleted, 2 was changed, and 3 to 5 were added.
        states = [image(2, "changed"), *map(image, (3, 4, 5))]
        data = [event(0, "", self.ad.pk, state)["data"] for state in states]
        with Broker(files=data, floor=20) as broker:
            call_command("pull_events")
            self.assertEqual(self.shown(), [(2, "changed"), (3, ""), (4, ""), (5, "")])
            broker.events.append(event(21, "image.deleted", self.ad.pk, image(5)))
            call_command("pull_events")
        # A webhook that is late brings nothing back, and newer ones count.
        self.push(event(19, "image.ready", self.ad.pk, image(1)))
        self.push(event(22, "image.updated", self.ad.pk, image(2, "newest")))
        self.assertEqual(self.shown(), [(2, "newest"), (3, ""), (4, "")])

    def test_after_a_restore_of_the_broker_smaller_sequences_count_again(self):
        self.push(event(50, "image.ready", self.ad.pk, image(1)))
        self.push(event(51, "image.ready", self.ad.pk, image(2)))
        Feed.objects.update(cursor="e.1")
        with Broker(files=[event(0, "", self.ad.pk, image(1))["data"]], floor=20):
            call_command("pull_events")
        self.assertEqual(self.shown(), [(1, "")])
        self.push(event(21, "image.updated", self.ad.pk, image(1, "after")))
        self.assertEqual(self.shown(), [(1, "after")])


class UploadTests(ShopTestCase):
    def test_the_old_url_answers_with_the_ticket_of_the_broker(self):
        ticket = {"id": "0199", "confirm_url": "/api/uploads/0199/confirm/", "upload": {}}
        self.sign_in(self.user)
        with Broker() as broker, mock.patch.object(broker, "answer", return_value=(201, ticket)):
            path = f"/api/ads/{self.ad.pk}/upload_image/"
            answer = self.api.post(path, {"file_name": "a.jpg"}, format="json")
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(
            answer.json()["confirm_url"], "http://127.0.0.1:8001/api/uploads/0199/confirm/"
        )
        ((method, url, claims),) = broker.sent
        self.assertEqual((method, url), ("POST", f"http://127.0.0.1:8001{path}"))
        self.assertEqual(claims["sub"], str(self.user.pk))
        self.assertNotIn("role", claims)
        granted = {"type": "upload", "profile": "ad_image", "owner": str(self.ad.pk)}
        granted["actions"] = ["create", "update", "delete"]
        self.assertEqual(claims["authorization_details"], [granted])
        self.assertEqual(AccessToken(answer.json()["token"])["authorization_details"], [granted])

    def test_errors_of_the_broker_reach_the_client(self):
        problem = {"code": "image_limit_reached", "status": 409}
        self.sign_in(self.user)
        with Broker() as broker, mock.patch.object(broker, "answer", return_value=(409, problem)):
            answer = self.api.post(f"/api/users/{self.user.pk}/upload_avatar/", {}, format="json")
        self.assertEqual((answer.status_code, answer.json()), (409, problem))

    def test_without_the_broker_the_answer_is_503(self):
        self.sign_in(self.user)
        with mock.patch("httpx.request", side_effect=httpx.ConnectError("away")):
            answer = self.api.post(f"/api/ads/{self.ad.pk}/upload_image/", {}, format="json")
        self.assertEqual(answer.status_code, 503)

    def test_nobody_gets_a_token_or_a_ticket_for_what_is_anothers(self):
        other = User.objects.create_user("bob")
        paths = [f"ads/{self.ad.pk}/{name}/" for name in ("upload_image", "upload_token")]
        paths += [f"users/{self.user.pk}/{name}/" for name in ("upload_avatar", "upload_token")]
        with Broker() as broker:
            for path in paths:
                self.api.credentials()
                self.assertEqual(self.api.post(f"/api/{path}").status_code, 401, path)
                self.sign_in(other)
                self.assertEqual(self.api.post(f"/api/{path}").status_code, 403, path)
                self.assertEqual(self.api.get(f"/api/{path}").status_code, 405, path)
        self.assertEqual(broker.sent, [])


class OldApiTests(ShopTestCase):
    def test_ads_and_users_have_the_old_json(self):
        self.user.set_password("secret")
        self.user.save()
        answer = self.api.post(
            "/api/token/", {"username": "ann", "password": "secret"}, format="json"
        )
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
        body = {"title": "A chair", "description": "red", "price": "19.99"}
        ad = self.api.post("/api/ads/", body, format="json").json()
        self.assertEqual(self.api.get("/api/ads/").json()["results"][0], ad)
        for name in ("created_at", "updated_at"):
            self.assertTrue(ad.pop(name))
        owner = {"id": self.user.pk, "email": "ann@example.com", "name": "Ann"}
        self.assertEqual(
            ad,
            {
                **body,
                "id": ad["id"],
                "is_active": True,
                "is_sold": False,
                "owner": self.user.pk,
                "owner_info": owner,
                "main_image_url": None,
                "images": [],
            },
        )
        sold = self.api.post(f"/api/ads/{ad['id']}/mark_sold/").json()
        self.assertTrue(sold["is_sold"])
        user = self.api.get(f"/api/users/{self.user.pk}/").json()
        names = {"first_name": "Ann", "last_name": "", "avatar": None, "avatar_url": None}
        self.assertEqual(user, {**owner, **names, "avatar_image": None})
        self.api.credentials()
        self.assertIsNone(self.api.get(f"/api/users/{self.user.pk}/").json()["email"])
        self.assertIsNone(self.ad_json()["owner_info"]["email"])

    def test_only_the_owner_changes_or_deletes(self):
        for user, expected in ((None, 401), (User.objects.create_user("bob"), 403)):
            if user:
                self.sign_in(user)
            for path in (f"/api/ads/{self.ad.pk}/", f"/api/users/{self.user.pk}/"):
                self.assertEqual(self.api.delete(path).status_code, expected)
            self.assertEqual(
                self.api.post(f"/api/ads/{self.ad.pk}/mark_sold/").status_code, expected
            )

    def test_lists_of_ads_need_few_queries(self):
        for number in range(20):
            ad = Ad.objects.create(owner=self.user, title=str(number), price=1)
            self.push(event(number + 1, "image.ready", ad.pk, image(number + 1)))
        with self.assertNumQueries(5):
            self.api.get("/api/ads/")


class ErasureTests(ShopTestCase):
    def test_deleting_a_user_erases_the_user_and_the_files_of_their_ads(self):
        self.push(event(1, "image.ready", self.ad.pk, image(5)))
        paths = [f"/api/owners/ad_image/{self.ad.pk}/", f"/api/users/{self.user.pk}/"]
        self.sign_in(self.user)
        self.assertEqual(self.api.delete(paths[1]).status_code, 204)
        self.assertEqual(Image.objects.count(), 0)
        # The broker is away: the erasures are sent again.
        for broken in (503, 500):
            with Broker() as broker, mock.patch.object(broker, "answer", return_value=(broken, {})):
                with self.assertRaises(httpx.HTTPStatusError):
                    call_command("pull_events")
            self.assertEqual(Erasure.objects.count(), 2)
        with Broker() as broker:
            call_command("pull_events")
        erased = [httpx.URL(url).path for method, url, _ in broker.sent if method == "DELETE"]
        self.assertEqual(erased, paths)
        self.assertEqual(Erasure.objects.count(), 0)

    def test_an_erasure_that_fails_holds_up_no_other(self):
        Ad.objects.create(owner=self.user, title="Another", price=1).delete()
        self.ad.delete()
        outcomes = iter([500, 202])
        with Broker() as broker:
            answer = broker.answer
            broker.answer = lambda method, *rest: (
                (next(outcomes), {}) if method == "DELETE" else answer(method, *rest)
            )
            call_command("pull_events")
        self.assertEqual(Erasure.objects.count(), 1)
