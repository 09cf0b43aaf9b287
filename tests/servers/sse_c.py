"""Uploads that the client encrypts with a key of its own (SSE-C), which no policy signs.

Afterwards only a client with the key can read the object, and its HEAD is 400.
"""

import base64
import hashlib
from typing import Any

import httpx

from tests.http.client import JPEG

_KEY = b"k" * 32
SSE_C = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": base64.b64encode(_KEY).decode(),
    "x-amz-server-side-encryption-customer-key-MD5": base64.b64encode(
        hashlib.md5(_KEY, usedforsecurity=False).digest()
    ).decode(),
}


def send_encrypted(ticket: dict[str, Any], data: bytes = JPEG) -> None:
    """Send the form of a ticket with SSE-C. SeaweedFS takes this from the request's headers."""
    upload = ticket["upload"]
    answer = httpx.post(
        upload["url"],
        data=upload["fields"],
        files={"file": ("x", data)},
        headers=SSE_C,
        timeout=20,
        verify=False,
    )
    assert answer.status_code == 201, answer.text
