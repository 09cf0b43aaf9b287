"""Tokens and tickets: what they grant, and to whom."""

from unittest import mock

import httpx
from rest_framework_simplejwt.tokens import AccessToken

from shop.models import User
from shop.tests.case import ShopTestCase
from shop.tests.fake_broker import Broker


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
