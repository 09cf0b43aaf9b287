"""Wrappers of a bucket. Its answer to a copy or a completion is late or missing."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from tests.fuzz.buckets import HistoryBucket
from tests.fuzz.model import ANSWERED, CHURNED, DONE, LATER, REPLACED, UNHEARD


class LostAnswer:
    """Wraps multipart uploads: the answer to a completion is lost."""

    def __init__(self, inner: Any, answer: str, hidden: set[str]) -> None:
        self.inner, self.answer, self.hidden = inner, answer, hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def complete(self, key: str, multipart_id: str, parts: Sequence[UploadedPart]) -> None:
        if self.answer != UNHEARD:
            self.inner.complete(key, multipart_id, parts)
        if self.answer == LATER:
            self.hidden.add(key)
        raise StorageUnavailable("No answer.")


class CopyAnswers:
    """Wraps a bucket while an object is copied.

    `replace` is called after HEAD with the number of HEADs before; it writes another object to the
    same key.
    """

    def __init__(self, inner: Any, answer: str, replace: Callable[[int], None]) -> None:
        self.inner, self.answer, self.replace = inner, answer, replace
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def head(self, key: str) -> ObjectHead:
        found: ObjectHead = self.inner.head(key)
        if self.answer == CHURNED or (self.answer == REPLACED and self.looks == 0):
            self.replace(self.looks)
        self.looks += 1
        return found

    def copy(self, source_key: str, key: str, **given: Any) -> str:
        if self.answer == UNHEARD:
            raise StorageUnavailable("No answer.")
        etag: str = self.inner.copy(source_key, key, **given)
        if self.answer == DONE:
            raise StorageUnavailable("No answer.")
        return etag


class CopiedKeys:
    """Wraps a bucket and records the keys to which objects are copied."""

    def __init__(self, inner: Any, targets: deque[str]) -> None:
        self.inner, self.targets = inner, targets

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def copy(self, source_key: str, key: str, **given: Any) -> str:
        self.targets.append(key)
        etag: str = self.inner.copy(source_key, key, **given)
        return etag


class RefusedDeletions:
    """Wraps a bucket that deletes no object."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def delete(self, key: str) -> None:
        raise StorageDenied("The bucket refuses to delete.")


@contextmanager
def completion(bucket: HistoryBucket, answer: str) -> Iterator[None]:
    """Replace the answer to completions inside the block."""
    multipart = bucket.storage.multipart
    if answer != ANSWERED:
        bucket.storage.multipart = LostAnswer(multipart, answer, bucket.hidden)
    try:
        yield
    finally:
        bucket.storage.multipart = multipart
