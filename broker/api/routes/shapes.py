"""Convert rows to the marketplace's JSON. A schema or `jsonify` formats times and money."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from broker.api.request.context import current
from broker.db.models import Image, Upload, User
from broker.db.published import FileRow, ImageRow
from broker.domain.download_names import download_name
from broker.domain.object_head import SignedUrl
from broker.domain.object_keys import published_key
from broker.domain.part_plan import plan_of
from broker.domain.principal import Principal
from broker.domain.public_urls import public_url
from broker.domain.subjects import stored_subject
from broker.domain.transports import transport_named
from broker.domain.upload_row import UploadRow
from broker.services.marketplace.ad_views import AdView, Seller
from broker.services.marketplace.users import UserView
from broker.services.multipart.list_parts import Progress
from broker.services.tickets.sign import Ticket

AnyFile = Image | FileRow
AnyImage = AnyFile | ImageRow
PublicUrl = Callable[[str], str | None]
# Returns the presigned URL of a private object of this key and content type.
Presign = Callable[[str, str], SignedUrl | None]


def urls() -> PublicUrl:
    """Return the function that returns the public URL of a key, or None if it is private.

    A list calls this once, because each look at the parts of the app costs a microsecond.
    """
    broker = current()
    return partial(public_url, broker.limits.profiles, broker.storage.media_url)


def image_url(key: str) -> str | None:
    """Return the public URL of a relative key; None if its profile is private."""
    return urls()(key)


def image(row: AnyImage, url_of: PublicUrl | None = None) -> dict[str, Any]:
    """Return an image as JSON."""
    url_of = url_of or urls()
    return {
        "id": row.id,
        "image": row.key,
        "image_url": url_of(row.key),
        "alt_text": row.alt_text,
        "order": row.order,
        **rendition(row, url_of),
        "created_at": row.created_at,
    }


def files(
    rows: Iterable[AnyFile], now: datetime, *, shows_names: bool, may_read: bool = True
) -> list[dict[str, Any]]:
    """Return published files as JSON. The URLs of private ones are presigned.

    `may_read` is whether the caller gets such URLs.
    """
    url_of, limits = urls(), current().limits
    reader = current().storage.private_reader if may_read else None

    def file(row: AnyFile) -> dict[str, Any]:
        name = row.file_name and download_name(row.file_name, row.content_type)
        signed = presigned(row.key, row.content_type, name)
        return {
            "id": row.id,
            "key": row.key,
            "url": signed.url if signed else url_of(row.key),
            "url_expires_at": signed.expires_at if signed else None,
            "file_name": row.file_name if shows_names else None,
            "content_type": row.content_type,
            "size": row.size,
            "checksum_sha256": row.checksum_sha256,
            "alt_text": row.alt_text,
            "order": row.order,
            **rendition(row, url_of, presigned),
            "created_at": row.created_at,
        }

    def presigned(key: str, content_type: str, file_name: str | None = None) -> SignedUrl | None:
        if reader is None or not limits.profiles.is_private(key):
            return None
        object_key = published_key(limits, key)
        return reader.url(object_key, file_name=file_name, content_type=content_type, now=now)

    return [file(row) for row in rows]


def rendition(
    row: AnyImage, url_of: PublicUrl, presigned: Presign = lambda _key, _type: None
) -> dict[str, Any]:
    """Return the size, the placeholder and the variants of an image."""
    return {
        "width": row.width,
        "height": row.height,
        "thumbhash": row.thumbhash,
        "variants": [
            {
                "width": one.width,
                "height": one.height,
                "content_type": one.content_type,
                "url": signed.url
                if (signed := presigned(one.key, one.content_type))
                else url_of(one.key),
            }
            for one in row.variants
        ],
    }


def user(view: UserView, viewer: Principal | None) -> dict[str, Any]:
    """Return a user's profile as JSON. `viewer` decides whether subject and email are in it."""
    row, avatar = view.user, view.avatar
    return {
        "id": row.id,
        **_private(row, viewer),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "name": _name(row),
        "avatar": avatar.key if avatar else None,
        "avatar_url": image_url(avatar.key) if avatar else None,
        "avatar_image": rendition(avatar, urls()) if avatar else None,
    }


def ad(view: AdView, viewer: Principal | None) -> dict[str, Any]:
    """Return an ad as JSON. Its images must be sorted, the main image first."""
    row, owner, url_of = view.ad, view.owner, urls()
    images = [image(found, url_of) for found in view.images]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "price": row.price,
        "is_active": row.is_active,
        "is_sold": row.is_sold,
        "owner": row.owner_id,
        "owner_info": {"id": owner.id, **_private(owner, viewer), "name": _name(owner)},
        "main_image_url": images[0]["image_url"] if images else None,
        "images": images,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def ticket(issued: Ticket) -> dict[str, Any]:
    """Return a ticket as `jsonify` writes it. It skips the schema, which is slow for a batch."""
    row = issued.upload
    return {
        "id": row.id,
        "state": row.state,
        "key": row.key,
        "expires_at": row.expires_at,
        "server_time": issued.server_time,
        "upload": transfer(issued),
        "confirm_url": confirm_url(row),
    }


def transfer(issued: Ticket) -> dict[str, Any]:
    """Return where and how to send the file of a ticket, as JSON."""
    return transport_named(issued.upload.transport).to_wire(issued.transfer, issued.upload)


def upload(row: Upload, recorded: Image | None, now: datetime) -> dict[str, Any]:
    """Return an upload as JSON, with its checksums once its image is recorded."""
    profile = current().limits.profiles.of_kind(row.owner_kind)
    return {
        "id": row.id,
        "state": row.state,
        "purpose": profile.name,
        "owner": row.owner_id if profile.has_integer_owners else profile.owner_in(row.key),
        "key": row.key,
        "file_name": row.file_name,
        "content_type": row.content_type,
        "size": row.size if row.size_is_exact else None,
        "checksum_sha256": row.checksum_sha256,
        "checksum_verified": recorded.checksum_verified if recorded else None,
        "composite_checksum_sha256": recorded.composite_sha256 if recorded else None,
        "reason": row.reason,
        "image": image(recorded) if recorded else None,
        "transport": row.transport,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "server_time": now,
        "confirm_url": confirm_url(row),
    }


def progress(found: Progress) -> dict[str, Any]:
    """Return the progress of a multipart upload as JSON."""
    row, plan = found.upload, plan_of(found.upload)
    return {
        "id": row.id,
        "size": row.size if row.size_is_exact else None,
        "part_size": plan.part_size if plan else None,
        "part_count": plan.part_count if plan else None,
        "parts": [
            {"part_number": part.part_number, "size": part.size, "etag": part.etag}
            for part in found.parts
        ],
        "missing": found.missing,
        "complete_url": f"/api/uploads/{row.id}/complete/",
        "expires_at": row.expires_at,
    }


def confirm_url(row: UploadRow) -> str:
    """Return the path that confirms an upload."""
    return f"/api/uploads/{row.id}/confirm/"


def _private(row: User | Seller, viewer: Principal | None) -> dict[str, str | None]:
    """Return what only the user and services may see; null for others."""
    if viewer is None or not viewer.acts_for(row.id):
        return {"subject": None, "email": None}
    return {"subject": stored_subject(row.id, row.subject), "email": row.email}


def _name(row: User | Seller) -> str:
    return f"{row.first_name} {row.last_name}".strip()
