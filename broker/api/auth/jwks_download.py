"""Download the issuer's public keys (RFC 7517), within limits of time and size."""

import http.client
import json
import time
import urllib.request
from typing import Any
from urllib.error import HTTPError

from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK
from jwt.exceptions import PyJWTError

TIMEOUT_SECONDS = 3.0
MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
Keys = dict[str | None, Any]


class KeysNotDownloaded(Exception):
    """The URL did not return a set of keys; the message says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect, so that the keys come from the configured URL only."""


def download(url: str, algorithm: str) -> Keys:
    """Return the keys for this algorithm by `kid`. A set without keys is valid.

    Raises:
        KeysNotDownloaded: there is no answer in time, or it is not a set of keys.
    """
    opener = urllib.request.build_opener(_NoRedirect)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            body = b""
            while chunk := response.read1(CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    raise KeysNotDownloaded("the answer is too long or too slow")
        return _keys_of(json.loads(body), algorithm)
    except HTTPError as error:
        error.close()
        raise KeysNotDownloaded(f"the answer is {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise KeysNotDownloaded(str(error) or type(error).__name__) from error


def _keys_of(document: object, algorithm: str) -> Keys:
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise KeysNotDownloaded("the answer is not a set of keys")
    found: Keys = {}
    for jwk in published:
        kid = jwk.get("kid") if isinstance(jwk, dict) else 0
        if not isinstance(kid, str | None) or jwk.get("use") == "enc":
            continue
        try:
            found[kid] = PyJWK(jwk, algorithm).key
        except (PyJWTError, UnsupportedAlgorithm, LookupError, TypeError, ValueError):
            continue  # RFC 7517, section 5: keys that cannot be used are ignored.
    return found
