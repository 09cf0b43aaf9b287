"""Generate the rows that are in the database before a measurement.

Each ad has 25 uploads: 20 are confirmed and have images, 2 expired, and one each is cancelled,
rejected and pending. The ids are UUIDv7 spread over the last ninety days.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from benchmarks.plan import ADS, IMAGES_PER_AD, USERS
from benchmarks.requests import DIGEST, SIZE, owner_of

STATES = ["confirmed"] * IMAGES_PER_AD + ["expired", "expired", "cancelled", "rejected", "pending"]
SEED_AGE = 3600  # seconds; no seeded row is newer
FIRST_AD = 1_000_001  # for the ads that have images
FIRST_USER = 1_001
ADS_PER_USER = 10
DAYS = 90
ADS_WITH_VARIANTS = 20  # the newest ads; a page of the list has as many

# Statements for both databases, after the rows: sizes and variants for the images of these ads.
_NEWEST = f"""owner_kind = 'ad' AND owner_id > (
    SELECT max(owner_id) FROM images WHERE owner_kind = 'ad') - {ADS_WITH_VARIANTS}"""  # noqa: S608
VARIANTS = (
    f"""UPDATE images SET width = 4000, height = 3000, thumbhash = 'HBkSHYSIeHiPiHh8eJd4eTN0EEQG'
    WHERE {_NEWEST}""",  # noqa: S608 - no input
    f"""INSERT INTO image_variants
        (image_id, key, content_type, width, height, size, checksum_sha256, etag)
    SELECT images.id, replace(images.key, '.jpg', '-' || made.width || '.webp'), 'image/webp',
        made.width, made.width * 3 / 4, made.width * 100, '{DIGEST}', images.etag
    FROM images
    CROSS JOIN (SELECT 320 AS width UNION ALL SELECT 800 UNION ALL SELECT 1600) AS made
    WHERE {_NEWEST}""",  # noqa: S608 - no input
)

USER_COLUMNS = ("id", "email", "first_name", "last_name", "created_at", "updated_at")
AD_COLUMNS = (
    *("id", "owner_id", "title", "description", "price", "is_active", "is_sold"),
    *("places_taken", "created_at", "updated_at"),
)
UPLOAD_COLUMNS = (
    *("id", "state", "owner_kind", "owner_id", "user_id", "issued_by", "key", "content_type"),
    *("size", "checksum_sha256", "transport", "alt_text", "order", "created_at", "expires_at"),
    *("settled_at", "failures", "size_is_exact", "written_key"),
)
IMAGE_COLUMNS = (
    *("upload_id", "owner_kind", "owner_id", "key", "content_type", "size", "checksum_sha256"),
    *("checksum_verified", "etag", "alt_text", "order", "created_at"),
)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of one table to insert. Batches of parents come before batches of their children."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def uuid7(moment: float, salt: random.Random) -> UUID:
    """Return a UUIDv7 for a Unix time (RFC 9562 section 5.7)."""
    milliseconds = int(moment * 1000)
    value = milliseconds << 80 | 0x7 << 76 | salt.getrandbits(12) << 64
    return UUID(int=value | 0b10 << 62 | salt.getrandbits(62))


def seed_rows(uploads: int) -> Iterator[Batch]:
    """Yield all rows of a database with this many uploads."""
    salt = random.Random(uploads)  # noqa: S311 - the same rows each time
    end = time.time() - SEED_AGE
    now = datetime.fromtimestamp(end, UTC)
    ads = uploads // len(STATES)
    users = [*range(1, USERS + 1), *range(FIRST_USER, FIRST_USER + ads // ADS_PER_USER + 1)]
    yield Batch(
        table="users",
        columns=USER_COLUMNS,
        rows=[(u, f"user{u}@example.com", "John", "Seller", now, now) for u in users],
    )
    yield Batch(
        table="ads",
        columns=AD_COLUMNS,
        rows=[
            *(_ad(ad, owner_of(ad), 0, now) for ad in range(1, ADS + 1)),
            *(_ad(FIRST_AD + n, FIRST_USER + n // ADS_PER_USER, 21, now) for n in range(ads)),
        ],
    )
    for begin in range(0, ads, 1_000):
        block = range(begin, min(begin + 1_000, ads))
        rows = [row for n in block for row in _uploads_of(n, ads, end, salt)]
        yield Batch(table="uploads", columns=UPLOAD_COLUMNS, rows=rows)
        yield Batch(
            table="images",
            columns=IMAGE_COLUMNS,
            rows=[_image(row) for row in rows if row[1] == "confirmed"],
        )


def pending(count: int, size: int = SIZE, digest: str = DIGEST) -> tuple[Batch, list[UUID]]:
    """Return pending uploads of files of this size and digest, and their ids.

    They belong to the ads that tickets are for.
    """
    salt = random.Random(count)  # noqa: S311
    moment = time.time()
    now = datetime.fromtimestamp(moment, UTC)
    rows, ids = [], []
    for number in range(count):
        ad = number % ADS + 1
        upload_id = uuid7(moment, salt)
        ids.append(upload_id)
        key = f"ads/ad_{ad}/main_{upload_id}-{size}.jpg"
        rows.append(_upload(upload_id, "pending", ad, owner_of(ad), key, 1, now, size, digest))
    return Batch(table="uploads", columns=UPLOAD_COLUMNS, rows=rows), ids


def due(count: int) -> Batch:
    """Return uploads that wait for a worker, and have been due for some time."""
    batch, _ids = processing(count)
    now = datetime.now(UTC)
    return Batch(
        table=batch.table,
        columns=(*batch.columns, "due_at"),
        rows=[(*row, now - timedelta(milliseconds=n)) for n, row in enumerate(batch.rows)],
    )


def processing(count: int, size: int = SIZE, digest: str = DIGEST) -> tuple[Batch, list[UUID]]:
    """Return uploads whose objects have arrived, but which are not due yet, and their ids."""
    batch, ids = pending(count, size, digest)
    state, now = batch.columns.index("state"), datetime.now(UTC)
    rows = [(*row[:state], "processing", *row[state + 1 :], now) for row in batch.rows]
    columns = (*batch.columns, "processing_since")
    return Batch(table=batch.table, columns=columns, rows=rows), ids


def _ad(ad: int, owner: int, places: int, now: datetime) -> tuple[object, ...]:
    return (ad, owner, f"Bicycle {ad}", "Hardly used.", 85_000, True, False, places, now, now)


def _uploads_of(
    number: int, ads: int, end: float, salt: random.Random
) -> Iterator[tuple[object, ...]]:
    ad, owner = FIRST_AD + number, FIRST_USER + number // ADS_PER_USER
    moment = end - DAYS * 86_400 * (1 - number / ads)
    created = datetime.fromtimestamp(moment, UTC)
    for order, state in enumerate(STATES):
        key = f"ads/ad_{ad}/img-{order}_{salt.getrandbits(47):012x}.jpg"
        size = salt.randrange(200_000, 8_000_000)
        yield _upload(uuid7(moment, salt), state, ad, owner, key, order, created, size)


def _upload(
    upload_id: UUID,
    state: str,
    ad: int,
    owner: int,
    key: str,
    order: int,
    created: datetime,
    size: int,
    digest: str = DIGEST,
) -> tuple[object, ...]:
    expires = created + timedelta(days=DAYS + 1) if state == "pending" else created
    settled = None if state == "pending" else created + timedelta(seconds=30)
    return (
        *(upload_id, state, "ad", ad, owner, owner, key, "image/jpeg", size, digest, "post"),
        *("front view", order, created, expires, settled, 0, True, f"incoming/{key}"),
    )


def _image(row: tuple[object, ...]) -> tuple[object, ...]:
    upload = dict(zip(UPLOAD_COLUMNS, row, strict=True))
    return (
        *(upload["id"], "ad", upload["owner_id"], upload["key"], "image/jpeg", upload["size"]),
        *(DIGEST, True, "0123456789abcdef0123456789abcdef", "front view", upload["order"]),
        upload["created_at"],
    )
