"""Check whether an object is the one that its ticket declared."""

from dataclasses import dataclass
from typing import Final

from broker.domain.object_head import ObjectHead

# No ticket has these headers, but S3 accepts them with a presigned PUT: only x-amz-* headers must
# be signed. With them a photo's URL could offer a program as a download under another name, or
# make every browser decompress it.
UNASKED: Final = ("content_disposition", "content_encoding", "content_language")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The object as its ticket declared it. A field that was not declared is None."""

    size: int | None
    max_size: int
    content_type: str
    checksum_sha256: str | None
    upload_id: str


def differences(declared: Declared, head: ObjectHead) -> list[str]:
    """Return the names of the properties that differ; an empty list if there are none.

    If the server returns no digest for a pinned upload, the digest counts as different: the broker
    never records an object that it could not verify.
    """
    found = []
    length = head.content_length
    if not 1 <= length <= declared.max_size or declared.size not in (None, length):
        found.append("size")
    if head.content_type != declared.content_type:
        found.append("content_type")
    if declared.checksum_sha256 is not None and head.checksum_sha256 != declared.checksum_sha256:
        found.append("checksum_sha256")
    if head.metadata.get("upload-id") != declared.upload_id:
        found.append("upload_id")
    found += [name for name in UNASKED if getattr(head, name)]
    return found
