"""What is deleted here is erased at the broker, even if it is away at first."""

from unittest import mock

import httpx
from django.core.management import call_command

from shop.models import Ad, Erasure, Image
from shop.tests.case import ShopTestCase, event, image
from shop.tests.fake_broker import Broker


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
