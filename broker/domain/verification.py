"""Whether an object is the one that a ticket was issued for."""

from dataclasses import dataclass
from typing import Final

from broker.domain.object_head import ObjectHead

# No ticket names them, and a presigned PUT takes them all the same: S3 wants signatures of
# x-amz-* headers alone. They would have a photo's URL hand out a program under another name,
# or have every browser unpack what it shows.
UNASKED: Final = ("content_disposition", "content_encoding", "content_language")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What the ticket's row says about the object; None where it says nothing."""

    size: int | None
    max_size: int
    content_type: str
    checksum_sha256: str | None
    upload_id: str


def differences(declared: Declared, head: ObjectHead) -> list[str]:
    """Name what differs; empty when the object is the declared one.

    A server that returns no digest for a pinned upload counts as different: the broker
    never records what it could not verify.
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
