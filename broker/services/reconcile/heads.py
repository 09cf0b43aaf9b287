"""Ask the bucket for many objects' heads at once, where an operator's command has many to ask."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from broker.domain.errors import ObjectNotFound
from broker.domain.object_head import ObjectHead
from broker.storage.protocol import ObjectStorage

AT_ONCE = 16
BATCH = 200

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Cut a stream into lists of at most `size`."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def heads_of(storage: ObjectStorage, keys: list[str]) -> dict[str, ObjectHead]:
    """HEAD every key; those without an object are left out.

    Raises StorageUnavailable or StorageDenied as soon as one of them does.
    """

    def head(key: str) -> ObjectHead | None:
        try:
            return storage.head(key)
        except ObjectNotFound:
            return None

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(keys)))) as pool:
        found = dict(zip(keys, pool.map(head, keys), strict=True))
    return {key: answer for key, answer in found.items() if answer is not None}
