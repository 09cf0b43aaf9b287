"""HEAD many objects at once, for an operator's command."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from broker.domain.object_head import ObjectHead
from broker.domain.storage_errors import ObjectNotFound, ObjectRefused
from broker.storage.protocol import ObjectStorage

AT_ONCE = 16
BATCH = 200

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Yield a stream in lists of at most `size` items."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


@dataclass(frozen=True, kw_only=True)
class Heads:
    """The HEAD of each object, and the keys whose HEAD the bucket refuses."""

    found: dict[str, ObjectHead]
    refused: frozenset[str]


def heads_of(storage: ObjectStorage, keys: list[str]) -> Heads:
    """Send a HEAD for every key.

    Raises StorageUnavailable or StorageDenied as soon as one HEAD does.
    """

    def head(key: str) -> ObjectHead | ObjectRefused | None:
        try:
            return storage.head(key)
        except ObjectNotFound:
            return None
        except ObjectRefused as refused:
            return refused

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(keys)))) as pool:
        answers = dict(zip(keys, pool.map(head, keys), strict=True))
    return Heads(
        found={key: found for key, found in answers.items() if isinstance(found, ObjectHead)},
        refused=frozenset(
            key for key, found in answers.items() if isinstance(found, ObjectRefused)
        ),
    )
