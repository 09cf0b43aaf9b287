"""SHA-256 digests in S3's form: base64 of 32 bytes (`x-amz-checksum-sha256`)."""

import base64
import hashlib
import re
from collections.abc import Iterable

# The last character has two unused bits, which must be zero.
SHA256_PATTERN = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"
_SHA256 = re.compile(SHA256_PATTERN)


def is_sha256_base64(text: str) -> bool:
    """Check whether `text` is the canonical base64 form of a 32-byte digest."""
    return _SHA256.fullmatch(text) is not None


def composite_sha256(parts: Iterable[str]) -> str:
    """Return S3's COMPOSITE checksum: the digest of the parts' digests, and the number of parts."""
    digests = [base64.b64decode(part) for part in parts]
    whole = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode("ascii")
    return f"{whole}-{len(digests)}"


def is_composite(checksum: str) -> bool:
    """Check whether this is the COMPOSITE checksum of parts, which ends with their number."""
    return "-" in checksum
