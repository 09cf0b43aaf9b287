"""Read S3 Inventory reports from a local directory.

AWS: "Locating your inventory list" and "Amazon S3 Inventory" (S3 user guide). The broker's
client cannot read objects, so an operator copies the report here: `aws s3 cp --recursive`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from broker.domain.errors import InvalidReport
from broker.domain.object_head import ListedObject
from broker.storage import inventory_csv, inventory_parquet
from broker.storage.buckets import ByKey

FORMATS = {"CSV": inventory_csv, "Parquet": inventory_parquet}
NEEDED = ("key", "size", "last_modified_date", "e_tag")


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One data file of a report: its local path, and its size and MD5 from the manifest."""

    path: Path
    size: int
    md5: str


@dataclass(frozen=True, kw_only=True)
class InventoryReport:
    """A report of a bucket whose files were all checked; `file_schema` is of the manifest."""

    bucket: str
    file_format: str
    file_schema: str
    files: tuple[DataFile, ...]

    def objects(self) -> Iterator[ListedObject]:
        """Yield the newest version of every object, in any order, without deleted objects.

        Raises:
            InvalidReport: a record cannot be read.
        """
        for file in self.files:
            for number, record in enumerate(
                FORMATS[self.file_format].records(file.path, self.file_schema), start=1
            ):
                listed = _listed(record, f"{file.path.name}, record {number}")
                if listed is not None:
                    yield listed


def open_reports(
    manifests: Sequence[Path], buckets: ByKey[str]
) -> Callable[[], Iterator[ListedObject]]:
    """Open a report of each bucket; return a function that yields the objects of all reports.

    An object is left out if its key belongs to the other bucket.

    Raises:
        InvalidReport: a report is not as `open_report` needs it, or a bucket has none.
    """
    opened = [open_report(manifest, *buckets.each()) for manifest in manifests]
    reports = {report.bucket: report for report in opened}
    for name in buckets.each():
        if name not in reports:
            raise InvalidReport(f"There is no report of bucket {name}: give one of each bucket.")

    def objects() -> Iterator[ListedObject]:
        for name, report in reports.items():
            for found in report.objects():
                if buckets.of(found.key) == name:
                    yield found

    return objects


def open_report(manifest: Path, *buckets: str) -> InventoryReport:
    """Read a manifest.json and check all files that it names before anything is compared.

    Raises:
        InvalidReport: the report is for none of these buckets or in another format, lacks a field
            that the broker needs, or a file is missing, truncated or changed.
    """
    text = _read(manifest)
    beside = manifest.with_name("manifest.checksum")
    if beside.is_file() and _read(beside).strip().decode("ascii", "replace") != _md5(manifest):
        raise InvalidReport(f"{manifest} does not match the MD5 in manifest.checksum.")
    try:
        content = json.loads(text)
        source, file_format = content["sourceBucket"], content["fileFormat"]
        schema = str(content["fileSchema"])
        files = [
            (str(file["key"]), int(file["size"]), file["MD5checksum"]) for file in content["files"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidReport(f"{manifest} is not a manifest of S3 Inventory: {error!r}.") from error
    if source not in buckets:
        raise InvalidReport(f"{manifest} is for bucket {source}, not for {' or '.join(buckets)}.")
    if file_format not in FORMATS:
        raise InvalidReport(f"{manifest} is in {file_format}; configure CSV or Parquet instead.")
    absent = [name for name in NEEDED if name not in FORMATS[file_format].fields(schema)]
    if absent:
        raise InvalidReport(f"{manifest} lacks {', '.join(absent)}: add them to the inventory.")
    FORMATS[file_format].check_installed()
    return InventoryReport(
        bucket=source,
        file_format=file_format,
        file_schema=schema,
        files=tuple(_checked_file(manifest, *file) for file in files),
    )


def _checked_file(manifest: Path, key: str, size: int, md5: str) -> DataFile:
    """Find a data file beside the manifest, or in a `data` directory near it."""
    name = PurePosixPath(key).name
    below = (manifest.parent, manifest.parent / "data", manifest.parent.parent / "data")
    path = next((folder / name for folder in below if (folder / name).is_file()), None)
    if path is None:
        raise InvalidReport(f"{name} is missing beside {manifest} and in data/ there.")
    if path.stat().st_size != size:
        raise InvalidReport(f"{path} has {path.stat().st_size} bytes, not {size}: copy it again.")
    if _md5(path) != md5:
        raise InvalidReport(f"{path} does not match its MD5 in the manifest: copy it again.")
    return DataFile(path=path, size=size, md5=md5)


def _listed(record: Mapping[str, Any], where: str) -> ListedObject | None:
    if record.get("is_latest") in (False, "false") or record.get("is_delete_marker") in (
        True,
        "true",
    ):
        return None
    try:
        return ListedObject(
            key=record["key"],
            size=int(record["size"]),
            etag=record["e_tag"].strip('"'),
            last_modified=_time(record["last_modified_date"]),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidReport(f"{where} cannot be read: {error}.") from error


def _time(value: str | datetime) -> datetime:
    """Return an aware time. S3's times are UTC."""
    time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidReport(f"{path} cannot be read: {error.strerror}.") from error


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
