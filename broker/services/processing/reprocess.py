"""Reprocess images that no worker has inspected: images of earlier releases, and adopted ones.

An image keeps its object and its key, and gets its size, a placeholder and the missing variants.
With `clean`, the cleaned or converted image is published at a new key, and the outbox deletes the
old object. A row is changed only if it still has the key that was read, so several runs at once
are safe: the objects of the slower one are deleted.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, true

from broker.db.models import Image
from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS
from broker.domain.object_keys import published_key, with_new_suffix
from broker.domain.storage_errors import ObjectNotFound, ObjectRefused, PreconditionFailed
from broker.inspection.directories import job_directory
from broker.inspection.inspected import Inspected, Rejected
from broker.inspection.sandbox import ChildFailed
from broker.inspection.variant_sizes import variant_sizes
from broker.services.processing import publish
from broker.services.processing.process import Tools, request_for
from broker.services.processing.rewrite import Rewritten, rewrite
from broker.services.work import Broker, Work

PAGE = 100


class Result(StrEnum):
    """What became of an image."""

    COMPLETE = "complete"  # nothing was missing
    REPROCESSED = "reprocessed"  # or would be, with `dry_run`
    CHANGED = "changed"  # it was deleted or reprocessed by another process in the meantime
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which images to reprocess.

    Attributes:
        since: only images that were created at this time or later.
        clean: also publish the cleaned image of those that no worker has cleaned.
        dry_run: write nothing.
    """

    since: datetime | None = None
    clean: bool = False
    dry_run: bool = False

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition for the rows of the images."""
        return true() if self.since is None else Image.created_at >= self.since


@dataclass(frozen=True, kw_only=True)
class Reprocessed:
    """The result for one image. `detail` says why it failed."""

    image_id: int
    key: str
    result: Result
    detail: str = ""


class _Differs(Exception):
    """The object is not the one of the image's row."""


def count_images(work: Work, selection: Selection) -> int:
    """Return the number of images that `reprocess` looks at."""
    found = work.session.scalar(select(func.count()).where(selection.condition, Image.id > 0))
    work.session.commit()
    return found or 0


def reprocess(broker: Broker, tools: Tools, selection: Selection) -> Iterator[Reprocessed]:
    """Yield the result for each image, in pages by id, until `tools.is_stopping` is True.

    The next run skips what is complete. An image that cannot be inspected does not stop the run.

    Raises:
        StorageUnavailable, StorageDenied, DatabaseUnavailable: the next run continues.
    """
    last = 0
    while True:
        with broker.system_work() as work:
            page = _page(work, selection.condition, Image.id > last)
        if not page:
            return
        last = page[-1].id
        # So that several runs at once rarely work on the same image.
        for image in random.sample(page, len(page)):
            if tools.is_stopping():
                return
            yield _reprocess_one(broker, tools, selection, image)


def _reprocess_one(
    broker: Broker, tools: Tools, selection: Selection, listed: Image
) -> Reprocessed:
    done = Reprocessed(image_id=listed.id, key=listed.key, result=Result.COMPLETE)
    widths = _missing_widths(broker, listed)
    if not _is_incomplete(broker.limits, listed, widths, selection):
        return done
    if selection.dry_run:
        return replace(done, result=Result.REPROCESSED)
    # Another run may have reprocessed it since the page was read.
    with broker.system_work() as work:
        fresh = _page(work, Image.id == listed.id)
    if not fresh:
        return replace(done, result=Result.CHANGED)
    (image,) = fresh
    widths = _missing_widths(broker, image)
    if not _is_incomplete(broker.limits, image, widths, selection):
        return replace(done, result=Result.CHANGED)
    try:
        with job_directory(tools.directory) as directory:
            changed = _Task(broker, tools, image, directory).run(widths, clean=selection.clean)
    except Rejected as rejected:
        detail = f"{rejected.reason}: {rejected}"
    except ChildFailed as failed:
        detail = f"the inspection failed: {failed}"
    except (ObjectNotFound, ObjectRefused, PreconditionFailed, _Differs) as error:
        detail = str(error)
    else:
        return replace(done, result=Result.REPROCESSED if changed else Result.CHANGED)
    return replace(done, result=Result.FAILED, detail=detail)


def _page(work: Work, *conditions: ColumnElement[bool]) -> Sequence[Image]:
    found = work.session.scalars(
        select(Image).where(*conditions).order_by(Image.id).limit(PAGE)
    ).all()
    work.session.commit()
    return found


def _is_incomplete(
    limits: Limits, image: Image, widths: tuple[int, ...], selection: Selection
) -> bool:
    if not _may_inspect(limits, image):
        return False
    is_unknown = image.width is None or image.thumbhash is None
    return is_unknown or bool(widths) or (selection.clean and not image.is_clean)


def _may_inspect(limits: Limits, image: Image) -> bool:
    """Check whether a worker may inspect a file: it is an image, and its profile allows it.

    With BROKER_INSPECTION=off, this command is the only inspection, so it takes every image.
    """
    profile = limits.profiles.of_kind(image.owner_kind)
    return image.content_type in EXTENSIONS and (profile.is_inspected or not limits.inspects)


def _missing_widths(broker: Broker, image: Image) -> tuple[int, ...]:
    """Return the widths of the variants that a worker makes and that the image does not have.

    If the image's size is unknown, these are all configured widths without a variant.
    """
    there = {variant.width for variant in image.variants}
    widths = broker.limits.profiles.of_kind(image.owner_kind).variant_widths
    if image.width is not None and image.height is not None:
        widths = tuple(sorted(w for w, _ in variant_sizes(image.width, image.height, widths)))
    return tuple(width for width in widths if width not in there)


def _announce(
    work: Work, image: Image, inspected: Inspected, only: tuple[int, ...] | None
) -> list[publish.Output] | None:
    """Put the files to publish into the outbox: variants of these widths, or the image and all.

    Return None if the image was deleted: its erasure does not know these keys.
    """
    # Never the image's own key: an adopted image may have files of the marketplace next to it that
    # are named like its variants.
    wanted = publish.outputs(work.session, with_new_suffix(image.key), inspected)
    if only is not None:
        wanted = [each for each in wanted if each.is_variant and each.file.width in only]
    publish.announce(work.session, work.limits, wanted, now=work.now)
    work.session.flush()
    still = select(Image.id).where(Image.id == image.id).with_for_update(read=True, key_share=True)
    if work.session.scalar(still) is None:
        work.session.rollback()
        return None
    work.session.commit()
    return wanted


class _Task:
    """The work on one image: download it, inspect it, publish what is missing, change its row."""

    def __init__(self, broker: Broker, tools: Tools, image: Image, directory: Path) -> None:
        self._broker = broker
        self._tools = tools
        self._image = image
        self._directory = directory

    def run(self, widths: tuple[int, ...], *, clean: bool) -> bool:
        """Return False if the image was deleted, or reprocessed by another process."""
        image, limits = self._image, self._broker.limits
        source = self._directory / "source"
        digest = self._download(source)
        is_new = clean and not image.is_clean
        configured = limits.profiles.of_kind(image.owner_kind).variant_widths
        inspected = self._inspect(source, configured if is_new else widths)
        if inspected.image.checksum_sha256 == digest:
            is_new = False  # there was nothing to remove
        with self._broker.system_work() as work:
            wanted = _announce(work, image, inspected, None if is_new else widths)
        if wanted is None:
            return False
        changed = False
        try:
            published = publish.send(
                self._tools.files,
                limits,
                wanted,
                owner_kind=image.owner_kind,
                upload_id=image.upload_id,
                keep=lambda: None,
            )
            result = Rewritten(
                inspected=inspected,
                image=published[0] if is_new else None,
                variants=published[1:] if is_new else published,
                is_clean=clean or image.is_clean,
                checksum_verified=image.checksum_verified or image.checksum_sha256 == digest,
            )
            with self._broker.system_work() as work:
                changed = rewrite(work, image, result)
        finally:
            if wanted and not changed:
                with self._broker.system_work() as work:
                    publish.give_up(work, wanted)
        return changed

    def _download(self, target: Path) -> str:
        """Download the object; return its SHA-256 in base64."""
        image = self._image
        found = self._tools.files.download(
            published_key(self._broker.limits, image.key),
            target,
            max_bytes=image.size,
            keep=lambda: None,
        )
        is_other = image.checksum_sha256 not in (None, found.checksum_sha256)
        if not found.is_complete or found.size != image.size or is_other:
            raise _Differs("the object differs from the recorded one; see broker reconcile")
        return found.checksum_sha256

    def _inspect(self, source: Path, widths: tuple[int, ...]) -> Inspected:
        profile = self._broker.limits.profiles.of_kind(self._image.owner_kind)
        request = request_for(profile, source, content_type=self._image.content_type, widths=widths)
        return self._tools.inspect(request, keep=lambda: None)
