"""Download the file of an upload that is to be inspected."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.object_keys import published_key, published_keys, written_key
from broker.domain.rejections import RejectionReason
from broker.domain.storage_errors import ObjectNotFound
from broker.inspection.inspected import Rejected
from broker.storage.object_files import ObjectFiles

MIB = 1024 * 1024
# A published JPEG may be larger than the HEIC that the client sent, by at most this factor.
PUBLISHED_MAX = 8


@dataclass(frozen=True, kw_only=True)
class Source:
    """A downloaded file, and its declared type.

    Attributes:
        checksum_verified: whether it has the digest that the client declared.
        is_published: whether it is the published image, whose object must stay until the new one is
            recorded.
    """

    path: Path
    content_type: str
    checksum_verified: bool
    is_published: bool = False


def download(
    files: ObjectFiles, limits: Limits, upload: Upload, path: Path, *, keep: Callable[[], None]
) -> Source:
    """Download the client's file to `path`.

    After a restore from a backup, an upload whose image was published since the backup is in
    processing again, but the client's object is deleted. Then this is the published image.

    Raises:
        Rejected: it is not the declared file.
        ObjectNotFound: there is neither the client's object nor a published one.
    """
    try:
        found = files.download(written_key(limits, upload), path, max_bytes=upload.size, keep=keep)
    except ObjectNotFound as missing:
        return _download_published(files, limits, upload, path, missing, keep=keep)
    declared = upload.checksum_sha256
    if not found.is_complete or (upload.size_is_exact and found.size != upload.size):
        raise Rejected(RejectionReason.CHECKSUM_MISMATCH, "its size is another")
    if declared is not None and declared != found.checksum_sha256:
        raise Rejected(RejectionReason.CHECKSUM_MISMATCH, "its SHA-256 is another")
    return Source(
        path=path, content_type=upload.content_type, checksum_verified=declared is not None
    )


def _download_published(
    files: ObjectFiles,
    limits: Limits,
    upload: Upload,
    path: Path,
    missing: ObjectNotFound,
    *,
    keep: Callable[[], None],
) -> Source:
    for key, content_type in published_keys(upload):
        try:
            files.download(
                published_key(limits, key),
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
