"""The JSON of an event. The feed and the deliverer send the same."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from broker.db.models import Event, Image
from broker.domain.event_types import EventType
from broker.domain.profiles import Profiles
from broker.domain.public_urls import public_url
from broker.domain.states import UploadState
from broker.domain.subjects import stored_subject
from broker.domain.times import rfc3339
from broker.services.events.record import image_state

_STATES = {
    EventType.IMAGE_REJECTED.value: UploadState.REJECTED,
    EventType.UPLOAD_EXPIRED.value: UploadState.EXPIRED,
}


def payload(
    event: Event, subject: str | None, *, profiles: Profiles, media_url: str
) -> dict[str, Any]:
    """Return the JSON of a numbered event.

    Args:
        event: the row.
        subject: the stored subject of its user.
        profiles: they say which objects are private, and have no URL.
        media_url: the public base URL of images, without a slash at the end.
    """
    data: dict[str, Any] = orjson.loads(event.data)
    state = _STATES.get(event.type, UploadState.CONFIRMED)
    return {
        "id": str(event.event_id),
        "sequence": event.sequence,
        "type": event.type,
        "timestamp": rfc3339(event.created_at),
        "data": {
            "profile": data["profile"],
            "owner": data["owner"],
            "user": _user(event.user_id, subject),
            "upload": _upload(event.upload_id, state, data["reason"]),
            "image": _image(event.image_id, data["image"], profiles, media_url),
            "removed_urls": [
                url
                for key in data["removed_keys"]
                if (url := public_url(profiles, media_url, key)) is not None
            ],
        },
    }


def file_json(
    image: Image, user_id: int | None, subject: str | None, *, profiles: Profiles, media_url: str
) -> dict[str, Any]:
    """Return a published file in the form of the `data` of its events."""
    profile = profiles.of_kind(image.owner_kind)
    return {
        "profile": profile.name,
        "owner": profile.owner_in(image.key),
        "user": _user(user_id, subject),
        "upload": _upload(image.upload_id, UploadState.CONFIRMED, None),
        "image": _image(image.id, image_state(image, image.variants), profiles, media_url),
        "removed_urls": [],
    }


def _user(user_id: int | None, subject: str | None) -> dict[str, Any] | None:
    if user_id is None:
        return None
    return {"id": user_id, "subject": stored_subject(user_id, subject)}


def _image(
    image_id: int | None, state: Mapping[str, Any] | None, profiles: Profiles, media_url: str
) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "id": image_id,
        "image": state["key"],
        "image_url": public_url(profiles, media_url, state["key"]),
        "alt_text": state["alt_text"],
        "order": state["order"],
        "content_type": state["content_type"],
        "size": state["size"],
        "checksum_sha256": state["checksum_sha256"],
        "width": state["width"],
        "height": state["height"],
        "thumbhash": state["thumbhash"],
        "variants": [
            {
                "width": one["width"],
                "height": one["height"],
                "content_type": one["content_type"],
                "url": public_url(profiles, media_url, one["key"]),
            }
            for one in state["variants"]
        ],
        "created_at": state["created_at"],
    }


def _upload(
    upload_id: UUID | None, state: UploadState, reason: str | None
) -> dict[str, Any] | None:
    if upload_id is None:
        return None
    return {"id": str(upload_id), "state": state.value, "reason": reason}
