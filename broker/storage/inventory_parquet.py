"""Inventory in Parquet: read a batch at a time. pyarrow is large, hence an extra of its own."""

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
    """Raise InvalidReport, with what to install, where there is no pyarrow."""
    if find_spec("pyarrow") is None:
        raise InvalidReport("Parquet needs pyarrow: pip install pyarrow, or configure CSV.")


def fields(schema: str) -> list[str]:
    """Name the columns of a `message s3.inventory { … }`."""
    return _FIELD.findall(schema)


def records(path: Path, schema: str) -> Iterator[dict[str, Any]]:
    """Give the file's rows; raises InvalidReport."""
    import pyarrow
    from pyarrow import parquet

    try:
        # Its buffers are of a few megabytes, whatever a row group's size is.
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as file:
            columns = [name for name in WANTED if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InvalidReport(f"{path} cannot be read: {error}.") from error
