"""HEAD many objects at once, for an operator's command."""

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
    """Yield a stream in lists of at most `size` items."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def heads_of(storage: ObjectStorage, keys: list[str]) -> dict[str, ObjectHead]:
    """Return the HEAD of every key that has an object.

    Raises StorageUnavailable or StorageDenied as soon as one HEAD does.
    """

    def head(key: str) -> ObjectHead | None:
        try:
            return storage.head(key)
        except ObjectNotFound:
            return None

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(keys)))) as pool:
        found = dict(zip(keys, pool.map(head, keys), strict=True))
    return {key: answer for key, answer in found.items() if answer is not None}
