"""Check whether an object is the one that its ticket declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from broker.domain.checksums import composite_sha256, is_composite
from broker.domain.object_head import ObjectHead
from broker.domain.s3_servers import Digests, S3Server

# No ticket has these headers, but S3 accepts them with a presigned PUT: only x-amz-* headers must
# be signed. With them a photo's URL could offer a program as a download under another name, or
# make every browser decompress it.
UNASKED: Final = ("content_disposition", "content_encoding", "content_language")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The object as its ticket declared it. A field that was not declared is None.

    `part_digests` are the SHA-256 digests that the parts are pinned to, in part order.
    """

    size: int | None
    max_size: int
    content_type: str
    checksum_sha256: str | None
    upload_id: str
    in_parts: bool = False
    part_digests: Sequence[str] | None = None


def differences(declared: Declared, head: ObjectHead) -> list[str]:
    """Return the names of the properties that differ; an empty list if there are none.

    Some servers return no digest, or return one that they did not check, which is not read. That
    is not a difference; see `is_verified`.
    """
    found = []
    length = head.content_length
    if not 1 <= length <= declared.max_size or declared.size not in (None, length):
        found.append("size")
    if head.content_type != declared.content_type:
        found.append("content_type")
    if _digest_differs(declared, head.checksum_sha256):
        found.append("checksum_sha256")
    if head.metadata.get("upload-id") != declared.upload_id:
        found.append("upload_id")
    found += [name for name in UNASKED if getattr(head, name)]
    return found


def is_verified(
    checksum_sha256: str | None, head: ObjectHead, *, server: S3Server, in_parts: bool
) -> bool:
    """Check whether the server vouches for the digest that was declared for the whole object.

    It does if HEAD returns the digest, or if it refuses other bytes but returns no digest. This is
    False for a multipart upload, because S3 knows only the digests of its parts.
    """
    if checksum_sha256 is None or in_parts:
        return False
    return server.digests is Digests.ENFORCED or head.checksum_sha256 == checksum_sha256


def _digest_differs(declared: Declared, found: str | None) -> bool:
    if found is None:
        return False
    expected = declared.checksum_sha256
    if declared.in_parts and is_composite(found):
        expected = composite_sha256(declared.part_digests) if declared.part_digests else None
    return expected not in (None, found)
