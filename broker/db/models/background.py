"""What keeps the processes in step: the outbox, heartbeats of workers, idempotency keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Index,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from broker.db.models.base import Base
from broker.db.types import BigId, UtcDateTime


class Deletion(Base):
    """The outbox: one object to delete, and again at `repeat_at` if a form can still write it.

    If there is a `multipart_id`, that multipart upload is aborted instead.
    """

    __tablename__ = "deletions"
    __table_args__ = (
        Index(None, "not_before"),
        # Only the deletions of erasures.
        Index(
            "ix_deletions_erasure_id",
            "erasure_id",
            sqlite_where=text("erasure_id IS NOT NULL"),
            postgresql_where=text("erasure_id IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

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
    # The erasure that ends when its last deletion is done.
    erasure_id: Mapped[UUID | None] = mapped_column(Uuid)


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
