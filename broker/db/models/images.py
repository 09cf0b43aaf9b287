"""Published images and their variants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broker.db.models.base import Base
from broker.db.types import BigId, UtcDateTime


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
    owner_kind: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    # As the client named it; NULL if it is not known.
    file_name: Mapped[str | None] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(127))
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
