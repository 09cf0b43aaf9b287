"""A stub S3 server in which every object exists. It answers HEAD and CopyObject with little CPU.

A key ends with `_<upload id>-<size>.jpg`. All objects have the same content type and digest.
CopyObject and CreateMultipartUpload succeed. The stub stores nothing and does not check signatures.
"""

import asyncio
import sys
from typing import cast

from benchmarks.requests import DIGEST

BEGUN = (
    b'<?xml version="1.0" encoding="UTF-8"?><InitiateMultipartUploadResult>'
    b"<Bucket>media-bucket</Bucket><Key>key</Key><UploadId>multipart-upload</UploadId>"
    b"</InitiateMultipartUploadResult>"
)
COPIED = (
    b'<?xml version="1.0" encoding="UTF-8"?><CopyObjectResult>'
    b'<ETag>"0123456789abcdef0123456789abcdef"</ETag></CopyObjectResult>'
)
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
XML = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s"
ABSENT = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Type: image/jpeg\r\n"
    'ETag: "0123456789abcdef0123456789abcdef"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
    f"x-amz-checksum-sha256: {DIGEST}\r\nx-amz-meta-upload-id: {{upload_id}}\r\n\r\n"
)


class StubS3(asyncio.Protocol):
    """One persistent connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every complete request. Requests are expected to have no body."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer and self.transport is not None:
            request, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self.transport.write(answer(request))


def answer(request: bytes) -> bytes:
    """Return the answer to a request's header block."""
    method, path, _ = request.split(b" ", 2)
    if method == b"POST":
        return XML % (len(BEGUN), BEGUN)
    if method == b"PUT" and b"\r\nx-amz-copy-source:" in request.lower():
        return XML % (len(COPIED), COPIED)
    if method != b"HEAD":
        return NOTHING
    name = path.partition(b"?")[0].rpartition(b"_")[2].decode()
    if not name.endswith(".jpg"):
        return NOTHING  # HeadBucket
    upload_id, dash, size = name.removesuffix(".jpg").rpartition("-")
    if not dash:
        return ABSENT
    return HEAD.format(size=size, upload_id=upload_id).encode()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(StubS3, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
