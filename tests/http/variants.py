"""Creates variants of images without a worker."""

from typing import Any

from flask import Flask
from sqlalchemy import update

from broker.db.models import Image, ImageVariant
from broker.domain.object_keys import variant_key
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket

WEBP = b"RIFF....WEBPVP8 of a variant"


def add_variant(app: Flask, bucket: Bucket, image: dict[str, Any], width: int = 320) -> str:
    """Store a variant's object and row; return its relative key."""
    key = variant_key(image["image"], width)
    metadata = {"upload-id": "0199-no-upload", "variant-width": str(width)}
    put(bucket, f"media/{key}", WEBP, ContentType="image/webp", Metadata=metadata)
    head = bucket.storage.head(f"media/{key}")
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
                etag=head.etag,
            )
        )
        changed = update(Image).where(Image.id == image["id"])
        session.execute(changed.values(width=4 * width, height=4 * width))
        session.commit()
    return key
