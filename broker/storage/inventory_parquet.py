"""Inventory in Parquet, read in batches. pyarrow is large, so it is an optional extra."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from broker.domain.errors import InvalidReport

BATCH_ROWS = 1000
WANTED = ("key", "size", "last_modified_date", "e_tag", "is_latest", "is_delete_marker")
# `optional int64 size;` and `required binary key (UTF8);` in Parquet's own notation.
_FIELD = re.compile(r"\b(?:required|optional)\s+\w+\s+(\w+)")


def check_installed() -> None:
    """Raise InvalidReport, with what to install, if pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise InvalidReport("Parquet needs pyarrow: pip install pyarrow, or configure CSV.")


def fields(schema: str) -> list[str]:
    """Return the columns of a schema such as `message s3.inventory { … }`."""
    return _FIELD.findall(schema)


def records(path: Path, schema: str) -> Iterator[dict[str, Any]]:
    """Yield the file's rows; raise InvalidReport if it cannot be read."""
    import pyarrow
    from pyarrow import parquet

    try:
        # Without pre-buffering, memory stays at a few megabytes for any size of row groups.
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as file:
            columns = [name for name in WANTED if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InvalidReport(f"{path} cannot be read: {error}.") from error
