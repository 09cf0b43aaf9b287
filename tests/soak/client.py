"""One user of the API, which compares each answer with its own model.

`journeys.py` says in which order a user does things.
"""

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from typing import Any, NoReturn

import jwt

from broker.domain.object_keys import SUFFIX_LENGTH
from tests.soak.calls import Answer, Calls, GaveUp
from tests.soak.ledger import Ledger
from tests.soak.model import Kept, Known, Photo
from tests.soak.stack import Stack

MAX_IMAGES = 20  # BROKER_MAX_IMAGES_PER_AD's default
CLOCK_SECONDS = 2  # S3 counts whole seconds
REPEATED = 0.1  # share of confirms that are repeated
POLL_SECONDS = 1  # as Retry-After says
POLLS_MAX = 240


class Lapsed(Exception):
    """A ticket expired before it could be used, because a server was down."""


class Unknown(Exception):
    """The idempotency key is still locked, so it is unknown whether the request succeeded."""


class Client:
    """A user with a token."""

    def __init__(self, number: int, stack: Stack, calls: Calls) -> None:
        self.user = number
        self.known = Known()
        self.chance = random.Random(number)  # a fixed seed, so that each run has the same journeys
        self.stranger: Client | None = None
        self.stack = stack
        self.calls = calls
        self._headers = {"Authorization": f"Bearer {_token(number, stack.secret)}"}
        self._asked_at: dict[str, float] = {}
        self._asked: Counter[int] = Counter()
        self.of_ads: dict[int, list[str]] = {}

    @property
    def ledger(self) -> Ledger:
        """The records of the run."""
        return self.calls.ledger

    async def check_all(self) -> None:
        """Compare every ad, and the avatar, with the model."""
        for ad in list(self.known.ads):
            with contextlib.suppress(GaveUp):  # the error is recorded; check the other ads, too
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
        answer = await self.ask("GET", f"/api/users/{self.user}/", 200)
        if answer.body["avatar"] != self.known.avatar.key:
            self.calls.record_error(f"avatar {answer.body['avatar']}, expected {self.known.avatar}")

    def compare(self, ad: dict[str, Any]) -> None:
        """Compare an ad as the API shows it with the model."""
        if ad["owner"] != self.user:
            self.calls.record_error(
                f"ad {ad['id']} of user {ad['owner']} in the list of {self.user}"
            )
        there = {(image["id"], image["image"]) for image in ad["images"]}
        # If the answer to its creation was lost, the client does not know the ad. It has no images.
        images = self.known.ads.get(ad["id"], {}).values()
        expected = {(image.id, image.key) for image in images}
        if expected - there or len(there - expected) > self.known.left[ad["id"]]:
            self.calls.record_error(f"ad {ad['id']}: images {there ^ expected} differ")

    async def ad(self, places: int = 1) -> int:
        """Return an ad that has enough free slots. Create an ad if there is none."""
        for ad in self.known.ads:
            if self._asked[ad] + places <= MAX_IMAGES:
                break
        else:
            body = {"title": "A bicycle", "price": "85.00"}
            ad = int((await self.make("/api/ads/", body))["id"])
            self.known.ads[ad] = {}
        # Count the slot before the request, because a ticket takes a slot even if its answer is
        # lost.
        self._asked[ad] += places
        return ad

    async def ticket(self, ad: int, photo: Photo) -> dict[str, Any]:
        """Request a ticket."""
        ticket = await self.make(f"/api/ads/{ad}/upload_image/", photo.declared())
        self.forget(ticket, ad)
        return ticket

    def forget(self, ticket: dict[str, Any], ad: int) -> None:
        """Expect the upload to expire, unless the client continues it."""
        self.known.ends[ticket["id"]] = "expired"
        self.of_ads.setdefault(ad, []).append(ticket["id"])

    async def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a resource exactly once, even if answers are lost."""
        begun = time.monotonic()
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        answer = await self.calls.ask("POST", path, (201,), json=body, headers=headers)
        if answer.status != 201:
            # The interrupted request locks its key for a minute; an app would retry later.
            raise Unknown
        for ticket in answer.body.get("tickets", [answer.body]):
            self._asked_at[str(ticket["id"])] = begun
        made: dict[str, Any] = answer.body
        return made

    def leave(self, ticket: dict[str, Any], end: str = "kept") -> None:
        """Expect what becomes of a photo that was sent and is left to the reaper."""
        if self.stack.reap == "confirm":
            self.known.ends[ticket["id"]] = end
            for ad, uploads in self.of_ads.items():
                self.known.left[ad] += ticket["id"] in uploads

    async def upload(self, ticket: dict[str, Any], photo: Photo) -> Kept:
        """Send the photo and confirm it. A repeated confirm must return the same image."""
        await self.send(ticket, photo)
        image = await self._published(ticket)
        self.known.ends[ticket["id"]] = "confirmed"
        if self.chance.random() < REPEATED and await self.confirm(ticket) != image:
            self.calls.record_error(f"{ticket['key']}: a second confirm gives another image")
        return Kept.of(image, photo)

    async def confirm(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """Confirm an upload; return the image, or the upload that waits for a worker."""
        answer = await self.ask("POST", ticket["confirm_url"], 200, 202, 410)
        if answer.status == 410:
            self.too_late(ticket, answer)
        recorded: dict[str, Any] = answer.body
        return recorded

    async def _published(self, ticket: dict[str, Any]) -> dict[str, Any]:
        await self.confirm(ticket)
        image: dict[str, Any] | None = (await self.inspected(ticket))["image"]
        if image is None:
            self.calls.record_error(f"{ticket['key']} was not published")
        # Each attempt to publish has its own key, which differs in its suffix.
        if _without_suffix(image["image"]) != _without_suffix(ticket["key"]):
            self.calls.record_error(f"{ticket['key']} became {image['image']}")
        if not image["variants"]:
            self.calls.record_error(f"{image['image']} has no variants")
        return image

    async def inspected(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """Return the upload as soon as a worker has ended it."""
        for _ in range(POLLS_MAX):
            answer = await self.ask("GET", f"/api/uploads/{ticket['id']}/", 200)
            upload: dict[str, Any] = answer.body
            if upload["state"] != "processing":
                return upload
            await asyncio.sleep(POLL_SECONDS)
        self.calls.record_error(f"{ticket['key']} is still processed")

    async def send_late(self, ticket: dict[str, Any], photo: Photo) -> None:
        """Send the photo once more after the upload has ended, as a slow request does."""
        await self.calls.send(ticket, photo.data)

    async def send(self, ticket: dict[str, Any], photo: Photo) -> None:
        """Send the photo; raise Lapsed if the form has expired."""
        if not await self.calls.send(ticket, photo.data):
            if self._age(ticket) < self.stack.lifetimes.ttl - CLOCK_SECONDS:
                self.calls.record_error(f"the bucket refused {ticket['key']} in time")
            self.leave(ticket, "kept or expired")  # an earlier attempt may have arrived
            raise Lapsed

    def too_late(self, ticket: dict[str, Any], answer: Answer) -> NoReturn:
        """Stop the journey; record an error if the ticket was not old enough to expire."""
        if answer.code != "upload_expired" or not self.is_late(ticket):
            self.calls.record_error(f"{ticket['key']}: {answer.code} in time")
        raise Lapsed

    def is_late(self, ticket: dict[str, Any]) -> bool:
        """Check whether a ticket is old enough for the reaper to have expired it."""
        return self._age(ticket) >= self.stack.lifetimes.longest - CLOCK_SECONDS

    def _age(self, ticket: dict[str, Any]) -> float:
        return time.monotonic() - self._asked_at[ticket["id"]]

    async def ask(self, method: str, path: str, *want: int) -> Answer:
        """Send a request with this user's token; raise GaveUp if its status is not in `want`."""
        return await self.calls.ask(method, path, want, headers=self._headers)


def _without_suffix(key: str) -> tuple[str, str]:
    """Return a key without its random suffix."""
    stem, _, extension = key.rpartition(".")
    return stem[:-SUFFIX_LENGTH], extension


def _token(user: int, secret: str) -> str:
    claims = {
        "sub": str(user),
        "exp": int(time.time()) + 3 * 3600,
        "email": f"user{user}@example.com",
        "first_name": "John",
        "last_name": "Seller",
    }
    return jwt.encode(claims, secret, "HS256")
