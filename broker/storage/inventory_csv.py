"""Inventory in CSV: gzip, without a header; the manifest's schema names the columns."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

from broker.domain.errors import InvalidReport

NAMES = {
    "Key": "key",
    "Size": "size",
    "LastModifiedDate": "last_modified_date",
    "ETag": "e_tag",
    "IsLatest": "is_latest",
    "IsDeleteMarker": "is_delete_marker",
}


def check_installed() -> None:
    """Do nothing: the standard library reads CSV."""


def fields(schema: str) -> list[str]:
    """Return the columns of a schema such as `Bucket, Key, Size`, by their names in Parquet."""
    return [NAMES.get(name.strip(), name.strip()) for name in schema.split(",")]


def records(path: Path, schema: str) -> Iterator[dict[str, str]]:
    """Yield the file's records. Keys are URL-encoded in the file, with `+` for a space.

    Raises:
        InvalidReport: the file cannot be read.
    """
    names = fields(schema)
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for number, line in enumerate(csv.reader(stream, strict=True), start=1):
                if len(line) != len(names):
                    raise InvalidReport(f"{path}, line {number}: {len(line)} columns.")
                record = dict(zip(names, line, strict=True))
                record["key"] = unquote_plus(record["key"], errors="strict")
                yield record
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise InvalidReport(f"{path} cannot be read: {error}.") from error
