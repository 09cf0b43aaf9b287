"""The journeys of the clients. A client runs one after another, so that its model is exact.

The journeys are what an app does (uploads, batches, avatars, cancelled and abandoned tickets,
lists) and what an attacker tries (wrong bytes, uploads of other users).
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.servers.bucket import BUCKET
from tests.soak.calls import GaveUp
from tests.soak.client import Client, Lapsed, Unknown
from tests.soak.model import Kept, Photo

BATCH = 3
LEFT = ("kept", "kept or expired")
FETCHED = 0.2  # share of photos that are read back immediately; all are compared at the end


class JourneyClient(Client):
    """A client that runs random journeys."""

    async def run_journey(self) -> None:
        """Run one random journey and count how it ended."""
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
        self.ledger.journeys[name] += 1

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
            (self.late, 3),
            (self.delete_image, 4),
            (self.delete_ad, 1),
            (self.other_people, 2),
            (self.damaged, 4),
            (self.cancel_while_processing, 4),
        ]

    async def photo(self) -> None:
        """Upload a photo to an ad; sometimes confirm it twice."""
        ad = await self.ad()
        photo = Photo.of(self.chance)
        image = await self.upload(await self.ticket(ad, photo), photo)
        self.known.ads[ad][image.id] = image
        if self.chance.random() < FETCHED and await self.fetched(image.url) != photo.md5:
            self.calls.record_error(f"{image.url} is another photo")

    async def fetched(self, url: str) -> str:
        """Return the MD5 of a published photo."""
        return hashlib.md5(await self.calls.fetch(url), usedforsecurity=False).hexdigest()

    async def damaged(self) -> None:
        """Upload a file that is no photo, which a worker rejects."""
        photo = Photo.damaged(self.chance)
        ticket = await self.ticket(await self.ad(), photo)
        await self.send(ticket, photo)
        await self.confirm(ticket)
        upload = await self.inspected(ticket)
        if (upload["state"], upload["reason"]) != ("rejected", "corrupt"):
            self.calls.record_error(f"{ticket['key']} is {upload['state']} {upload['reason']}")
        self.known.ends[ticket["id"]] = "rejected"

    async def cancel_while_processing(self) -> None:
        """Cancel an upload that a worker may be inspecting, or has published."""
        ad = await self.ad()
        photo = Photo.of(self.chance)
        ticket = await self.ticket(ad, photo)
        await self.send(ticket, photo)
        await self.confirm(ticket)
        answer = await self.ask("DELETE", f"/api/uploads/{ticket['id']}/", 204, 409)
        self.known.ends[ticket["id"]] = "cancelled"
        if answer.status == 409:
            image = (await self.inspected(ticket))["image"]
            self.known.ends[ticket["id"]] = "confirmed"
            self.known.ads[ad][image["id"]] = Kept.of(image, photo)

    async def late(self) -> None:
        """Send a file again after its upload was confirmed or cancelled; the reaper deletes it."""
        ad = await self.ad()
        photo = Photo.of(self.chance)
        ticket = await self.ticket(ad, photo)
        if self.chance.random() < 0.5:
            image = await self.upload(ticket, photo)
            self.known.ads[ad][image.id] = image
        else:
            await self.send(ticket, photo)
            await self.cancel_ticket(ticket)
        await self.send_late(ticket, photo)

    async def batch(self) -> None:
        """Upload three photos with one batch request."""
        ad = await self.ad(BATCH)
        photos = [Photo.of(self.chance) for _ in range(BATCH)]
        files = [photo.declared() for photo in photos]
        answer = await self.make(f"/api/ads/{ad}/upload_images/", {"files": files})
        for ticket in answer["tickets"]:
            self.forget(ticket, ad)
        for ticket, photo in zip(answer["tickets"], photos, strict=True):
            image = await self.upload(ticket, photo)
            self.known.ads[ad][image.id] = image

    async def avatar(self) -> None:
        """Replace the avatar."""
        photo = Photo.of(self.chance)
        ticket = await self.make(f"/api/users/{self.user}/upload_avatar/", photo.declared())
        self.known.ends[ticket["id"]] = "expired"
        self.known.avatar = await self.upload(ticket, photo)
        await self.check_avatar()

    async def cancel(self) -> None:
        """Cancel a ticket, before or after sending its bytes."""
        photo = Photo.of(self.chance)
        ticket = await self.ticket(await self.ad(), photo)
        if self.chance.random() < 0.5:
            await self.send(ticket, photo)
        await self.cancel_ticket(ticket)

    async def cancel_ticket(self, ticket: dict[str, Any]) -> None:
        path = f"/api/uploads/{ticket['id']}/"
        answer = await self.ask("DELETE", path, 204, 409)
        late = self.is_late(ticket)
        if answer.status == 409:
            if not late or self.stack.reap == "delete":
                self.calls.record_error(f"{path} cannot be cancelled")
            self.leave(ticket)
            return
        self.known.ends[ticket["id"]] = "cancelled or expired" if late else "cancelled"
        answer = await self.ask("POST", ticket["confirm_url"], 410)
        if answer.code not in ("upload_cancelled", *(["upload_expired"] if late else [])):
            self.calls.record_error(f"{path} was cancelled, and is {answer.code}")

    async def abandon(self) -> None:
        """Abandon a ticket, before or after sending its bytes."""
        photo = Photo.of(self.chance)
        ticket = await self.ticket(await self.ad(), photo)
        if self.chance.random() < 0.5:
            self.leave(ticket)
            await self.send(ticket, photo)

    async def wrong_bytes(self) -> None:
        """Send other bytes than declared, which the bucket refuses; then send the right ones."""
        ad = await self.ad()
        photo = Photo.of(self.chance)
        ticket = await self.ticket(ad, photo)
        if await self.calls.send(ticket, photo.other().data):
            self.calls.record_error(f"the bucket took other bytes for {ticket['key']}")
        answer = await self.ask("POST", ticket["confirm_url"], 409, 410)
        if answer.status == 410:
            self.too_late(ticket, answer)
        if answer.code != "object_missing":
            self.calls.record_error(f"{ticket['key']}: {answer.code} for bytes that were refused")
        image = await self.upload(ticket, photo)
        self.known.ads[ad][image.id] = image

    async def forged(self) -> None:
        """Write other bytes directly to the bucket; the confirm must reject them."""
        photo = Photo.of(self.chance)
        ticket = await self.ticket(await self.ad(), photo)
        place = {"Bucket": BUCKET, "Key": f"incoming/{ticket['key']}"}
        url = self.stack.s3_client.generate_presigned_url(
            "put_object", Params={**place, "ContentType": "image/jpeg"}
        )
        await self.calls.put(url, photo.other().data)
        answer = await self.ask("POST", ticket["confirm_url"], 422, 410)
        if answer.status == 410:
            self.too_late(ticket, answer)
        self.known.ends[ticket["id"]] = "rejected"

    async def delete_image(self) -> None:
        """Delete an image."""
        found = [(ad, image) for ad, images in self.known.ads.items() for image in images]
        if not found:
            return
        ad, image = self.chance.choice(found)
        answer = await self.ask("DELETE", f"/api/ads/{ad}/images/{image}/", 204, 404)
        if answer.status == 404 and not answer.repeated:
            self.calls.record_error(f"image {image} of ad {ad} is not there")
        del self.known.ads[ad][image]

    async def delete_ad(self) -> None:
        """Delete an ad with all its images."""
        if len(self.known.ads) < 2:
            return
        ad = self.chance.choice(list(self.known.ads))
        answer = await self.ask("DELETE", f"/api/ads/{ad}/", 204, 404)
        if answer.status == 404 and not answer.repeated:
            self.calls.record_error(f"ad {ad} is not there")
        del self.known.ads[ad]
        for upload in self.of_ads.pop(ad, []):
            if self.known.ends[upload] == "expired":  # the upload may still be pending
                self.known.ends[upload] = "cancelled or expired"
            if self.known.ends[upload] in LEFT:
                self.known.ends[upload] = "kept, cancelled or expired"
        await self.ask("GET", f"/api/ads/{ad}/", 404)

    async def other_people(self) -> None:
        """Check that another user's token gives no access to an upload."""
        if self.stranger is None:
            return
        photo = Photo.of(self.chance)
        ticket = await self.ticket(await self.ad(), photo)
        upload = f"/api/uploads/{ticket['id']}/"
        await self.stranger.ask("GET", upload, 404)
        await self.stranger.ask("POST", ticket["confirm_url"], 404)
        await self.stranger.ask("DELETE", upload, 404)
        await self.ask("GET", upload, 200)

    async def look(self) -> None:
        """Check that lists and ads show exactly what the model holds."""
        path = f"/api/ads/?owner={self.user}&limit=20"
        answer = await self.ask("GET", path, 200)
        for ad in answer.body["results"]:
            self.compare(ad)
        if self.known.ads:
            await self.check_ad(self.chance.choice(list(self.known.ads)))
