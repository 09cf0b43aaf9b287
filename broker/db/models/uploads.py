"""Uploads, their parts, and the sessions of Uppy that request them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Uuid,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, query_expression

from broker.db.models.base import Base
from broker.db.types import BigId, UtcDateTime
from broker.domain.states import UploadState

_STATES = ", ".join(f"'{state}'" for state in UploadState)
# As text, because neither database uses a partial index for parameters.
ENDED = "state IN ('rejected', 'expired', 'cancelled')"


class Upload(Base):
    """The row behind a ticket. `user_id` is the owner's user, `issued_by` the caller."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        Index(None, "owner_kind", "owner_id"),
        # The reaper scans this: only pending rows, oldest first.
        Index(
            "ix_uploads_pending_expires_at",
            "expires_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        # Workers scan this: only uploads that wait for inspection, in the order of their confirms.
        # A lease does not change this column, see `db/leases.py: Queue`.
        Index(
            "ix_uploads_processing_since",
            "processing_since",
            sqlite_where=text("state = 'processing'"),
            postgresql_where=text("state = 'processing'"),
        ),
        # An erasure reads the uploads of a user.
        Index(None, "user_id"),
        # Retention scans these two: uploads that ended without an image, and those that lost it.
        Index(
            "ix_uploads_settled_at",
            "settled_at",
            sqlite_where=text(ENDED),
            postgresql_where=text(ENDED),
        ),
        Index(
            "ix_uploads_image_deleted_at",
            "image_deleted_at",
            sqlite_where=text("image_deleted_at IS NOT NULL"),
            postgresql_where=text("image_deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    owner_kind: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issued_by: Mapped[int] = mapped_column(BigInteger)
    # The relative key of the first attempt to publish; the image has the key of the winner.
    key: Mapped[str] = mapped_column(String(255), unique=True)
    # The object key that the client writes to; NULL for uploads of release 0.2.
    written_key: Mapped[str | None] = mapped_column(String(512))
    # As the client named it, without its folder; NULL for uploads of release 0.4.
    file_name: Mapped[str | None] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int] = mapped_column(BigInteger)
    checksum_sha256: Mapped[str | None] = mapped_column(String(44))
    transport: Mapped[str] = mapped_column(String(16))
    alt_text: Mapped[str] = mapped_column(String(500))
    order: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    # The number of attempts to publish the object. It is also the token of a worker's lease.
    publish_attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    # Only release 0.2 reads and writes this.
    promoted_etag: Mapped[str | None] = mapped_column(String(255))
    # False if the client's protocol declares no size. Then `size` is the maximum.
    size_is_exact: Mapped[bool] = mapped_column(server_default=true(), default=True)
    # Multipart: S3's upload id, created when parts are first signed. Never shown to clients.
    multipart_id: Mapped[str | None] = mapped_column(String(1024))
    # Multipart: bytes of each part except the last; None if the client cuts the parts (Uppy).
    part_size: Mapped[int | None] = mapped_column(BigInteger)
    # Multipart: whether every part has a SHA-256; the first signed parts decide.
    parts_pinned: Mapped[bool | None]
    # Multipart: when the bucket was last asked to complete it.
    completing_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Where S3 redirects the browser of a plain form.
    return_url: Mapped[str | None] = mapped_column(String(1024))
    # The Uppy session that requested it. No foreign key: sessions are deleted sooner.
    uppy_session_id: Mapped[UUID | None] = mapped_column(Uuid)
    # The start of the quota window that was charged; None if no quota was charged.
    quota_window: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Inspection: when the object was confirmed to have arrived.
    processing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Inspection: when a worker may take it. A lease moves it into the future.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Inspection: attempts that failed or still run. An attempt that the bucket or the database
    # stopped does not count.
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    # Inspection: the code of `RejectionReason` if a worker rejected it.
    reason: Mapped[str | None] = mapped_column(String(32))
    # When a confirmed upload lost its image, or was confirmed after its avatar had been replaced.
    image_deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Not a column. It says whether the owner still belongs to the user. Only `read_upload` sets it;
    # after other reads it is None.
    still_owned: Mapped[bool | None] = query_expression()


class UploadPart(Base):
    """The SHA-256 that one part of a multipart upload is pinned to, while it is pending."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    part_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    checksum_sha256: Mapped[str] = mapped_column(String(44))


class ReportedFailure(Base):
    """An S3 error that a client reported, and what it was advised to do."""

    __tablename__ = "reported_failures"
    __table_args__ = (Index(None, "upload_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    upload_id: Mapped[UUID] = mapped_column(Uuid)
    s3_code: Mapped[str] = mapped_column(String(64))
    advice: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UppySession(Base):
    """The files and bytes that one Uppy endpoint has left, and when it expires."""

    __tablename__ = "uppy_sessions"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    # The owner as text if grants decide about it.
    owner: Mapped[str | None] = mapped_column(String(64))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    max_files: Mapped[int]
    files_taken: Mapped[int] = mapped_column(server_default="0", default=0)
    max_bytes: Mapped[int] = mapped_column(BigInteger)
    bytes_taken: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
