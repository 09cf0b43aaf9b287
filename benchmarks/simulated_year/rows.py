"""Fill a database with the rows of a year, by SQL in bulk.

The mix of 100 uploads: 88 are published, 8 expire, 2 are rejected, and 2 are cancelled. 30 % of the
published images are deleted after 60 days. Of 100 images 8 are edited once. Each image has three
variants. 5 % of the uploads have a reported failure, and none of these is published. Half of the
requests of the last day had an Idempotency-Key. A user uploads 20 files in the year, for two ads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, text

DAY = 86_400
YEAR = 365 * DAY
PUBLISHED, EXPIRED, REJECTED = 88, 96, 98
DIGEST = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
THUMBHASH = "1QcSHQRnh493V4dIh4eXh1h4kJUI"
ETAG = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The expressions that differ. `x` is a Unix time, `n` the number of a row."""

    series: str
    time: str
    hash: str
    hex_time: str
    hex_number: str
    uuid: str


POSTGRESQL = Dialect(
    series="(SELECT generate_series(1, {count}) AS n)",
    time="to_timestamp({x})",
    hash="lpad(to_hex((CAST(n AS BIGINT) * 2654435761) % 4294967296), 8, '0')",
    hex_time="lpad(to_hex(CAST({x} * 1000 AS BIGINT)), 12, '0')",
    hex_number="lpad(to_hex(n), 7, '0')",
    uuid="CAST({text} AS UUID)",
)
SQLITE = Dialect(
    series="(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"
    " SELECT n FROM s)",
    time="(strftime('%Y-%m-%d %H:%M:%f', {x}, 'unixepoch') || '000')",
    hash="printf('%08x', (n * 2654435761) % 4294967296)",
    hex_time="printf('%012x', CAST({x} * 1000 AS INTEGER))",
    hex_number="printf('%07x', n)",
    uuid="{text}",
)


def statements(dialect: Dialect, uploads: int, end: datetime) -> Iterator[str]:
    """Yield the statements that insert all rows; the last upload is requested at `end`."""
    last = end.timestamp()

    def time(expression: str) -> str:
        return dialect.time.format(x=f"({expression})")

    def uuid(expression: str, version: str = "7") -> str:
        """Return a UUID that begins with a time."""
        parts = (
            dialect.hex_time.format(x=expression),
            f"'{version}'",
            "substr(h, 1, 3)",
            "'8'",
            dialect.hex_number,
            "h",
        )
        return dialect.uuid.format(text=f"({' || '.join(parts)})")

    series = dialect.series.format(count=uploads)
    step = f"CAST({last - YEAR} + n * ({YEAR}.0 / {uploads}) AS DOUBLE PRECISION)"
    base = f"(SELECT n, {step} AS x, {dialect.hash} AS h FROM {series} AS numbers) AS seed"  # noqa: S608
    published = f"n % 100 < {PUBLISHED}"
    lost = f"({published} AND (n / 100) % 10 < 3 AND x + {60 * DAY} <= {last})"
    users, ads = uploads // 20 + 1, uploads // 10 + 1
    user, ad = f"(n % {users} + 1)", f"(n % {ads} + 1)"
    key = f"'ads/ad_' || {ad} || '/img-' || (1000 + n % 9000) || '_' || h"
    now = time(str(last))

    yield (
        "INSERT INTO users (id, email, first_name, last_name, created_at, updated_at, is_erased)"  # noqa: S608
        f" SELECT n, 'user' || n || '@example.com', 'John', 'Seller', {now}, {now}, false"
        f" FROM {dialect.series.format(count=users)} AS numbers"
    )
    yield (
        "INSERT INTO user_quotas (user_id, window_start, bytes_taken, files_taken)"  # noqa: S608
        f" SELECT n, {time(f'{last} - (n % 365) * {DAY}')}, 0, 0"
        f" FROM {dialect.series.format(count=users)} AS numbers"
    )
    yield (
        "INSERT INTO ads (id, owner_id, title, description, price, is_active, is_sold,"  # noqa: S608
        " places_taken, created_at, updated_at)"
        f" SELECT n, n % {users} + 1, 'A bicycle for the city', 'Red, with seven gears, from 2019.'"
        f", 850, true, false, 8, {now}, {now}"
        f" FROM {dialect.series.format(count=ads)} AS numbers"
    )
    yield (
        "INSERT INTO uploads (id, state, owner_kind, owner_id, user_id, issued_by, key,"  # noqa: S608
        " written_key, file_name, content_type, size, checksum_sha256, transport, alt_text,"
        ' "order", created_at, expires_at, settled_at, failures, publish_attempts, size_is_exact,'
        " quota_window, processing_since, attempts, reason, image_deleted_at)"
        f" SELECT {uuid('x')}, CASE WHEN {published} THEN 'confirmed'"
        f" WHEN n % 100 < {EXPIRED} THEN 'expired' WHEN n % 100 < {REJECTED} THEN 'rejected'"
        f" ELSE 'cancelled' END, 'ad', {ad}, {user}, {user}, {key} || '.jpg',"
        f" 'incoming/' || {key} || '.jpg', 'IMG_' || n || '.jpeg', 'image/jpeg', 3670016 + n % 999,"
        f" '{DIGEST}', 'post', '', 1, {time('x')}, {time('x + 300')}, {time('x + 20')}, 0, 1, true,"
        f" {time('x')}, CASE WHEN n % 100 < {PUBLISHED} THEN {time('x + 10')} END, 1,"
        f" CASE WHEN n % 100 >= {EXPIRED} AND n % 100 < {REJECTED} THEN 'not_an_image' END,"
        f" CASE WHEN {lost} THEN {time(f'x + {60 * DAY}')} END FROM {base}"
    )
    yield (
        "INSERT INTO images (id, upload_id, owner_kind, owner_id, key, file_name, content_type,"  # noqa: S608
        ' size, checksum_sha256, checksum_verified, etag, alt_text, "order", created_at, width,'
        f" height, is_clean, thumbhash) SELECT n, {uuid('x')}, 'ad', {ad}, {key} || '.jpg',"
        f" 'IMG_' || n || '.jpeg', 'image/jpeg', 3600000 + n % 999, '{DIGEST}', true, '{ETAG}', '',"
        f" 1, {time('x + 10')}, 4032, 3024, true, '{THUMBHASH}' FROM {base}"
        f" WHERE {published} AND NOT {lost}"
    )
    sizes = "(SELECT 320 AS w, 240 AS t UNION ALL SELECT 800, 600 UNION ALL SELECT 1600, 1200)"
    yield (
        "INSERT INTO image_variants (image_id, key, content_type, width, height, size,"  # noqa: S608
        f" checksum_sha256, etag) SELECT n, {key} || '_w' || w || '.webp', 'image/webp', w, t,"
        f" 100 * w, '{DIGEST}', '{ETAG}' FROM {base} CROSS JOIN {sizes} AS sizes"
        f" WHERE {published} AND NOT {lost}"
    )
    yield (
        "INSERT INTO reported_failures (upload_id, s3_code, advice, created_at)"  # noqa: S608
        f" SELECT {uuid('x')}, 'NetworkError', 'retry', {time('x + 15')} FROM {base}"
        " WHERE n % 100 >= 92 AND n % 100 < 97"
    )
    state = f"replace('{_state()}', 'KEY', {key})"
    ended = '{"profile":"ad_image","owner":"1234567","reason":null,"image":null,"removed_keys":[]}'
    kinds = (
        ("image.ready", "x + 20", published, state),
        ("image.updated", f"x + {DAY}", f"{published} AND n % 100 < 8", state),
        ("image.deleted", f"x + {60 * DAY}", lost, state),
        (
            "image.rejected",
            "x + 30",
            f"n % 100 >= {EXPIRED} AND n % 100 < {REJECTED}",
            f"'{ended}'",
        ),
        (
            "upload.expired",
            "x + 1200",
            f"n % 100 >= {PUBLISHED} AND n % 100 < {EXPIRED}",
            f"'{ended}'",
        ),
    )
    events = " UNION ALL ".join(
        f"SELECT n, h, {moment} AS m, '{kind}' AS kind, {data} AS data, {uuid('x')} AS upload"  # noqa: S608
        f" FROM {base} WHERE {condition} AND {moment} <= {last}"
        for kind, moment, condition, data in kinds
    )
    place = "row_number() OVER (ORDER BY m)"
    yield (
        "INSERT INTO events (id, event_id, sequence, type, created_at, owner_kind, owner_id,"  # noqa: S608
        f" image_id, upload_id, user_id, data) SELECT {place}, {uuid('m', '4')}, {place}, kind,"
        f" {time('m')}, 'ad', {ad}, CASE WHEN kind LIKE 'image.%' THEN n END, upload, {user}, data"
        f" FROM ({events}) AS happened"
    )
    yield (
        "UPDATE event_feed SET last_sequence = (SELECT max(sequence) FROM events),"
        " enqueued_sequence = (SELECT max(sequence) FROM events)"
    )
    body = "x" * 1500
    yield (
        "INSERT INTO idempotency_keys (user_id, key, fingerprint, claim_id, locked_until,"  # noqa: S608
        f" created_at, expires_at, status, body) SELECT {user}, h || {dialect.hex_number}, h || '"
        f"{'0' * 56}', {uuid('x')}, {time('x + 60')}, {time('x')}, {time(f'x + {DAY}')}, 201,"
        f" '{body}' FROM {base} WHERE x > {last - DAY} AND n % 2 = 0"
    )


def _state() -> str:
    """Return the data of an event of an image with three variants; KEY is its key."""
    variants = [
        {"width": w, "height": w * 3 // 4, "content_type": "image/webp", "key": f"KEY_w{w}.webp"}
        for w in (320, 800, 1600)
    ]
    image = {
        "key": "KEY.jpg",
        "alt_text": "",
        "order": 1,
        "content_type": "image/jpeg",
        "size": 3600000,
        "checksum_sha256": DIGEST,
        "width": 4032,
        "height": 3024,
        "thumbhash": THUMBHASH,
        "variants": variants,
        "created_at": "2026-11-29T10:00:00.123456+00:00",
    }
    data = {"profile": "ad_image", "owner": "1234567", "reason": None, "image": image}
    return orjson.dumps({**data, "removed_keys": []}).decode()


def fill(connection: Connection, uploads: int, end: datetime) -> None:
    """Insert all rows of a year and commit."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.execute(text("PRAGMA synchronous=OFF"))
        connection.execute(text("PRAGMA foreign_keys=OFF"))
    else:
        # The rows are consistent. Checking their foreign keys would double the time.
        connection.execute(text("SET session_replication_role = replica"))
    for statement in statements(SQLITE if is_sqlite else POSTGRESQL, uploads, end):
        # The driver of PostgreSQL reads a % as a parameter.
        connection.exec_driver_sql(statement if is_sqlite else statement.replace("%", "%%"))
    connection.commit()
