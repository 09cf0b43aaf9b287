"""The old JSON, and who may change what."""

from django.core.management import call_command

from shop.models import Ad, User
from shop.tests.case import ShopTestCase, event, image


class OldApiTests(ShopTestCase):
    def test_ads_and_users_have_the_old_json(self):
        self.user.set_password("secret")
        self.user.save()
        answer = self.api.post(
            "/api/token/", {"username": "ann", "password": "secret"}, format="json"
        )
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
        body = {"title": "A chair", "description": "red", "price": "19.99"}
        ad = self.api.post("/api/ads/", {**body, "is_sold": True}, format="json").json()
        self.assertEqual(self.api.get("/api/ads/").json()["results"][0], ad)
        for name in ("created_at", "updated_at"):
            self.assertTrue(ad.pop(name).endswith("Z"))
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

    def test_the_migrations_are_complete(self):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
