"""The photo that workers process, and its uploads."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks import seed_rows
from benchmarks.bench import Bench
from benchmarks.inspection.photos import make_photo
from benchmarks.seed_rows import Batch
from benchmarks.servers.bucket import BUCKET


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo of 12 megapixels: its file, its bytes, and their SHA-256 in base64."""

    path: Path
    content: bytes
    digest: str


def read_photo(bench: Bench) -> Photo:
    """Return the photo of the row `inspection`."""
    path = make_photo(bench.directory / "photos")
    content = path.read_bytes()
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return Photo(path=path, content=content, digest=digest)


def send(bench: Bench, photo: Photo, count: int) -> tuple[Batch, list[UUID]]:
    """Write the photo to the bucket once for each of some new uploads.

    Return the rows of the uploads, and their ids. They wait for a worker, but are not due.
    """
    batch, ids = seed_rows.processing(count, len(photo.content), photo.digest)
    key = batch.columns.index("written_key")
    client = bench.credentials.client(bench.seaweedfs.endpoint_url)

    def put(row: tuple[object, ...]) -> None:
        client.put_object(
            Bucket=BUCKET,
            Key=row[key],
            Body=photo.content,
            ContentType="image/jpeg",
            ChecksumSHA256=photo.digest,
        )

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(put, batch.rows):
            pass
    return batch, ids
