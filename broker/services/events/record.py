"""Record events, each in the transaction that makes it true.

Every function is one step of its caller's transaction, after the statement that locks the row that
has changed. So the events of one image have ids in the order of its states.

`data` has the whole state, with relative keys. Its URLs are formed when it is read, because they
depend on settings. It has no names, emails or file names.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from broker.db.models import Event, Image, ImageVariant, Upload
from broker.domain.event_types import EventType
from broker.domain.profiles import Profile, Profiles
from broker.domain.states import UploadState
from broker.domain.times import rfc3339

# The code in an event if a confirm, not a worker, has rejected the upload.
OBJECT_MISMATCH = "object_mismatch"
_TYPES = {
    UploadState.REJECTED: EventType.IMAGE_REJECTED,
    UploadState.EXPIRED: EventType.UPLOAD_EXPIRED,
}


def images_ready(
    session: Session,
    profiles: Profiles,
    images: Iterable[Image],
    *,
    user_id: int | None,
    now: datetime,
) -> None:
    """Record images that were inserted, with their ids and their variants.

    `user_id` is the uploads' user; None if the images were adopted.
    """
    _insert(
        session,
        [
            {**ready_columns(profiles, image, user_id=user_id, now=now), "image_id": image.id}
            for image in images
        ],
    )


def ready_columns(
    profiles: Profiles, image: Image, *, user_id: int | None, now: datetime
) -> dict[str, Any]:
    """Return the columns of the event of a new image, without the image's id."""
    return _columns(
        EventType.IMAGE_READY,
        profiles,
        image,
        image_state(image, image.variants),
        user_id=user_id,
        now=now,
    )


def image_updated(
    session: Session,
    profiles: Profiles,
    image: Image,
    *,
    user_id: int | None,
    now: datetime,
    removed: Iterable[str] = (),
) -> None:
    """Record that an image has changed. `removed` are relative keys that it has no more."""
    state = image_state(image, image.variants)
    columns = _columns(
        EventType.IMAGE_UPDATED,
        profiles,
        image,
        state,
        user_id=user_id,
        now=now,
        removed_keys=[*removed],
    )
    _insert(session, [{**columns, "image_id": image.id}])


def images_deleted(
    session: Session,
    profiles: Profiles,
    images: Sequence[tuple[Row[Any], list[Row[Any]]]],
    *,
    users: dict[UUID, int],
    now: datetime,
) -> None:
    """Record that images were deleted.

    Args:
        session: the transaction that deletes them.
        profiles: the profiles.
        images: the deleted rows, each with those of its variants in ascending width.
        users: the users of the images' uploads.
        now: the time.
    """
    rows = []
    for image, variants in images:
        state = image_state(image, variants)
        columns = _columns(
            EventType.IMAGE_DELETED,
            profiles,
            image,
            state,
            user_id=users.get(image.upload_id),
            now=now,
            removed_keys=[state["key"], *(one["key"] for one in state["variants"])],
        )
        rows.append({**columns, "image_id": image.id})
    _insert(session, rows)


def uploads_ended(
    session: Session, profiles: Profiles, uploads: Iterable[Upload], *, now: datetime
) -> None:
    """Record uploads that were rejected or have expired. Cancelled ones have no event."""
    rows = []
    for upload in uploads:
        kind = _TYPES.get(UploadState(upload.state))
        if kind is None:
            continue
        reason = (upload.reason or OBJECT_MISMATCH) if kind is EventType.IMAGE_REJECTED else None
        profile = profiles.of_kind(upload.owner_kind)
        data = _data(profile, profile.owner_in(upload.key), reason=reason)
        rows.append(
            {
                **_new(kind, profile, upload.owner_id, data, now=now),
                "upload_id": upload.id,
                "user_id": upload.user_id,
            }
        )
    _insert(session, rows)


def owner_erased(
    session: Session,
    profile: Profile,
    owner: str,
    owner_id: int,
    *,
    user_id: int | None,
    now: datetime,
) -> None:
    """Record that an owner was erased. `user_id` is the user who was erased, if it is one."""
    columns = _new(EventType.OWNER_ERASED, profile, owner_id, _data(profile, owner), now=now)
    _insert(session, [{**columns, "user_id": user_id}])


def image_state(
    image: Image | Row[Any], variants: Iterable[ImageVariant | Row[Any]]
) -> dict[str, Any]:
    """Return the state of an image as JSON, with relative keys in the place of URLs."""
    return {
        "key": image.key,
        "alt_text": image.alt_text,
        "order": image.order,
        "content_type": image.content_type,
        "size": image.size,
        "checksum_sha256": image.checksum_sha256,
        "width": image.width,
        "height": image.height,
        "thumbhash": image.thumbhash,
        "variants": [
            {
                "width": one.width,
                "height": one.height,
                "content_type": one.content_type,
                "key": one.key,
            }
            for one in variants
        ],
        "created_at": rfc3339(image.created_at),
    }


def _columns(
    kind: EventType,
    profiles: Profiles,
    image: Image | Row[Any],
    state: dict[str, Any],
    *,
    user_id: int | None,
    now: datetime,
    removed_keys: Sequence[str] = (),
) -> dict[str, Any]:
    profile = profiles.of_kind(image.owner_kind)
    data = _data(profile, profile.owner_in(image.key), image=state, removed_keys=removed_keys)
    columns = _new(kind, profile, image.owner_id, data, now=now)
    return {**columns, "upload_id": image.upload_id, "user_id": user_id}


def _data(
    profile: Profile,
    owner: str | None,
    *,
    reason: str | None = None,
    image: dict[str, Any] | None = None,
    removed_keys: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "profile": profile.name,
        "owner": owner,
        "reason": reason,
        "image": image,
        "removed_keys": [*removed_keys],
    }


def _new(
    kind: EventType, profile: Profile, owner_id: int, data: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    return {
        "event_id": uuid7(),
        "type": kind.value,
        "created_at": now,
        "owner_kind": profile.owner_kind,
        "owner_id": owner_id,
        "image_id": None,
        "upload_id": None,
        "user_id": None,
        "data": orjson.dumps(data).decode(),
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(Event), rows)
