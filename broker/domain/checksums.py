"""SHA-256 digests in S3's form: base64 of 32 bytes (`x-amz-checksum-sha256`)."""

import base64
import binascii
import hashlib
from collections.abc import Iterable


def is_sha256_base64(text: str) -> bool:
    """Check whether `text` is the canonical base64 form of a 32-byte digest."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(digest) == 32 and base64.b64encode(digest).decode("ascii") == text


def composite_sha256(parts: Iterable[str]) -> str:
    """Return S3's COMPOSITE checksum: the digest of the parts' digests, and the number of parts."""
    digests = [base64.b64decode(part) for part in parts]
    whole = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode("ascii")
    return f"{whole}-{len(digests)}"


def is_composite(checksum: str) -> bool:
    """Check whether this is the COMPOSITE checksum of parts, which ends with their number."""
    return "-" in checksum
