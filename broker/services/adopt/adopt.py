"""Adopt: record objects that were in the bucket before the broker, without copying them.

An object with an upload's id in its metadata is not adopted, and an object without one is never
deleted as an orphan. So `broker adopt` and `broker reconcile --fix` never act on the same key.
After the restore of a backup, the operator may also adopt objects whose upload has no row, because
they were uploaded after the backup. Uploads that are old enough to have been pruned are no reason.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from broker.db.models import Image, Upload
from broker.domain.adoption import AdoptTally, Claim, Skipped
from broker.domain.media_types import type_of
from broker.domain.object_head import VARIANT_WIDTH, ObjectHead
from broker.domain.object_keys import KEY_MAX, published_key, relative_of_published
from broker.domain.profiles import Profile
from broker.domain.upload_ids import was_issued_before
from broker.services.adopt.insert_images import insert_images
from broker.services.reconcile.heads import BATCH, heads_of
from broker.services.reconcile.known_keys import known_keys
from broker.services.reconcile.recheck import parse_upload_id
from broker.services.uploads.owners import add_owner, existing, id_of, is_erased
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class OwnedClaim:
    """A claim, and the owner that its key names."""

    claim: Claim
    profile: Profile
    owner: str

    @property
    def named(self) -> tuple[str, str]:
        """The kind of the owner, and the owner."""
        return self.profile.owner_kind, self.owner


def claims_of_listing(work: Work) -> Iterator[Claim]:
    """Yield a claim for every object below the prefixes of owners."""
    for profile in work.limits.profiles:
        for listed in work.storage.list_objects(published_key(work.limits, profile.prefix)):
            key = relative_of_published(work.limits, listed.key)
            if key is not None:
                yield Claim(key=key)


def adopt(
    work: Work,
    claims: Iterable[Claim],
    *,
    tally: AdoptTally,
    dry_run: bool = False,
    restored: bool = False,
) -> None:
    """Record claims as images, in committed batches; skip what is already recorded.

    Args:
        work: reads and commits on its session, and sends HEAD requests.
        claims: the claims of one owner must be next to each other.
        tally: counts what was adopted and skipped.
        dry_run: only count.
        restored: also adopt objects whose upload has no row and is too young to be pruned.

    Raises:
        StorageUnavailable, StorageDenied, DatabaseUnavailable: the next run continues.
    """
    for batch in _batches(work, claims, tally):
        rows = _rows(work, batch, tally=tally, restored=restored)
        if dry_run:
            tally.adopted += len(rows)
        elif rows:
            _add_owners(work, rows)
            adopted = insert_images(work, rows)
            tally.adopted += len(adopted)
            for key in (row["key"] for row in rows if row["key"] not in adopted):
                tally.skip(Skipped.KNOWN, key)


def _batches(work: Work, claims: Iterable[Claim], tally: AdoptTally) -> Iterator[list[OwnedClaim]]:
    """Yield batches. If an owner keeps only one image, all of its claims are in one batch."""
    batch: list[OwnedClaim] = []
    for claim in claims:
        owner = work.limits.profiles.of_key(claim.key)
        if owner is None or len(claim.key) > KEY_MAX:
            tally.skip(Skipped.OTHER_KEY, claim.key)
            continue
        owned = OwnedClaim(claim=claim, profile=owner[0], owner=owner[1])
        if len(batch) >= BATCH and not (
            owned.profile.keeps_one and (batch[-1].profile, batch[-1].owner) == owner
        ):
            yield batch
            batch = []
        batch.append(owned)
    if batch:
        yield batch


def _rows(
    work: Work, batch: list[OwnedClaim], *, tally: AdoptTally, restored: bool
) -> list[dict[str, Any]]:
    """Return the rows of the images to insert, and count the claims that are skipped."""
    now = work.now
    keys = {owned.claim.key: published_key(work.limits, owned.claim.key) for owned in batch}
    known = known_keys(work, keys.values())
    owners = _owners(work, batch)
    candidates = []
    for owned in batch:
        if known.knows(keys[owned.claim.key]):
            tally.skip(Skipped.KNOWN, owned.claim.key)
        elif owned.named not in owners:
            tally.skip(Skipped.NO_OWNER, owned.claim.key)
        else:
            candidates.append(owned)
    heads = heads_of(work.storage, [keys[owned.claim.key] for owned in candidates])
    lost = _unknown_uploads(work, heads.found.values()) if restored else frozenset()
    taken = _with_image(work, candidates, owners)
    # The newest first: if only one image is kept, it is the newest.
    candidates.sort(
        key=lambda owned: _time(heads.found.get(keys[owned.claim.key]), now), reverse=True
    )
    rows = []
    for owned in candidates:
        key = keys[owned.claim.key]
        if key in heads.refused:
            tally.skip(Skipped.UNREADABLE, owned.claim.key)
            continue
        row = _row(owned, owners[owned.named], heads.found.get(key), taken, lost, now=now)
        if isinstance(row, Skipped):
            tally.skip(row, owned.claim.key)
            continue
        if owned.profile.keeps_one:
            taken.add(owned.named)
        rows.append(row)
    return sorted(rows, key=lambda row: str(row["key"]))


def _row(
    owned: OwnedClaim,
    owner_id: int | None,
    head: ObjectHead | None,
    taken: set[tuple[str, str]],
    lost: frozenset[str],
    *,
    now: datetime,
) -> dict[str, Any] | Skipped:
    if head is None:
        return Skipped.NO_OBJECT
    if head.metadata.get("upload-id", "") not in {"", *lost} or VARIANT_WIDTH in head.metadata:
        return Skipped.OURS
    content_type = type_of(head.content_type, owned.claim.key, owned.profile.content_types)
    if content_type is None or head.content_length == 0:
        return Skipped.NO_IMAGE
    if owned.profile.keeps_one and owned.named in taken:
        return Skipped.HAS_AVATAR
    return {
        "upload_id": None,
        "owner_kind": owned.profile.owner_kind,
        "owner_id": owner_id,
        "key": owned.claim.key,
        "content_type": content_type,
        "size": head.content_length,
        "checksum_sha256": None,
        "checksum_verified": False,
        "etag": head.etag,
        "alt_text": owned.claim.alt_text,
        "order": owned.claim.order,
        "created_at": _time(head, now),
    }


def _unknown_uploads(work: Work, heads: Iterable[ObjectHead | None]) -> frozenset[str]:
    """Return the upload ids in the objects' metadata whose rows the backup does not have.

    An upload that is older than the retention may have no row because it was pruned. Such an object
    was to be deleted, or its image was.
    """
    prunable = work.now - work.limits.uploads_kept_for
    carried = {head.metadata.get("upload-id") for head in heads if head is not None}
    ids = {
        upload_id: text
        for text in carried
        if text
        and (upload_id := parse_upload_id(text)) is not None
        and not was_issued_before(upload_id, prunable)
    }
    known = set(work.session.scalars(select(Upload.id).where(Upload.id.in_(ids))))
    work.session.commit()
    return frozenset(text for upload_id, text in ids.items() if upload_id not in known)


def _time(head: ObjectHead | None, now: datetime) -> datetime:
    return head.last_modified if head is not None and head.last_modified is not None else now


def _owners(work: Work, batch: list[OwnedClaim]) -> dict[tuple[str, str], int | None]:
    """Return the ids of the owners of the batch that exist.

    Owners by token exist unless they were erased. Their id is None if they have no row yet.
    """
    found: dict[tuple[str, str], int | None] = {}
    for profile in work.limits.profiles:
        wanted = {owned.owner for owned in batch if owned.profile is profile}
        if profile.is_by_token:
            for owner in wanted:
                if not is_erased(work.session, profile, owner):
                    found[profile.owner_kind, owner] = id_of(work.session, profile, owner)
        else:
            there = existing(work.session, profile, {int(owner) for owner in wanted})
            found |= {(profile.owner_kind, str(owner_id)): owner_id for owner_id in there}
    work.session.commit()
    return found


def _add_owners(work: Work, rows: list[dict[str, Any]]) -> None:
    """Insert the missing rows of owners by token, and name them in the rows of images."""
    ids: dict[tuple[Profile, str], int] = {}
    for row in rows:
        named = work.limits.profiles.of_key(row["key"])
        if named is not None and named[0].is_by_token:
            if named not in ids:
                ids[named] = add_owner(work.session, *named)
            row["owner_id"] = ids[named]
    work.session.commit()


def _with_image(
    work: Work, batch: list[OwnedClaim], owners: dict[tuple[str, str], int | None]
) -> set[tuple[str, str]]:
    """Return the owners that keep one image and already have one."""
    names = {
        (owned.profile.owner_kind, owners[owned.named]): owned.named
        for owned in batch
        if owned.profile.keeps_one and owned.named in owners
    }
    taken = select(Image.owner_kind, Image.owner_id).where(
        Image.owner_kind.in_({kind for kind, _ in names}),
        Image.owner_id.in_({owner_id for _, owner_id in names if owner_id is not None}),
    )
    rows = work.session.execute(taken).all()
    work.session.commit()
    return {names[kind, owner_id] for kind, owner_id in rows if (kind, owner_id) in names}
