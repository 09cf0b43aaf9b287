"""The invariants of events, checked by comparing every event with the rows.

Images of a release that recorded no events, or whose events were deleted because of their age,
need none.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row

from broker.domain.event_types import EventType
from broker.domain.limits import Limits
from broker.domain.states import UploadState
from broker.services.events.numbering import RESTORE_GAP
from broker.services.events.record import image_state
from tests.faults.stored import Rows, Stored

IS_THERE = (EventType.IMAGE_READY, EventType.IMAGE_UPDATED)
ENDS = {
    UploadState.REJECTED: EventType.IMAGE_REJECTED,
    UploadState.EXPIRED: EventType.UPLOAD_EXPIRED,
}


def wrong_events(stored: Stored, limits: Limits, *, has_former: bool = False) -> Iterator[str]:
    """Yield a message for each event that is missing or wrong.

    With `has_former` there may be images and ended uploads of a release without events.
    """
    events, uploads, feed = stored.events, stored.uploads, stored.feed
    images = {image.id: image for image in stored.images}
    variants: dict[int, list[Row[Any]]] = defaultdict(list)
    for variant in stored.variants:
        variants[variant.image_id].append(variant)
    has_former = has_former or feed.pruned_sequence > 0
    yield from _numbers(events, feed)
    by_image: dict[int, list[Row[Any]]] = defaultdict(list)
    by_upload: dict[Any, list[Row[Any]]] = defaultdict(list)
    for event in events:
        if event.image_id is not None:
            by_image[event.image_id].append(event)
        if event.upload_id is not None:
            by_upload[event.upload_id].append(event)
    for image_id, found in by_image.items():
        yield from _order(found)
        types = [event.type for event in found]
        if not has_former and types.count(EventType.IMAGE_READY) != 1:
            yield f"image {image_id} has the events {types}"
        if image_id not in images and types[-1] != EventType.IMAGE_DELETED:
            yield f"image {image_id} is gone, and its newest event is {types[-1]}"
    for image in images.values():
        if image.id in by_image or not has_former:
            yield from _newest(limits, image, variants[image.id], by_image[image.id])
    of_images = {image.upload_id for image in images.values()}
    for upload in uploads:
        types = [event.type for event in by_upload[upload.id]]
        if types or not has_former:
            yield from _of_upload(limits, upload, types, has_image=upload.id in of_images)


def _newest(limits: Limits, image: Row[Any], variants: Rows, events: Rows) -> Iterator[str]:
    """Compare an image with its newest event."""
    if not events or events[-1].type not in IS_THERE:
        yield f"image {image.id} is there, and has the events {[event.type for event in events]}"
        return
    newest, profile = events[-1], limits.profiles.of_kind(image.owner_kind)
    data = json.loads(newest.data)
    state = image_state(image, variants)
    if data["image"] != state:
        yield f"image {image.id} is {state}, and its newest event says {data['image']}"
    owner = (data["profile"], data["owner"], newest.owner_kind, newest.owner_id, newest.upload_id)
    expected = (profile.name, profile.owner_in(image.key), image.owner_kind, image.owner_id)
    if owner != (*expected, image.upload_id):
        yield f"image {image.id} is of {expected}, and its newest event says {owner}"


def _of_upload(
    limits: Limits, upload: Row[Any], types: Sequence[str], *, has_image: bool
) -> Iterator[str]:
    """Compare the state of an upload with the types of its events."""
    state = UploadState(upload.state)
    if state is not UploadState.CONFIRMED:
        expected = [ENDS[state]] if state in ENDS else []
        if list(types) != expected:
            yield f"upload {upload.key} is {state}, and has the events {types}"
        return
    # An older avatar that is confirmed after a newer one never has an image.
    may_have_none = limits.profiles.of_kind(upload.owner_kind).keeps_one
    is_deleted = types[-1] == EventType.IMAGE_DELETED if types else may_have_none
    if not has_image and not is_deleted:
        yield f"upload {upload.key} has no image, and has the events {types}"


def _numbers(events: Rows, feed: Row[Any]) -> Iterator[str]:
    """Check that numbered events have no gap, except for the one that a restore makes."""
    pruned = feed.pruned_sequence
    # Older events that were not delivered are kept.
    numbers = sorted(one for event in events if (one := event.sequence or 0) > pruned)
    steps = zip([pruned, *numbers], [*numbers, feed.last_sequence + 1], strict=True)
    if any((after - before) % RESTORE_GAP != 1 for before, after in steps):
        yield f"events have the numbers {numbers}, the feed {pruned + 1} to {feed.last_sequence}"


def _order(events: Rows) -> Iterator[str]:
    """Check that the events of an image, in the order of their ids, are numbered in this order."""
    numbers = [event.sequence for event in events]
    known = [number for number in numbers if number is not None]
    if numbers[: len(known)] != sorted(known):
        yield f"the events of image {events[0].image_id} have the numbers {numbers}"
