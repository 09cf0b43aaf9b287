"""What `broker doctor` reads from the database about inspection: images, workers, waiting uploads.

The times are those of the database, like those of the heartbeats.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from broker.db.leases import after
from broker.db.models import Image, ImageVariant, Upload, Worker
from broker.db.probe import raise_faults
from broker.db.session import Database, Session
from broker.domain.states import UploadState

# A worker writes its heartbeat every ten seconds.
ALIVE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published file: the relative key, the type, the size in bytes, the SHA-256 in base64."""

    key: str
    content_type: str
    size: int
    checksum_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The number of uploads in state `processing`, and the age of the oldest."""

    count: int
    oldest: timedelta


def newest_published(url: str) -> list[Published]:
    """Return the newest image and its smallest variant, if it has one; raise DatabaseFault."""
    with _session(url) as session:
        image = session.scalar(select(Image).order_by(Image.id.desc()).limit(1))
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
    """Return the workers that were seen within a minute; raise DatabaseFault."""
    with _session(url) as session:
        since = after(session, -ALIVE, now=None)
        return session.scalars(
            select(Worker).where(Worker.seen_at > since).order_by(Worker.started_at)
        ).all()


def waiting(url: str) -> Waiting:
    """Count the uploads in state `processing`; raise DatabaseFault."""
    with _session(url) as session:
        count, since, now = session.execute(
            select(
                func.count(),
                func.min(Upload.processing_since),
                after(session, timedelta(), now=None),
            ).where(Upload.state == UploadState.PROCESSING)
        ).one()
        age = timedelta() if since is None else now - since
        return Waiting(count=count, oldest=max(timedelta(), age))


@contextmanager
def _session(url: str) -> Iterator[Session]:
    database = Database(url)
    try:
        with raise_faults(), database.session() as session:
            yield session
    finally:
        database.dispose()
