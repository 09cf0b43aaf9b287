"""Request bodies that are read from a file while they are sent. Their length is known first."""

from collections.abc import Callable, Iterator, Mapping
from uuid import uuid4

from broker_client.source import Source

CHUNK = 128 * 1024  # bytes of a body that are in memory at the same time


class Body:
    """A range of a file, with other bytes before and after it."""

    def __init__(
        self,
        source: Source,
        start: int,
        size: int,
        *,
        head: bytes = b"",
        tail: bytes = b"",
        count: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send `size` bytes of the file from `start` on. Each chunk's size goes to `count`."""
        self._source = source
        self._start = start
        self._size = size
        self._head = head
        self._tail = tail
        self._count = count
        self._sent = 0  # bytes of the file, without the bytes before and after it
        self.length = len(head) + size + len(tail)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body from its beginning.

        Raises:
            FileChanged, OSError.
        """
        if self._head:
            yield self._head
        position, end = self._start, self._start + self._size
        while position < end:
            chunk = self._source.read_at(position, min(CHUNK, end - position))
            position += len(chunk)
            yield chunk
        if self._tail:
            yield self._tail

    def sent(self, chunk: bytes) -> None:
        """Count a chunk that was handed to the network."""
        if chunk is not self._head and chunk is not self._tail:
            self._sent += len(chunk)
            self._count(len(chunk))

    def take_back(self) -> None:
        """Subtract the bytes that a failed try has sent."""
        self._count(-self._sent)
        self._sent = 0


def form_body(
    fields: Mapping[str, str], source: Source, count: Callable[[int], None]
) -> tuple[str, Body]:
    """Create S3's POST form: the ticket's fields first, the file last (RFC 7578).

    The file's part has the content type of the ticket.

    Returns:
        The Content-Type and the body.
    """
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    # S3 stores the type of the field `Content-Type`, and does not need the file name.
    file_type = fields.get("Content-Type", "application/octet-stream")
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
        f"Content-Type: {file_type}\r\n\r\n"
    )
    body = Body(
        source,
        0,
        source.size,
        head="".join(parts).encode(),
        tail=f"\r\n--{boundary}--\r\n".encode(),
        count=count,
    )
    return f"multipart/form-data; boundary={boundary}", body


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
