"""What `broker doctor` reads from the database about images, workers and uploads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from broker.db.models import Image, ImageVariant, Worker
from broker.db.probe import probe_session
from broker.db.workers import Waiting, last_failed, seen_lately, waiting


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published file: the relative key, the type, the size in bytes, the SHA-256 in base64."""

    key: str
    content_type: str
    size: int
    checksum_sha256: str | None


def newest_published(url: str, owner_kinds: Collection[str]) -> list[Published]:
    """Return the newest image and its smallest variant, if it has one; raise DatabaseFault.

    Only images of these kinds of owners are looked at.
    """
    newest = select(Image).where(Image.owner_kind.in_(owner_kinds)).order_by(Image.id.desc())
    with probe_session(url) as session:
        image = session.scalar(newest.limit(1))
        if image is None:
            return []
        return [_published(image), *(_published(each) for each in image.variants[:1])]


def _published(row: Image | ImageVariant) -> Published:
    return Published(
        key=row.key,
        content_type=row.content_type,
        size=row.size,
        checksum_sha256=row.checksum_sha256,
    )


def workers(url: str) -> Sequence[Worker]:
    """Return the workers that were seen within a minute; raise DatabaseFault.

    If there is none, return the one that failed its self-test last, because it has ended.
    """
    with probe_session(url) as session:
        return seen_lately(session) or last_failed(session)


def waiting_uploads(url: str) -> Waiting:
    """Count the uploads in state `processing`; raise DatabaseFault."""
    with probe_session(url) as session:
        return waiting(session)
