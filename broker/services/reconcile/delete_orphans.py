"""Delete an orphan, but only if the broker wrote it and no ticket can still need it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from broker.db.models import Image, Upload
from broker.domain.lifetimes import longest_ticket_life
from broker.domain.limits import Limits
from broker.domain.object_keys import (
    INCOMING,
    final_key,
    may_be_published_as,
    published_key,
    published_locations,
    relative_key,
    relative_of_published,
    written_key,
)
from broker.domain.reconciliation import Action, Difference, DifferenceKind
from broker.domain.storage_errors import ObjectNotFound, ObjectRefused
from broker.domain.upload_ids import was_issued_before
from broker.services.reconcile.known_keys import known_keys
from broker.services.reconcile.recheck import parse_upload_id
from broker.services.uploads import outbox
from broker.services.work import Work

TAKEN = "a row has this key now"
NO_PROFILE = "no profile has this key; one may be missing from BROKER_PROFILES_FILE"


def delete_orphan(work: Work, found: Difference, *, before: datetime | None = None) -> Difference:
    """Delete the object of an orphan through the outbox; return the difference with the action.

    If the object is kept, `detail` says why. If S3 refuses to delete it now, it stays in the outbox
    for the reaper. Objects that were written at `before` or later are kept.
    """
    if found.kind is not DifferenceKind.ORPHAN:
        return found
    reason = _why_kept(work, found, before)
    if reason is not None:
        return replace(found, action=Action.KEPT, detail=reason)
    outbox.enqueue(work.session, found.key, now=work.now)
    work.session.commit()
    # The outbox looks for an image or a variant at this key right before it deletes.
    drained = outbox.drain(work, only_key=found.key)
    if found.key in known_keys(work, [found.key]).stored:
        return replace(found, action=Action.KEPT, detail=TAKEN)
    return replace(found, action=Action.DELETED if drained.deleted else Action.QUEUED)


def _why_kept(work: Work, found: Difference, before: datetime | None) -> str | None:
    upload_id = parse_upload_id(found.upload_id)
    if upload_id is None and not found.is_variant:
        return found.detail
    if not _has_profile(work.limits, found.key):
        return NO_PROFILE
    life = longest_ticket_life(work.limits)
    if found.last_modified is None or work.now - found.last_modified <= life:
        return f"younger than the longest life of a ticket, {life}"
    if before is not None and found.last_modified >= before:
        return f"not older than {before.isoformat()}"
    if known_keys(work, [found.key]).knows(found.key):
        return TAKEN
    return None if upload_id is None else _why_needed(work, upload_id, found)


def _has_profile(limits: Limits, key: str) -> bool:
    """Check whether an object key contains an owner of a profile.

    After a restore, the database may know nothing of a profile that is missing from the file, and
    `broker adopt` cannot record its files.
    """
    locations = (INCOMING, *published_locations(limits))
    relative = (relative_key(location, key) for location in locations)
    return any(one is not None and limits.profiles.of_key(one) is not None for one in relative)


def _why_needed(work: Work, upload_id: UUID, found: Difference) -> str | None:
    """Return why the object must be kept although the upload in its metadata does not name it.

    A backup that copies an object also copies its metadata. After a restore, the image that a later
    attempt has published may be the only one of its upload.
    """
    upload = work.session.scalar(select(Upload).where(Upload.id == upload_id))
    image = work.session.scalar(select(Image).where(Image.upload_id == upload_id))
    work.session.commit()
    limits = work.limits
    key = relative_of_published(limits, found.key)
    if upload is None:
        was_pruned = was_issued_before(upload_id, work.now - limits.uploads_kept_for)
        # Its own keys end in a suffix.
        is_own = key is None or may_be_published_as(key, key)
        return f"a copy: upload {upload_id} had another key" if was_pruned and not is_own else None
    if found.key in (final_key(limits, upload), written_key(limits, upload)):
        return None
    if key is None or not may_be_published_as(key, upload.key):
        return f"a copy: upload {upload_id} has another key"
    if found.is_variant or (image is not None and _has_object(work, image)):
        return None
    return f"upload {upload_id} has no other image"


def _has_object(work: Work, image: Image) -> bool:
    try:
        work.storage.head(published_key(work.limits, image.key))
    except (ObjectNotFound, ObjectRefused):
        return False
    return True
