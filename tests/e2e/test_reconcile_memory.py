"""The memory of `broker reconcile` does not grow with the number of objects."""

import atexit
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from broker.db import migrate
from broker.db.models import Image
from broker.db.session import Database
from broker.domain.object_head import ListedObject
from tests.e2e.listing_server import ETAG, SIZE, key_of, listing_server
from tests.http.client import SECRET
from tests.servers.inventory import write_report

# Parquet needs more rows, because pyarrow's buffers grow up to 100 000 rows.
FEW = {"listing": 2_500, "CSV": 2_500, "Parquet": 6_000}
# One in 500 objects has no row.
ORPHAN_EVERY = 500
# KiB. Keeping 22 500 more objects in memory would take 15 MiB, 54 000 would take 35 MiB.
MAY_GROW = {"listing": 6 * 1024, "CSV": 6 * 1024, "Parquet": 20 * 1024}
# Prints the peak resident memory of its process: proc(5).
COMMAND = """
import atexit, pathlib, re, sys
from broker.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: sys.stderr.write(re.search("VmHWM.*", status.read_text())[0]))
main()
"""


@functools.cache
def database_of(images: int) -> str:
    """Create a database with rows in random order; cached, because it is only read."""
    path = Path(tempfile.mkdtemp(prefix="broker-")) / "broker.db"
    atexit.register(shutil.rmtree, path.parent)
    url = f"sqlite:///{path}"
    migrate.upgrade(url)
    database = Database(url)
    said = {"owner_kind": "ad", "owner_id": 1, "content_type": "image/jpeg", "alt_text": ""}
    said |= {"size": SIZE, "etag": ETAG, "order": 0, "created_at": datetime.now(UTC)}  # type: ignore[dict-item]
    with database.session() as session:
        session.execute(
            insert(Image),
            [
                {**said, "key": key_of(number).removeprefix("media/")}
                for number in sorted(range(images), key=lambda number: hash((number, 7)))
                if number % ORPHAN_EVERY
            ],
        )
        session.commit()
    database.dispose()
    return url


def peak(objects: int, *arguments: str) -> int:
    """Run the command; return its peak resident memory in KiB."""
    with listing_server(objects) as endpoint_url:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "BROKER_DATABASE_URL": database_of(objects),
            "BROKER_S3_BUCKET": "media-bucket",
            "BROKER_S3_ENDPOINT_URL": endpoint_url,
            "BROKER_JWT_SECRET": SECRET,
        }
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "reconcile", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=170,
        )
    orphans = objects // ORPHAN_EVERY
    rows = f"{objects} objects, {objects - orphans} images and variants"
    sums = f"{rows}: {orphans} orphan, 0 missing, 0 differs"
    assert done.stdout.splitlines()[-1] == sums, done.stderr
    assert done.returncode == 1
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert found is not None
    return int(found[1])


def report_of(tmp_path: Path, objects: int, file_format: str) -> list[str]:
    folder = tmp_path / f"{file_format}-{objects}"
    folder.mkdir()
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    entries = [
        ListedObject(key=key_of(number), size=SIZE, etag=ETAG, last_modified=time)
        for number in reversed(range(objects))
    ]
    return ["--inventory", str(write_report(folder, entries, file_format))]


@pytest.mark.matrix(part="memory")
@pytest.mark.parametrize(("source", "may_grow"), MAY_GROW.items())
def test_ten_times_the_objects_need_no_more_memory(
    tmp_path: Path, source: str, may_grow: int
) -> None:
    peaks = [
        peak(
            objects,
            *([] if source == "listing" else report_of(tmp_path, objects, source)),
        )
        for objects in (FEW[source], 10 * FEW[source])
    ]
    assert peaks[1] - peaks[0] < may_grow, peaks
