"""A file's bytes without reading them all, and the exception for bytes that make no sense."""

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, MADV_DONTNEED, PAGESIZE, mmap
from pathlib import Path

from broker.domain.rejections import RejectionReason
from broker.inspection.inspected import Rejected


def corrupt(detail: str) -> Rejected:
    """Return the exception for a damaged, incomplete or senseless file."""
    return Rejected(RejectionReason.CORRUPT, detail)


@contextmanager
def mapped(path: Path) -> Iterator[mmap]:
    """Map a file into memory. Raise Rejected if it is empty."""
    with path.open("rb") as file:
        try:
            data = mmap(file.fileno(), 0, access=ACCESS_READ)
        except ValueError:
            raise corrupt("an empty file") from None
        with data:
            yield data


def forget(data: mmap, start: int, end: int) -> None:
    """Release the memory of a part that was read. Reading it again loads it again."""
    first = start - start % PAGESIZE
    data.madvise(MADV_DONTNEED, first, end - first)
