"""Download the file that an attempt inspects, and compare it with what its client declared."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key, published_keys, written_key
from broker.domain.rejections import RejectionReason
from broker.domain.storage_errors import ObjectNotFound
from broker.inspection.inspected import Rejected
from broker.storage.object_files import ObjectFiles

MIB = 1024 * 1024
# A published JPEG may be larger than the HEIC that the client sent, by at most this factor.
PUBLISHED_MAX = 8


@dataclass(frozen=True, kw_only=True)
class Source:
    """A downloaded file to inspect, and its declared type.

    `is_published` is True if it is the published image, which must keep its key until the new one
    is recorded.
    """

    path: Path
    content_type: str
    checksum_verified: bool
    is_published: bool = False


def download(
    files: ObjectFiles,
    limits: Limits,
    upload: Upload,
    directory: Path,
    *,
    keep: Callable[[], None],
) -> Source:
    """Return the client's file, downloaded into a directory. `keep` is called after each chunk.

    After a restore from a backup, an upload whose image was published since the backup is in
    processing again, but the client's object is deleted. Then this is the published image.

    Raises:
        Rejected: its size or digest is not the declared one.
        ObjectNotFound: there is neither of them.
    """
    path = directory / "source"
    try:
        found = files.download(written_key(limits, upload), path, max_bytes=upload.size, keep=keep)
    except ObjectNotFound as missing:
        return _published(files, limits, upload, path, keep, missing)
    declared = upload.checksum_sha256
    if not found.is_complete or (upload.size_is_exact and found.size != upload.size):
        raise Rejected(RejectionReason.CHECKSUM_MISMATCH, "its size is another")
    if declared is not None and declared != found.checksum_sha256:
        raise Rejected(RejectionReason.CHECKSUM_MISMATCH, "its SHA-256 is another")
    return Source(
        path=path, content_type=upload.content_type, checksum_verified=declared is not None
    )


def _published(
    files: ObjectFiles,
    limits: Limits,
    upload: Upload,
    path: Path,
    keep: Callable[[], None],
    missing: ObjectNotFound,
) -> Source:
    for key, content_type in published_keys(upload):
        try:
            files.download(
                object_key(limits.location, key),
                path,
                max_bytes=PUBLISHED_MAX * upload.size + MIB,
                keep=keep,
            )
        except ObjectNotFound:
            continue
        return Source(
            path=path, content_type=content_type, checksum_verified=False, is_published=True
        )
    raise missing
