"""A bucket whose answer to a copy or to the completion of parts comes too late, or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker.domain.errors import StorageUnavailable
from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from tests.fuzz.buckets import World
from tests.fuzz.model import ANSWERED, DONE, LATER, REPLACED, UNHEARD


class Unheard:
    """Stands before a bucket's multipart uploads."""

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


class Copying:
    """Stands before a bucket while an object is copied; `replace` writes another one there, as
    soon as the one before has been looked at.
    """

    def __init__(self, inner: Any, answer: str, replace: Callable[[], None]) -> None:
        self.inner, self.answer, self.replace = inner, answer, replace

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def head(self, key: str) -> ObjectHead:
        found: ObjectHead = self.inner.head(key)
        if self.answer == REPLACED:
            self.replace()
        return found

    def copy(self, source_key: str, key: str, *, if_match: str) -> str:
        if self.answer == UNHEARD:
            raise StorageUnavailable("No answer.")
        etag: str = self.inner.copy(source_key, key, if_match=if_match)
        if self.answer == DONE:
            raise StorageUnavailable("No answer.")
        return etag


@contextmanager
def completion(world: World, answer: str) -> Iterator[None]:
    """Have completions end so within the block."""
    multipart = world.storage.multipart
    if answer != ANSWERED:
        world.storage.multipart = Unheard(multipart, answer, world.hidden)
    try:
        yield
    finally:
        world.storage.multipart = multipart
