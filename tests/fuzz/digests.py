"""Digests, cached because large values repeat."""

import base64
import hashlib
from functools import lru_cache


@lru_cache(maxsize=64)
def sha256(data: bytes) -> str:
    """Return the SHA-256 of the data in Base64."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@lru_cache(maxsize=64)
def md5(data: bytes) -> str:
    """Return the MD5 of the data in hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
