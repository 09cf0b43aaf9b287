"""The fields of an upload that the rules read, for new and for stored rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class UploadRow(Protocol):
    """A row of `uploads`, stored or about to be inserted."""

    @property
    def id(self) -> UUID:
        """Return the upload's id."""

    @property
    def state(self) -> str:
        """Return the state, a value of `UploadState`."""

    @property
    def owner_kind(self) -> str:
        """Return the name of the owner's kind."""

    @property
    def key(self) -> str:
        """Return the relative key."""

    @property
    def written_key(self) -> str | None:
        """Return the object key that the client writes to; None if release 0.2 issued it."""

    @property
    def content_type(self) -> str:
        """Return the declared Content-Type."""

    @property
    def size(self) -> int:
        """Return the size in bytes; the maximum if it is not exact."""

    @property
    def size_is_exact(self) -> bool:
        """Check whether the client declared the exact size."""

    @property
    def checksum_sha256(self) -> str | None:
        """Return the declared SHA-256 in base64, if any."""

    @property
    def transport(self) -> str:
        """Return the name of the transport."""

    @property
    def part_size(self) -> int | None:
        """Return the bytes of each part except the last; None without planned parts."""

    @property
    def return_url(self) -> str | None:
        """Return where S3 redirects the browser of a plain form."""

    @property
    def expires_at(self) -> datetime:
        """Return when the ticket expires."""

    @property
    def uppy_session_id(self) -> UUID | None:
        """Return the Uppy session that requested the upload, if any."""


@dataclass(kw_only=True, slots=True)
class NewUpload:
    """A row of `uploads` that is about to be inserted; the database adds the owner and its user.

    Treat it as immutable. It is not frozen because a frozen one takes twice as long to create.
    """

    id: UUID
    state: str
    owner_kind: str
    issued_by: int
    key: str
    written_key: str
    file_name: str | None
    content_type: str
    size: int
    size_is_exact: bool
    checksum_sha256: str | None
    transport: str
    part_size: int | None
    return_url: str | None
    alt_text: str
    order: int
    created_at: datetime
    expires_at: datetime
    failures: int
    uppy_session_id: UUID | None
