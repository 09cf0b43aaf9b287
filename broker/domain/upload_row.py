"""The fields of an upload that pure rules read, whether its row is new or stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class UploadRow(Protocol):
    """A row of `uploads`, stored or about to be inserted."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def owner_kind(self) -> str: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def size_is_exact(self) -> bool: ...
    @property
    def checksum_sha256(self) -> str | None: ...
    @property
    def transport(self) -> str: ...
    @property
    def part_size(self) -> int | None: ...
    @property
    def return_url(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def uppy_session_id(self) -> UUID | None: ...


@dataclass(kw_only=True, slots=True)
class NewUpload:
    """A row of `uploads` that is about to be inserted; the database adds the owner's user.

    Treat it as immutable. It is not frozen because a frozen one takes twice as long to create.
    """

    id: UUID
    state: str
    owner_kind: str
    owner_id: int
    issued_by: int
    key: str
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
