"""Creates variants of images without a worker."""

from typing import Any

from flask import Flask
from sqlalchemy import update

from broker.db.models import Image, ImageVariant
from broker.domain.object_keys import variant_key
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket

WEBP = b"RIFF....WEBPVP8 of a variant"


def put_variant(bucket: Bucket, key: str, upload_id: str | None, width: int = 320) -> None:
    """Store an object as a worker stores a variant; adopted images have no upload."""
    metadata = {"variant-width": str(width)} | ({"upload-id": upload_id} if upload_id else {})
    put(bucket, f"media/{key}", WEBP, ContentType="image/webp", Metadata=metadata)


def add_variant(app: Flask, bucket: Bucket, image: dict[str, Any], width: int = 320) -> str:
    """Store a variant's object and row; return its relative key."""
    key = variant_key(image["image"], width)
    put_variant(bucket, key, upload_of(app, image["id"]), width)
    with app.extensions["broker"].database.session() as session:
        session.add(
            ImageVariant(
                image_id=image["id"],
                key=key,
                content_type="image/webp",
                width=width,
                height=width,
                size=len(WEBP),
                checksum_sha256="d" * 44,
                etag=bucket.storage.head(f"media/{key}").etag,
            )
        )
        changed = update(Image).where(Image.id == image["id"])
        session.execute(changed.values(width=4 * width, height=4 * width))
        session.commit()
    return key


def upload_of(app: Flask, image_id: int) -> str | None:
    with app.extensions["broker"].database.session() as session:
        upload_id = session.get_one(Image, image_id).upload_id
    return None if upload_id is None else str(upload_id)
