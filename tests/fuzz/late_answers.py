"""A bucket whose answer to the completion of parts nobody hears: it comes late, or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker.domain.errors import StorageUnavailable
from broker.domain.part_plan import UploadedPart
from tests.fuzz.buckets import World
from tests.fuzz.model_parts import ANSWERED, LATER, UNHEARD


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
