"""Check suspected differences again, because rows and bucket may have changed since.

The rows are read before and after the HEAD requests. A difference is reported only if both reads
agree: an image that is confirmed or deleted in between is not a difference.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from broker.domain.object_head import ObjectHead
from broker.domain.reconciliation import Difference, DifferenceKind
from broker.services.reconcile.heads import batches, heads_of
from broker.services.reconcile.known_keys import StoredImage, known_keys
from broker.services.work import Work


def recheck(work: Work, suspects: Iterable[str]) -> Iterator[Difference]:
    """Yield the differences among these object keys, and process the keys in batches."""
    for keys in batches(suspects):
        before = known_keys(work, keys)
        asked = [key for key in keys if key in before.images or not before.knows(key)]
        heads = heads_of(work.storage, asked)
        after = known_keys(work, asked)
        for key in asked:
            head, image = heads.found.get(key), after.images.get(key)
            if image is not None and image == before.images.get(key):
                found = _refused(key, image) if key in heads.refused else _compare(key, image, head)
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


def _compare(key: str, image: StoredImage, head: ObjectHead | None) -> Difference | None:
    if head is None:
        return Difference(
            kind=DifferenceKind.MISSING,
            key=key,
            detail=f"image {image.id} has no object",
            image_id=image.id,
        )
    found = []
    if head.content_length != image.size:
        found.append(f"size is {head.content_length}, recorded {image.size}")
    if head.etag != image.etag:
        found.append(f"ETag is {head.etag}, recorded {image.etag}")
    if not found:
        return None
    return Difference(
        kind=DifferenceKind.DIFFERS,
        key=key,
        detail=f"image {image.id}: {'; '.join(found)}",
        image_id=image.id,
        size=head.content_length,
        etag=head.etag,
        last_modified=head.last_modified,
    )


def _refused(key: str, image: StoredImage | None) -> Difference:
    """Return the difference for an object that the bucket does not show to the broker."""
    if image is None:
        detail = "the bucket refuses its HEAD, so it is unknown whether the broker wrote it"
        return Difference(kind=DifferenceKind.ORPHAN, key=key, detail=detail)
    return Difference(
        kind=DifferenceKind.DIFFERS,
        key=key,
        detail=f"image {image.id}: the bucket refuses the HEAD of its object",
        image_id=image.id,
    )


def _orphan(key: str, head: ObjectHead) -> Difference:
    upload_id = head.metadata.get("upload-id")
    is_brokers = parse_upload_id(upload_id) is not None
    return Difference(
        kind=DifferenceKind.ORPHAN,
        key=key,
        detail=f"left by upload {upload_id}" if is_brokers else "not the broker's",
        size=head.content_length,
        etag=head.etag,
        last_modified=head.last_modified,
        upload_id=upload_id if is_brokers else None,
    )
