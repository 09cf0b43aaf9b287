"""Publish the files of an inspection at keys that no other attempt has.

The keys are committed to the outbox before the first file is sent. The attempt that wins removes
them from the outbox in the transaction that inserts the image. So an object that no image names is
deleted, whenever its worker stops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, union_all, update
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Image, ImageVariant
from broker.domain.limits import Limits
from broker.domain.object_head import VARIANT_WIDTH
from broker.domain.object_keys import published_key, variant_key, with_extension, with_new_suffix
from broker.inspection.inspected import Inspected, OutputFile
from broker.services.uploads import outbox
from broker.services.work import Work
from broker.storage.object_files import ObjectFiles

# Within this time a worker has sent all files, or has lost its lease.
PUBLISH_TIME = timedelta(minutes=15)
# S3 refuses requests of machines whose clocks are wrong by more than 15 minutes, so the clocks of a
# worker and a reaper differ by at most this.
CLOCKS_APART = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Output:
    """A file, and the relative key at which it is to be published."""

    key: str
    file: OutputFile
    is_variant: bool = False


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file that has been published, and the ETag of its object."""

    key: str
    file: OutputFile
    etag: str


def outputs(session: Session, key: str, inspected: Inspected) -> list[Output]:
    """Return the image and its variants with keys that no row has; the image is the first.

    The image is at `key` with the extension of its type. If an image or a variant has one of these
    keys, all get a new suffix: an adopted image may be named like a variant.
    """
    wanted = _outputs(key, inspected)
    if _are_taken(session, [each.key for each in wanted]):
        wanted = _outputs(with_new_suffix(key), inspected)
    return wanted


def _outputs(key: str, inspected: Inspected) -> list[Output]:
    own = with_extension(key, inspected.image.content_type)
    return [
        Output(key=own, file=inspected.image),
        *(
            Output(key=variant_key(own, each.width), file=each, is_variant=True)
            for each in inspected.variants
        ),
    ]


def _are_taken(session: Session, keys: list[str]) -> bool:
    """Check whether an image or a variant has one of the keys."""
    taken = union_all(
        select(Image.key).where(Image.key.in_(keys)),
        select(ImageVariant.key).where(ImageVariant.key.in_(keys)),
    )
    return session.scalar(taken) is not None


def announce(session: Session, limits: Limits, files: list[Output], *, now: datetime) -> None:
    """Put the keys into the outbox, in case this attempt does not win.

    Their objects are deleted twice, because a request that is being sent may still end.
    """
    due = now + PUBLISH_TIME + CLOCKS_APART
    for each in files:
        key = published_key(limits, each.key)
        outbox.enqueue(session, key, now=due, form_dead_at=due + PUBLISH_TIME)


def give_up(work: Work, files: list[Output]) -> None:
    """Let the outbox delete the objects of an attempt that did not win, now and once more."""
    keys = [published_key(work.limits, each.key) for each in files]
    work.session.execute(
        update(Deletion)
        .where(*outbox.not_begun(keys, is_repeated=True))
        .values(not_before=work.now)
    )
    work.session.commit()


def withdraw(session: Session, limits: Limits, keys: list[str]) -> bool:
    """Remove the keys from the outbox; return False if the deletion of one may have begun."""
    wanted = [published_key(limits, key) for key in keys]
    return all(outbox.withdraw(session, key, is_repeated=True) for key in wanted)


def send(
    files: ObjectFiles,
    limits: Limits,
    wanted: list[Output],
    *,
    owner_kind: str,
    upload_id: UUID | None,
    keep: Callable[[], None],
) -> list[PublishedFile]:
    """Send the files, and return what was published.

    `keep` is called before each file. The metadata of each object names its upload, and the width
    if it is a variant, so that objects can be identified after their rows are lost.

    Raises:
        PreconditionFailed: there is an object at one of the keys; another attempt has other keys.
        StorageUnavailable, StorageDenied: see `ObjectFiles`.
    """
    published = []
    profile = limits.profiles.of_kind(owner_kind)
    of_upload = {} if upload_id is None else {"upload-id": str(upload_id)}
    for each in wanted:
        keep()
        of_variant = {VARIANT_WIDTH: str(each.file.width)} if each.is_variant else {}
        with each.file.path.open("rb") as file:
            etag = files.upload(
                file,
                published_key(limits, each.key),
                size=each.file.size,
                content_type=each.file.content_type,
                cache_control=profile.cache_control,
                checksum_sha256=each.file.checksum_sha256,
                metadata=of_upload | of_variant,
                acl=limits.acl_of(profile),
            )
        published.append(PublishedFile(key=each.key, file=each.file, etag=etag))
    return published
