"""S3 Inventory reports: manifest.json in a folder named after a date, data files in data/."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_plus

import pyarrow
from pyarrow import parquet

from broker.domain.object_head import ListedObject

CSV_SCHEMA = "Bucket, Key, Size, LastModifiedDate, ETag, IsLatest, IsDeleteMarker"
PARQUET_SCHEMA = (
    "message s3.inventory {  required binary bucket (STRING);  required binary key (STRING);"
    "  optional int64 size;  optional int64 last_modified_date (TIMESTAMP(MILLIS,true));"
    "  optional binary e_tag (STRING);  optional boolean is_latest;"
    "  optional boolean is_delete_marker;}"
)
MODIFIED = datetime(2026, 11, 20, 10, 11, 12, 345000, tzinfo=UTC)
Row = tuple[str, str, int | None, datetime, str | None, bool, bool]


def entry(key: str, *, size: int = 5, etag: str = "e") -> ListedObject:
    return ListedObject(key=key, size=size, etag=etag, last_modified=MODIFIED)


def write_report(
    root: Path,
    entries: Sequence[ListedObject],
    file_format: str,
    *,
    bucket: str = "media-bucket",
    files: int = 1,
    old: Sequence[ListedObject] = (),
    deleted: Sequence[str] = (),
    data: bytes | None = None,
) -> Path:
    """Write a report and return its manifest's path; `data` replaces the data file's bytes."""
    rows: list[Row] = [
        (bucket, item.key, item.size, item.last_modified, item.etag, latest, False)
        for items, latest in ((old, False), (entries, True))
        for item in items
    ]
    rows += [(bucket, key, None, MODIFIED, None, True, True) for key in deleted]
    folder = root / "2026-11-21T01-00Z"
    folder.mkdir(exist_ok=True)
    (root / "data").mkdir(exist_ok=True)
    named = []
    share = -(-len(rows) // files) or 1
    for number in range(files):
        part = rows[number * share : (number + 1) * share]
        content = _csv(part) if file_format == "CSV" else _parquet(part)
        content = content if data is None else data
        name = f"part-{number}.{'csv.gz' if file_format == 'CSV' else 'parquet'}"
        (root / "data" / name).write_bytes(content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        key = f"inventory/{bucket}/daily/data/{name}"
        named.append({"key": key, "size": len(content), "MD5checksum": md5})
    manifest = folder / "manifest.json"
    said = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30",
        "creationTimestamp": "1795222800000",
        "fileFormat": file_format,
        "fileSchema": CSV_SCHEMA if file_format == "CSV" else PARQUET_SCHEMA,
        "files": named,
    }
    manifest.write_text(json.dumps(said))
    checksum = hashlib.md5(manifest.read_bytes(), usedforsecurity=False).hexdigest()
    (folder / "manifest.checksum").write_text(checksum)
    return manifest


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    for bucket, key, size, modified, etag, latest, marker in rows:
        time = f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03}Z"
        flags = [str(flag).lower() for flag in (latest, marker)]
        sizes = "" if size is None else size
        writer.writerow([bucket, quote_plus(key, safe="/"), sizes, time, etag or "", *flags])
    return gzip.compress(text.getvalue().encode())


def _parquet(rows: Sequence[Row]) -> bytes:
    text, flag = pyarrow.string(), pyarrow.bool_()
    time = pyarrow.timestamp("ms", tz="UTC")
    schema = pyarrow.schema(
        [("bucket", text), ("key", text), ("size", pyarrow.int64()), ("last_modified_date", time)]
        + [("e_tag", text), ("is_latest", flag), ("is_delete_marker", flag)]
    )
    table = pyarrow.Table.from_pylist(
        [dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema
    )
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()
