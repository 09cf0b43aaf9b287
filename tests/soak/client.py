"""One user of the API: asks, sends, confirms, and holds each answer to its own model.

Which of these follow one another is the journeys' matter.
"""

import contextlib
import random
import time
import uuid
from collections import Counter
from typing import Any, NoReturn

import jwt

from tests.soak.calls import Calls, GaveUp, Said
from tests.soak.ledger import Ledger
from tests.soak.model import Kept, Known, Photo
from tests.soak.stack import Stack

MAX_IMAGES = 20  # BROKER_MAX_IMAGES_PER_AD's default
CLOCK_SECONDS = 2  # S3 counts whole seconds
REPEATED = 0.1  # of the confirms, how many are asked for twice


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
        self.stack = stack
        self.calls = calls
        self._headers = {"Authorization": f"Bearer {_token(number, stack.secret)}"}
        self._born: dict[str, float] = {}
        self._asked: Counter[int] = Counter()
        self.of_ads: dict[int, list[str]] = {}

    @property
    def ledger(self) -> Ledger:
        """The run's figures."""
        return self.calls.ledger

    async def check_all(self) -> None:
        """Compare every ad, and the avatar, with the model."""
        for ad in list(self.known.ads):
            with contextlib.suppress(GaveUp):  # it is in the ledger; the others are looked at too
                await self.check_ad(ad)
        with contextlib.suppress(GaveUp):
            await self.check_avatar()

    async def check_ad(self, ad: int) -> None:
        """Compare one ad with the model."""
        self.compare((await self.ask("GET", f"/api/ads/{ad}/", 200)).body)

    async def check_avatar(self) -> None:
        """Compare the profile's avatar with the model."""
        if self.known.avatar is None:
            return
        said = await self.ask("GET", f"/api/users/{self.user}/", 200)
        if said.body["avatar"] != self.known.avatar.key:
            self.calls.complain(f"avatar {said.body['avatar']}, expected {self.known.avatar}")

    def compare(self, ad: dict[str, Any]) -> None:
        """Compare an ad as the API shows it with the model."""
        if ad["owner"] != self.user:
            self.calls.complain(f"ad {ad['id']} of user {ad['owner']} in the list of {self.user}")
        there = {(image["id"], image["image"]) for image in ad["images"]}
        # An ad whose answer was lost is known to nobody, and has no images.
        images = self.known.ads.get(ad["id"], {}).values()
        if there != (expected := {(image.id, image.key) for image in images}):
            self.calls.complain(f"ad {ad['id']}: images {there ^ expected} differ")

    async def ad(self, places: int = 1) -> int:
        """Give an ad with so many places left, a new one where there is none."""
        for ad in self.known.ads:
            if self._asked[ad] + places <= MAX_IMAGES:
                break
        else:
            body = {"title": "A bicycle", "price": "85.00"}
            ad = int((await self.make("/api/ads/", body))["id"])
            self.known.ads[ad] = {}
        # Before it is asked for: a ticket whose answer is lost takes a place too.
        self._asked[ad] += places
        return ad

    async def ticket(self, ad: int, photo: Photo) -> dict[str, Any]:
        """Ask for a ticket."""
        ticket = await self.make(f"/api/ads/{ad}/upload_image/", photo.declared())
        self.forget(ticket, ad)
        return ticket

    def forget(self, ticket: dict[str, Any], ad: int) -> None:
        """Expect the reaper to end it, until more is done about it."""
        self.known.ends[ticket["id"]] = "expired"
        self.of_ads.setdefault(ad, []).append(ticket["id"])

    async def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have something made, once, whatever becomes of the answers."""
        begun = time.monotonic()
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        said = await self.calls.ask("POST", path, (201,), json=body, headers=headers)
        if said.status != 201:
            # It was cut off at work and holds the key for a minute: an app would come back.
            raise Unknown
        for ticket in said.body.get("tickets", [said.body]):
            self._born[str(ticket["id"])] = begun
        made: dict[str, Any] = said.body
        return made

    async def upload(self, ticket: dict[str, Any], photo: Photo) -> Kept:
        """Send and confirm; the answer must be this photo's image, twice as well as once."""
        await self.send(ticket, photo)
        image = await self._confirmed(ticket)
        self.known.ends[ticket["id"]] = "confirmed"
        if self.chance.random() < REPEATED and await self._confirmed(ticket) != image:
            self.calls.complain(f"{ticket['key']}: a second confirm gives another image")
        return Kept(image["id"], image["image"], image["image_url"], photo.md5)

    async def _confirmed(self, ticket: dict[str, Any]) -> dict[str, Any]:
        said = await self.ask("POST", ticket["confirm_url"], 200, 410)
        if said.status == 410:
            self.too_late(ticket, said)
        if said.body["image"] != ticket["key"]:
            self.calls.complain(f"{ticket['key']} became {said.body['image']}")
        image: dict[str, Any] = said.body
        return image

    async def send(self, ticket: dict[str, Any], photo: Photo) -> None:
        """Send a ticket's bytes; raises Lapsed where the form was too old for them."""
        if not await self.calls.send(ticket, photo.data):
            if self._age(ticket) < self.stack.lives.ttl - CLOCK_SECONDS:
                self.calls.complain(f"the bucket refused {ticket['key']} in time")
            raise Lapsed

    def too_late(self, ticket: dict[str, Any], said: Said) -> NoReturn:
        """End the journey: nothing is wrong where the ticket was as old as that."""
        if said.code != "upload_expired" or not self.is_late(ticket):
            self.calls.complain(f"{ticket['key']}: {said.code} in time")
        raise Lapsed

    def is_late(self, ticket: dict[str, Any]) -> bool:
        """Say whether a ticket is as old as one that the reaper may have ended."""
        return self._age(ticket) >= self.stack.lives.longest - CLOCK_SECONDS

    def _age(self, ticket: dict[str, Any]) -> float:
        return time.monotonic() - self._born[ticket["id"]]

    async def ask(self, method: str, path: str, *want: int) -> Said:
        """Ask with this user's token; raises GaveUp unless the status is one that is wanted."""
        return await self.calls.ask(method, path, want, headers=self._headers)


def _token(user: int, secret: str) -> str:
    claims = {
        "sub": str(user),
        "exp": int(time.time()) + 3 * 3600,
        "email": f"user{user}@example.com",
        "first_name": "John",
        "last_name": "Seller",
    }
    return jwt.encode(claims, secret, "HS256")
