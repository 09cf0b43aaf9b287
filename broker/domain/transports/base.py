"""The interface of all transports. Each transport is one file beside this one."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.part_plan import PartPlan
from broker.domain.post_policy import PostForm
from broker.domain.profiles import Profile
from broker.domain.put_request import PartsRequest, PutRequest
from broker.domain.upload_row import UploadRow

# S3: the largest object of one POST, PUT or CopyObject.
SINGLE_MAX_BYTES = 5 * 1024**3
Transfer = PresignedPost | PresignedPut | PartPlan | None


class Presigner(Protocol):
    """Signs requests for clients, without asking the bucket.

    `bucket_url` is where clients reach the bucket that they write to. All methods raise
    StorageDenied when there are no credentials.
    """

    bucket_url: str

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        """Sign a form."""

    def presign_put(self, request: PutRequest, now: datetime) -> PresignedPut:
        """Sign a PUT of a whole object."""

    def presign_parts(self, request: PartsRequest, now: datetime) -> list[PresignedPut]:
        """Sign the PUTs of parts, in the order of the request."""


class Transport(ABC):
    """How the bytes of one upload travel to the bucket.

    Attributes:
        name: the value in requests and rows.
        max_bytes: the largest object that it can send.
        has_parts: the file is sent in parts, and the broker completes the object.
        takes_open_size: the size may be unknown when the ticket is issued.
        takes_return_url: S3 can send the browser back to a page.
        stays_charged: after an upload has ended, its quota stays charged until its signature
            has expired, because a late request could still write the object.
    """

    name: ClassVar[str]
    max_bytes: ClassVar[int] = SINGLE_MAX_BYTES
    has_parts: ClassVar[bool] = False
    takes_open_size: ClassVar[bool] = False
    takes_return_url: ClassVar[bool] = False
    stays_charged: ClassVar[bool] = True

    @abstractmethod
    def ttl(self, profile: Profile) -> timedelta:
        """Return how long a ticket may be used before it must be renewed."""

    @abstractmethod
    def sign(
        self,
        presigner: Presigner,
        limits: Limits,
        upload: UploadRow,
        object_key: str,
        *,
        expires_at: datetime,
        now: datetime,
    ) -> Transfer:
        """Sign the request that the client sends to `object_key`. Renewing a ticket signs again."""

    @abstractmethod
    def to_wire(self, transfer: Transfer, upload: UploadRow) -> dict[str, Any]:
        """Return the ticket's `upload` member."""

    def part_size(self, size: int, limits: Limits) -> int | None:
        """Return the bytes of each part for a file of `size` bytes; None without parts."""
        return None
