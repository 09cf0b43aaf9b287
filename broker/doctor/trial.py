"""The trial upload: the API's own services with the real bucket and a temporary database.

The ad's id is random and far above the ids of real databases. The trial remembers every key that
it may have written, and removes them all at the end.
"""

import base64
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Self

from broker.db.models import Image
from broker.db.scratch import scratch_database
from broker.db.session import Database
from broker.doctor.browser import Answer, Browser
from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.object_keys import INCOMING, object_key, published_key, written_key
from broker.domain.principal import Principal
from broker.domain.profiles import PRIVATE
from broker.domain.s3_servers import S3Server
from broker.domain.storage_errors import MultipartNotFound, StorageError, StorageUnavailable
from broker.domain.transports import Transport
from broker.services.confirm.confirm import confirm
from broker.services.multipart.sign_parts import WantedPart, sign_parts
from broker.services.tickets.cancel import cancel
from broker.services.tickets.issue import FileRequest, issue
from broker.services.tickets.sign import Ticket
from broker.services.uploads import outbox
from broker.services.uploads.files import delete_file
from broker.services.uploads.state import get_upload
from broker.services.work import Work
from broker.storage.protocol import Storage

NOBODY = 2**63 - 1
# No ad has such an id: those of a marketplace end at 2^53 - 1.
FIRST_AD = 900_000_000_000_000_000
ADS = 90_000_000_000_000_000
TICKETS_MAX = 100
CONTENT_TYPE = "image/png"
# One grey pixel.
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)

log = logging.getLogger("broker.doctor")


class Trial:
    """Issues tickets, sends photos and confirms them, as the API and its clients do.

    Args:
        storage: the bucket as the API reaches it.
        limits: the API's limits. The trial raises the number of images an ad may have, because
            it needs more tickets than a deployment may allow.
        browser: sends the photos.
        now: return the current time, aware UTC.
    """

    database: Database

    def __init__(
        self, storage: Storage, limits: Limits, browser: Browser, now: Callable[[], datetime]
    ) -> None:
        self.storage = storage
        # Not the profile of the operator's file, which may be private.
        self._profile = replace(
            limits.built_in[0],
            content_types=(CONTENT_TYPE,),
            max_count=TICKETS_MAX,
            max_bytes=len(PHOTO),
        )
        self.limits = replace(limits, declared=(self._profile,))
        self.ad_id = FIRST_AD + secrets.randbelow(ADS)
        self.image_id: int | None = None
        # The bucket at the public URL, if it is another bucket. Its objects are removed, too.
        self.stray_at: Storage | None = None
        self._browser = browser
        self._now = now
        self._touched: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        scratch = scratch_database(user_id=NOBODY, ad_id=self.ad_id, now=self._now())
        self.database = self._stack.enter_context(scratch)
        return self

    def __exit__(self, *_: object) -> None:
        if self.remove_all():
            log.warning(
                "These objects may be left in the bucket: %s", ", ".join(sorted(self._touched))
            )
        self._stack.close()

    def issue(
        self, transport: Transport, *, pinned: bool = True, server: S3Server | None = None
    ) -> Ticket:
        """Issue a ticket for the photo, as `POST upload_image/` does.

        With `server` it is signed for a server of that row, otherwise as the settings say.
        """
        digest = base64.b64encode(hashlib.sha256(PHOTO).digest()).decode("ascii")
        file = FileRequest(
            file_name="doctor.png",
            content_type=CONTENT_TYPE,
            size=len(PHOTO),
            checksum_sha256=digest if pinned else None,
            transport=transport.name,
        )
        limits = replace(
            self.limits,
            require_checksum=self.limits.require_checksum and pinned,
            server=server or self.limits.server,
        )
        with self._work(limits) as work:
            (ticket,) = issue(work, self._profile, str(self.ad_id), [file])
        self._touch(written_key(self.limits, ticket.upload))
        self._touch(published_key(self.limits, ticket.upload.key))
        return ticket

    def send(self, ticket: Ticket, origin: str | None, **changes: str) -> Answer:
        """Send the photo with changed fields or headers; raise Unreachable without an answer."""
        return self._send(ticket, origin, PHOTO, changes)

    def send_wrong(self, ticket: Ticket) -> Answer:
        """Send other bytes of the same length; raise Unreachable without an answer."""
        return self._send(ticket, None, bytes(reversed(PHOTO)), {})

    def _send(
        self, ticket: Ticket, origin: str | None, body: bytes, changes: dict[str, str]
    ) -> Answer:
        headers = {"Origin": origin} if origin else {}
        transfer = ticket.transfer
        if isinstance(transfer, PresignedPost):
            fields = {**transfer.fields, **changes}
            return self._browser.post_form(transfer.url, fields, body, headers=headers)
        if not isinstance(transfer, PresignedPut):
            raise TypeError("parts are sent with send_part")
        headers |= {**transfer.headers, **changes}
        return self._browser.send("PUT", transfer.url, headers=headers, body=body)

    def confirm(self, ticket: Ticket) -> Image | None:
        """Call the confirm service, which raises the same errors, and return the image.

        With inspection required, return None: no worker sees the temporary database.
        """
        with self._work() as work:
            image = confirm(work, ticket.upload.id)
            outbox.drain(work)
        if not isinstance(image, Image):
            return None
        self.image_id = image.id
        self._touch(published_key(self.limits, image.key))
        return image

    def delete_image(self) -> None:
        """Delete the last confirmed image with the services, and drain the outbox."""
        if self.image_id is None:
            return
        with self._work() as work:
            delete_file(work, self._profile, str(self.ad_id), self.image_id)
            outbox.drain(work)
        self.image_id = None

    def sign_part(self, ticket: Ticket) -> PresignedPut:
        """Create the multipart upload and return the URL of its only part; raise StorageError.

        The part is pinned to the photo's digest.
        """
        part = WantedPart(part_number=1, checksum_sha256=ticket.upload.checksum_sha256)
        with self._work() as work:
            signed = sign_parts(work, ticket.upload.id, [part])
        return signed.parts[0][1]

    def abort(self, ticket: Ticket) -> bool:
        """Cancel a multipart upload. Return whether the bucket has aborted it."""
        upload_id = ticket.upload.id
        with self._work() as work:
            cancel(work, upload_id)
            upload = get_upload(work, upload_id)
        if upload.multipart_id is None:
            return True
        try:
            self.storage.multipart.list_parts(written_key(self.limits, upload), upload.multipart_id)
        except MultipartNotFound:
            return True
        return False

    def key(self, file_name: str) -> str:
        """Return a key of the trial's ad without a ticket. The object is removed at the end."""
        return self._touch(published_key(self.limits, self._below(file_name)))

    def private_key(self, file_name: str) -> str:
        """Return the key of a private object. The object is removed at the end."""
        return self._touch(object_key(PRIVATE, self._below(file_name)))

    def incoming_key(self, file_name: str) -> str:
        """Return a key below `incoming/`. The object is removed at the end."""
        return self._touch(object_key(INCOMING, self._below(file_name)))

    def _below(self, file_name: str) -> str:
        return f"{self._profile.prefix}{self.ad_id}/{file_name}"

    @contextmanager
    def _work(self, limits: Limits | None = None) -> Iterator[Work]:
        with self.database.session() as session:
            yield Work(
                session=session,
                storage=self.storage,
                limits=limits or self.limits,
                principal=Principal(user_id=NOBODY),
                now=self._now(),
            )

    def _touch(self, key: str) -> str:
        self._touched.add(key)
        return key

    def remove_all(self) -> list[StorageError]:
        """Delete every key that the run may have written; return the errors."""
        refused: list[StorageError] = []
        for key in sorted(self._touched):
            try:
                for storage in self._storages():
                    storage.delete(key)
            except StorageError as error:
                refused.append(error)
                if isinstance(error, StorageUnavailable):
                    break  # stop, because each of the other keys would wait for a timeout, too
            else:
                self._touched.discard(key)
        return refused

    def remains(self) -> list[str]:
        """Return the keys of this run that are still in the bucket; raise StorageError."""
        locations = (self.limits.location, INCOMING, PRIVATE)
        return [
            listed.key
            for storage in self._storages()
            for location in locations
            for listed in storage.list_objects(object_key(location, self._below("")))
        ]

    def _storages(self) -> list[Storage]:
        return [self.storage] if self.stray_at is None else [self.storage, self.stray_at]
