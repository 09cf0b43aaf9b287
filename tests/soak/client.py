"""One client: a user whose journeys follow one another, so that its model is exact.

Each journey is what an app or a stranger does: whole uploads, batches, avatars, tickets given
back or forgotten, wrong bytes, other people's uploads, lists. Each answer is held to the model.
"""

import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import jwt

from benchmarks.servers.bucket import BUCKET
from tests.soak.calls import Calls, GaveUp, Said
from tests.soak.ledger import Ledger
from tests.soak.model import Kept, Known, Photo
from tests.soak.stack import Stack

MAX_IMAGES = 20  # BROKER_MAX_IMAGES_PER_AD's default
BATCH = 3
CLOCK_SECONDS = 2  # S3 counts whole seconds
REPEATED = 0.1  # of the confirms, how many are asked for twice
FETCHED = 0.2  # of the photos, how many are read back at once; all are compared at the end


class Lapsed(Exception):
    """A ticket was used too late, because what it was for was away for so long."""


class Unknown(Exception):
    """Whether it was made cannot be told before its key is free again."""


class Client:
    """A user with a token."""

    def __init__(self, number: int, stack: Stack, calls: Calls) -> None:
        self.user = number
        self.known = Known()
        self.chance = random.Random(number)  # the same journeys in each run
        self.stranger: Client | None = None
        self._stack = stack
        self._calls = calls
        self._headers = {"Authorization": f"Bearer {_token(number, stack.secret)}"}
        self._born: dict[str, float] = {}
        self._asked: Counter[int] = Counter()
        self._of_ads: dict[int, list[str]] = {}

    @property
    def _ledger(self) -> Ledger:
        return self._calls.ledger

    async def travel(self) -> None:
        """Make one journey, whichever comes."""
        journeys, weights = zip(*self._journeys(), strict=True)
        (journey,) = self.chance.choices(journeys, weights)
        name = journey.__name__
        try:
            await journey()
        except GaveUp:
            name += " (given up)"
        except Lapsed:
            name += " (too late)"
        except Unknown:
            name += " (cut off)"
        self._ledger.journeys[name] += 1

    def _journeys(self) -> list[tuple[Callable[[], Awaitable[None]], int]]:
        return [
            (self.photo, 40),
            (self.look, 15),
            (self.batch, 8),
            (self.avatar, 7),
            (self.cancel, 8),
            (self.abandon, 7),
            (self.wrong_bytes, 6),
            (self.forged, 2),
            (self.delete_image, 4),
            (self.delete_ad, 1),
            (self.other_people, 2),
        ]

    async def photo(self) -> None:
        """A photo of an ad, confirmed now and then twice."""
        ad = await self._ad()
        photo = Photo.of(self.chance)
        image = await self._upload(await self._ticket(ad, photo), photo)
        self.known.ads[ad][image.id] = image
        if self.chance.random() < FETCHED and await self._calls.fetch(image.url) != photo.data:
            self._calls.complain(f"{image.url} is another photo")

    async def batch(self) -> None:
        """Three photos by one request."""
        ad = await self._ad(BATCH)
        photos = [Photo.of(self.chance) for _ in range(BATCH)]
        files = [photo.declared() for photo in photos]
        said = await self._make(f"/api/ads/{ad}/upload_images/", {"files": files})
        for ticket in said["tickets"]:
            self._forget(ticket, ad)
        for ticket, photo in zip(said["tickets"], photos, strict=True):
            image = await self._upload(ticket, photo)
            self.known.ads[ad][image.id] = image

    async def avatar(self) -> None:
        """A new avatar, in the place of the one before."""
        photo = Photo.of(self.chance)
        ticket = await self._make(f"/api/users/{self.user}/upload_avatar/", photo.declared())
        self.known.ends[ticket["id"]] = "expired"
        self.known.avatar = await self._upload(ticket, photo)
        await self.check_avatar()

    async def cancel(self) -> None:
        """A ticket that is given back, before or after its bytes have arrived."""
        photo = Photo.of(self.chance)
        ticket = await self._ticket(await self._ad(), photo)
        if self.chance.random() < 0.5:
            await self._send(ticket, photo)
        path = f"/api/uploads/{ticket['id']}/"
        await self._ask("DELETE", path, 204)
        late = self._is_late(ticket)
        self.known.ends[ticket["id"]] = "cancelled or expired" if late else "cancelled"
        said = await self._ask("POST", ticket["confirm_url"], 410)
        if said.code not in ("upload_cancelled", *(["upload_expired"] if late else [])):
            self._calls.complain(f"{path} was cancelled, and is {said.code}")

    async def abandon(self) -> None:
        """A ticket that is forgotten, before or after its bytes have arrived."""
        photo = Photo.of(self.chance)
        ticket = await self._ticket(await self._ad(), photo)
        if self.chance.random() < 0.5:
            await self._send(ticket, photo)

    async def wrong_bytes(self) -> None:
        """Other bytes than were declared, which the bucket refuses; then the right ones."""
        ad = await self._ad()
        photo = Photo.of(self.chance)
        ticket = await self._ticket(ad, photo)
        if await self._calls.send(ticket, photo.other().data):
            self._calls.complain(f"the bucket took other bytes for {ticket['key']}")
        said = await self._ask("POST", ticket["confirm_url"], 409, 410)
        if said.status == 410:
            self._too_late(ticket, said)
        if said.code != "object_missing":
            self._calls.complain(f"{ticket['key']}: {said.code} for bytes that were refused")
        image = await self._upload(ticket, photo)
        self.known.ads[ad][image.id] = image

    async def forged(self) -> None:
        """Other bytes, written past the broker: the confirm sees it."""
        photo = Photo.of(self.chance)
        ticket = await self._ticket(await self._ad(), photo)
        place = {"Bucket": BUCKET, "Key": f"media/{ticket['key']}"}
        url = self._stack.s3_client.generate_presigned_url(
            "put_object", Params={**place, "ContentType": "image/jpeg"}
        )
        await self._calls.put(url, photo.other().data)
        said = await self._ask("POST", ticket["confirm_url"], 422, 410)
        if said.status == 410:
            self._too_late(ticket, said)
        self.known.ends[ticket["id"]] = "rejected"

    async def delete_image(self) -> None:
        """An image that is deleted."""
        found = [(ad, image) for ad, images in self.known.ads.items() for image in images]
        if not found:
            return
        ad, image = self.chance.choice(found)
        said = await self._ask("DELETE", f"/api/ads/{ad}/images/{image}/", 204, 404)
        if said.status == 404 and not said.repeated:
            self._calls.complain(f"image {image} of ad {ad} is not there")
        del self.known.ads[ad][image]

    async def delete_ad(self) -> None:
        """An ad that is deleted with all its images."""
        if len(self.known.ads) < 2:
            return
        ad = self.chance.choice(list(self.known.ads))
        said = await self._ask("DELETE", f"/api/ads/{ad}/", 204, 404)
        if said.status == 404 and not said.repeated:
            self._calls.complain(f"ad {ad} is not there")
        del self.known.ads[ad]
        for upload in self._of_ads.pop(ad, []):
            if self.known.ends[upload] == "expired":  # as yet, it may be pending
                self.known.ends[upload] = "cancelled or expired"
        await self._ask("GET", f"/api/ads/{ad}/", 404)

    async def other_people(self) -> None:
        """Somebody else's token opens nothing."""
        if self.stranger is None:
            return
        photo = Photo.of(self.chance)
        ticket = await self._ticket(await self._ad(), photo)
        upload = f"/api/uploads/{ticket['id']}/"
        await self.stranger._ask("GET", upload, 404)
        await self.stranger._ask("POST", ticket["confirm_url"], 404)
        await self.stranger._ask("DELETE", upload, 404)
        await self._ask("GET", upload, 200)

    async def look(self) -> None:
        """Lists and ads show what the model knows, and nothing else."""
        path = f"/api/ads/?owner={self.user}&limit=20"
        said = await self._ask("GET", path, 200)
        for ad in said.body["results"]:
            self._compare(ad)
        if self.known.ads:
            await self.check_ad(self.chance.choice(list(self.known.ads)))

    async def check_all(self) -> None:
        """Compare every ad, and the avatar, with the model."""
        for ad in list(self.known.ads):
            with contextlib.suppress(GaveUp):  # it is in the ledger; the others are looked at too
                await self.check_ad(ad)
        with contextlib.suppress(GaveUp):
            await self.check_avatar()

    async def check_ad(self, ad: int) -> None:
        """Compare one ad with the model."""
        self._compare((await self._ask("GET", f"/api/ads/{ad}/", 200)).body)

    async def check_avatar(self) -> None:
        """Compare the profile's avatar with the model."""
        if self.known.avatar is None:
            return
        said = await self._ask("GET", f"/api/users/{self.user}/", 200)
        if said.body["avatar"] != self.known.avatar.key:
            self._calls.complain(f"avatar {said.body['avatar']}, expected {self.known.avatar}")

    def _compare(self, ad: dict[str, Any]) -> None:
        if ad["owner"] != self.user:
            self._calls.complain(f"ad {ad['id']} of user {ad['owner']} in the list of {self.user}")
        there = {(image["id"], image["image"]) for image in ad["images"]}
        # An ad whose answer was lost is known to nobody, and has no images.
        images = self.known.ads.get(ad["id"], {}).values()
        if there != (expected := {(image.id, image.key) for image in images}):
            self._calls.complain(f"ad {ad['id']}: images {there ^ expected} differ")

    async def _ad(self, places: int = 1) -> int:
        """Give an ad with so many places left, a new one where there is none."""
        for ad in self.known.ads:
            if self._asked[ad] + places <= MAX_IMAGES:
                break
        else:
            body = {"title": "A bicycle", "price": "85.00"}
            ad = int((await self._make("/api/ads/", body))["id"])
            self.known.ads[ad] = {}
        # Before it is asked for: a ticket whose answer is lost takes a place too.
        self._asked[ad] += places
        return ad

    async def _ticket(self, ad: int, photo: Photo) -> dict[str, Any]:
        ticket = await self._make(f"/api/ads/{ad}/upload_image/", photo.declared())
        self._forget(ticket, ad)
        return ticket

    def _forget(self, ticket: dict[str, Any], ad: int) -> None:
        """Expect the reaper to end it, until more is done about it."""
        self.known.ends[ticket["id"]] = "expired"
        self._of_ads.setdefault(ad, []).append(ticket["id"])

    async def _make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have something made, once, whatever becomes of the answers."""
        begun = time.monotonic()
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        said = await self._calls.ask("POST", path, (201,), json=body, headers=headers)
        if said.status != 201:
            # It was cut off at work and holds the key for a minute: an app would come back.
            raise Unknown
        for ticket in said.body.get("tickets", [said.body]):
            self._born[str(ticket["id"])] = begun
        made: dict[str, Any] = said.body
        return made

    async def _upload(self, ticket: dict[str, Any], photo: Photo) -> Kept:
        """Send and confirm; the answer must be this photo's image, twice as well as once."""
        await self._send(ticket, photo)
        image = await self._confirmed(ticket)
        self.known.ends[ticket["id"]] = "confirmed"
        if self.chance.random() < REPEATED and await self._confirmed(ticket) != image:
            self._calls.complain(f"{ticket['key']}: a second confirm gives another image")
        return Kept(image["id"], image["image"], image["image_url"], photo.md5)

    async def _confirmed(self, ticket: dict[str, Any]) -> dict[str, Any]:
        said = await self._ask("POST", ticket["confirm_url"], 200, 410)
        if said.status == 410:
            self._too_late(ticket, said)
        if said.body["image"] != ticket["key"]:
            self._calls.complain(f"{ticket['key']} became {said.body['image']}")
        image: dict[str, Any] = said.body
        return image

    async def _send(self, ticket: dict[str, Any], photo: Photo) -> None:
        if not await self._calls.send(ticket, photo.data):
            if self._age(ticket) < self._stack.lives.ttl - CLOCK_SECONDS:
                self._calls.complain(f"the bucket refused {ticket['key']} in time")
            raise Lapsed

    def _too_late(self, ticket: dict[str, Any], said: Said) -> NoReturn:
        """End the journey: nothing is wrong where the ticket was as old as that."""
        if said.code != "upload_expired" or not self._is_late(ticket):
            self._calls.complain(f"{ticket['key']}: {said.code} in time")
        raise Lapsed

    def _is_late(self, ticket: dict[str, Any]) -> bool:
        return self._age(ticket) >= self._stack.lives.longest - CLOCK_SECONDS

    def _age(self, ticket: dict[str, Any]) -> float:
        return time.monotonic() - self._born[ticket["id"]]

    async def _ask(self, method: str, path: str, *want: int) -> Said:
        return await self._calls.ask(method, path, want, headers=self._headers)


def _token(user: int, secret: str) -> str:
    claims = {
        "sub": str(user),
        "exp": int(time.time()) + 3 * 3600,
        "email": f"user{user}@example.com",
        "first_name": "John",
        "last_name": "Seller",
    }
    return jwt.encode(claims, secret, "HS256")
