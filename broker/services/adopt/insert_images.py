"""Insert adopted images and count them in their owners' slots, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from broker.db.models import Image
from broker.db.upsert import insert_new
from broker.services.events.record import images_ready
from broker.services.uploads.owners import add_slots
from broker.services.work import Work


def insert_images(work: Work, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert rows that are sorted by key; return the keys of those that did not exist.

    Each is recorded as an event.

    Two processes insert in the same order, so they never wait for each other in a cycle. An owner
    that was deleted in the meantime gets no images. Its row is locked last, in the same order as
    when an owner is deleted.
    """
    inserted = set(insert_new(work.session, Image, rows, Image.key))
    by_owner: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        if row["key"] in inserted:
            by_owner.setdefault((row["owner_kind"], row["owner_id"]), set()).add(row["key"])
    for (kind, owner_id), keys in sorted(by_owner.items()):
        if not _add_slots(work, kind, owner_id, len(keys)):
            work.session.execute(delete(Image).where(Image.key.in_(keys)))
            inserted -= keys
    images = work.session.scalars(
        select(Image).where(Image.key.in_(inserted)).order_by(Image.id)
    ).all()
    images_ready(work.session, work.limits.profiles, images, user_id=None, now=work.now)
    work.session.commit()
    return inserted


def _add_slots(work: Work, owner_kind: str, owner_id: int, count: int) -> bool:
    profile = work.limits.profiles.of_kind(owner_kind)
    return add_slots(work.session, profile, owner_id, count)
