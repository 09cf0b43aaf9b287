"""The tables. Rows hold relative keys; the location is a setting, not data.

Uploads and images name their owner by kind and id (`domain/owners.py`) without a foreign key,
so a new kind needs no new column. Code that deletes an owner deletes these rows.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from broker.db.types import BigId, Cents, Subject, UtcDateTime
from broker.domain.states import UploadState

_STATES = ", ".join(f"'{state}'" for state in UploadState)


class Base(DeclarativeBase):
    """The base of all models. Constraints have names, so that a later migration can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class User(Base):
    """A user of the marketplace. `domain/subjects.py` says how `id` follows from the subject."""

    __tablename__ = "users"
    __table_args__ = (
        Index(
            None,
            "subject",
            unique=True,
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    # The subject of the user's tokens; NULL if it is the id in decimal.
    subject: Mapped[str | None] = mapped_column(Subject)
    email: Mapped[str | None] = mapped_column(String(254))
    first_name: Mapped[str] = mapped_column(String(150))
    last_name: Mapped[str] = mapped_column(String(150))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Ad(Base):
    """An advertisement. `slots_taken` counts its images and pending uploads."""

    __tablename__ = "ads"
    __table_args__ = (
        Index(None, "owner_id"),
        CheckConstraint("places_taken >= 0", name="places_taken"),
        # The id of a deleted ad must never be used again, because it is part of object keys.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(Cents)
    is_active: Mapped[bool]
    is_sold: Mapped[bool]
    # The column keeps its old name, which the previous release still uses.
    slots_taken: Mapped[int] = mapped_column("places_taken", server_default="0", default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


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
        # Workers scan this: only uploads that wait for inspection, the first due first.
        Index(
            "ix_uploads_processing_due_at",
            "due_at",
            sqlite_where=text("state = 'processing'"),
            postgresql_where=text("state = 'processing'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    owner_kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issued_by: Mapped[int] = mapped_column(BigInteger)
    # The relative key of the first attempt to publish; the image has the key of the winner.
    key: Mapped[str] = mapped_column(String(255), unique=True)
    # The object key that the client writes to; NULL for uploads of release 0.2.
    written_key: Mapped[str | None] = mapped_column(String(512))
    content_type: Mapped[str] = mapped_column(String(64))
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


class UploadPart(Base):
    """The SHA-256 that one part of a multipart upload is pinned to, while it is pending."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    part_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    checksum_sha256: Mapped[str] = mapped_column(String(44))


class UserQuota(Base):
    """The bytes and files that a user has reserved since `window_start`."""

    __tablename__ = "user_quotas"
    __table_args__ = (
        CheckConstraint("bytes_taken >= 0", name="bytes_taken"),
        CheckConstraint("files_taken >= 0", name="files_taken"),
    )

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    window_start: Mapped[datetime] = mapped_column(UtcDateTime)
    bytes_taken: Mapped[int] = mapped_column(BigInteger)
    files_taken: Mapped[int] = mapped_column(BigInteger)


class UppySession(Base):
    """The files and bytes that one Uppy endpoint has left, and when it expires."""

    __tablename__ = "uppy_sessions"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    max_files: Mapped[int]
    files_taken: Mapped[int] = mapped_column(server_default="0", default=0)
    max_bytes: Mapped[int] = mapped_column(BigInteger)
    bytes_taken: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdempotencyKey(Base):
    """The claim on a user's key, and the stored response as soon as there is one.

    `user_id` is the token's user. No foreign key: nothing depends on these rows.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "expires_at"),)

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 of the request that was sent with the key.
    fingerprint: Mapped[str] = mapped_column(String(64))
    # The request that holds the claim; another one after a takeover.
    claim_id: Mapped[UUID] = mapped_column(Uuid)
    # After this time another request may take over a claim without a response.
    locked_until: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)


class Image(Base):
    """The metadata of one confirmed object."""

    __tablename__ = "images"
    __table_args__ = (
        Index(None, "owner_kind", "owner_id"),
        # One avatar per user, even with concurrent requests.
        Index(
            "uq_images_avatar",
            "owner_id",
            unique=True,
            sqlite_where=text("owner_kind = 'user'"),
            postgresql_where=text("owner_kind = 'user'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    upload_id: Mapped[UUID | None] = mapped_column(ForeignKey("uploads.id"), unique=True)
    owner_kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    content_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    checksum_sha256: Mapped[str | None] = mapped_column(String(44))
    # Whether the digest that the client declared was compared: by a worker with the bytes, or by a
    # confirm with what the bucket returned. Some servers return no digest, and for a multipart
    # upload S3 returns a COMPOSITE checksum.
    checksum_verified: Mapped[bool] = mapped_column(server_default=true(), default=True)
    # S3's COMPOSITE checksum of a multipart upload whose parts were pinned: base64-count.
    composite_sha256: Mapped[str | None] = mapped_column(String(64))
    etag: Mapped[str] = mapped_column(String(255))
    alt_text: Mapped[str] = mapped_column(String(500))
    order: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # In pixels, upright; NULL if no worker has inspected it.
    width: Mapped[int | None]
    height: Mapped[int | None]
    # Whether a worker wrote the object, without metadata such as the GPS position.
    is_clean: Mapped[bool] = mapped_column(server_default=false(), default=False)
    # A placeholder of about 25 bytes, in base64.
    thumbhash: Mapped[str | None] = mapped_column(String(64))
    # In ascending width. They are loaded with their images, in one statement for all images.
    variants: Mapped[list["ImageVariant"]] = relationship(
        lazy="selectin", order_by="ImageVariant.width", passive_deletes=True
    )


class ImageVariant(Base):
    """A smaller version of an image, at a key of its own."""

    __tablename__ = "image_variants"
    __table_args__ = (Index(None, "image_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255), unique=True)
    content_type: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    checksum_sha256: Mapped[str] = mapped_column(String(44))
    etag: Mapped[str] = mapped_column(String(255))


class Worker(Base):
    """The heartbeat of one worker process."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    release: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # What the self-test found; NULL if it passed.
    self_test: Mapped[str | None] = mapped_column(String(255))
    # Whether images are decoded without access to the network.
    is_isolated: Mapped[bool]
    # The content types that it can inspect, separated by spaces.
    content_types: Mapped[str] = mapped_column(String(255))


class Deletion(Base):
    """The outbox: one object to delete, and again at `repeat_at` if a form can still write it.

    If there is a `multipart_id`, that multipart upload is aborted instead.
    """

    __tablename__ = "deletions"
    __table_args__ = (Index(None, "not_before"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    object_key: Mapped[str] = mapped_column(String(1024))
    multipart_id: Mapped[str | None] = mapped_column(String(1024))
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    repeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    last_error: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The ended upload whose quota is refunded after the last deletion.
    upload_id: Mapped[UUID | None] = mapped_column(Uuid)
    # For an object that arrived late: the quota's window that was charged for it.
    charged_window: Mapped[datetime | None] = mapped_column(UtcDateTime)
