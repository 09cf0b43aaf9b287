"""Check suspected differences again, because rows and bucket may have changed since.

The rows are read before and after the HEAD requests. A difference is reported only if both reads
agree: an image that is confirmed or deleted in between is not a difference.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from broker.domain.object_head import VARIANT_WIDTH, ObjectHead
from broker.domain.reconciliation import Difference, DifferenceKind
from broker.services.reconcile.heads import batches, heads_of
from broker.services.reconcile.known_keys import StoredObject, known_keys
from broker.services.work import Work


def recheck(work: Work, suspects: Iterable[str]) -> Iterator[Difference]:
    """Yield the differences among these object keys, and process the keys in batches."""
    for keys in batches(suspects):
        before = known_keys(work, keys)
        asked = [key for key in keys if key in before.stored or not before.knows(key)]
        heads = heads_of(work.storage, asked)
        after = known_keys(work, asked)
        for key in asked:
            head, row = heads.found.get(key), after.stored.get(key)
            if row is not None and row == before.stored.get(key):
                found = _refused(key, row) if key in heads.refused else _compare(key, row, head)
            elif key in heads.refused and not before.knows(key) and not after.knows(key):
                found = _refused(key, None)
            elif head is not None and not before.knows(key) and not after.knows(key):
                found = _orphan(key, head)
            else:
                found = None
            if found is not None:
                yield found


def parse_upload_id(upload_id: str | None) -> UUID | None:
    """Return the upload id of an object's metadata; None if no ticket of the broker wrote it."""
    try:
        return UUID(upload_id) if upload_id else None
    except ValueError:
        return None


def _compare(key: str, row: StoredObject, head: ObjectHead | None) -> Difference | None:
    if head is None:
        return Difference(
            kind=DifferenceKind.MISSING,
            key=key,
            detail=f"{row.row} has no object",
            image_id=row.image_id,
        )
    found = []
    if head.content_length != row.size:
        found.append(f"size is {head.content_length}, recorded {row.size}")
    if head.etag != row.etag:
        found.append(f"ETag is {head.etag}, recorded {row.etag}")
    if not found:
        return None
    return Difference(
        kind=DifferenceKind.DIFFERS,
        key=key,
        detail=f"{row.row}: {'; '.join(found)}",
        image_id=row.image_id,
        size=head.content_length,
        etag=head.etag,
        last_modified=head.last_modified,
    )


def _refused(key: str, row: StoredObject | None) -> Difference:
    """Return the difference for an object that the bucket does not show to the broker."""
    if row is None:
        detail = "the bucket refuses its HEAD, so it is unknown whether the broker wrote it"
        return Difference(kind=DifferenceKind.ORPHAN, key=key, detail=detail)
    return Difference(
        kind=DifferenceKind.DIFFERS,
        key=key,
        detail=f"{row.row}: the bucket refuses the HEAD of its object",
        image_id=row.image_id,
    )


def _orphan(key: str, head: ObjectHead) -> Difference:
    upload_id = head.metadata.get("upload-id")
    is_brokers = parse_upload_id(upload_id) is not None
    is_variant = VARIANT_WIDTH in head.metadata
    if is_brokers:
        detail = f"{'a variant ' if is_variant else ''}left by upload {upload_id}"
    else:
        detail = "a variant of an adopted image" if is_variant else "not the broker's"
    return Difference(
        kind=DifferenceKind.ORPHAN,
        key=key,
        detail=detail,
        is_variant=is_variant,
        size=head.content_length,
        etag=head.etag,
        last_modified=head.last_modified,
        upload_id=upload_id if is_brokers else None,
    )
