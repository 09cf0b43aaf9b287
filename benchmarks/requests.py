"""Build the raw HTTP requests before anything is measured."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt

from benchmarks.plan import ADS, BATCH, USERS

DIGEST = base64.b64encode(hashlib.sha256(b"photo").digest()).decode()
SIZE = len(b"photo")


def raw(
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: object | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return one HTTP/1.1 request for a persistent connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        lines += ["Content-Type: application/json"]
    if method != "GET":
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Tokens:
    """One token per user, signed once, because real clients use a token for about an hour."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        expires = int(time.time()) + 3 * 3600
        self._claims = [
            {
                "sub": str(user),
                "exp": expires,
                "email": f"user{user}@example.com",
                "first_name": "John",
                "last_name": "Seller",
            }
            for user in range(1, USERS + 1)
        ]
        self._tokens = [jwt.encode(claims, secret, "HS256") for claims in self._claims]

    @property
    def service(self) -> str:
        """The token of a backend, which acts for all users."""
        claims = {"sub": str(USERS + 1), "role": "service", "exp": int(time.time()) + 3600}
        return jwt.encode(claims, self._secret, "HS256")

    def granted(self, profile: str, owner: str) -> str:
        """Return a token of user 1 with a grant to upload for an owner."""
        entry = {"type": "upload", "profile": profile, "owner": owner, "actions": ["create"]}
        claims = {**self._claims[0], "authorization_details": [entry]}
        return jwt.encode(claims, self._secret, "HS256")

    def of_user(self, user: int) -> str:
        """Return a user's token."""
        return self._tokens[user - 1]

    def of_ad(self, ad: int) -> str:
        """Return the token of the user who owns the ad."""
        return self.of_user(owner_of(ad))


def owner_of(ad: int) -> int:
    """Return the user who owns one of the ads that tickets are for."""
    return (ad - 1) % USERS + 1


def declared(size: int = SIZE, digest: str = DIGEST, **more: Any) -> dict[str, Any]:
    """Return the declaration of one file, as a client sends it."""
    return {
        "file_name": "IMG_2041.jpg",
        "content_type": "image/jpeg",
        "size": size,
        "alt_text": "front view",
        "order": 1,
        "checksum_sha256": digest,
        **more,
    }


def tickets(tokens: Tokens) -> list[bytes]:
    """Return requests for one ticket, one request for each ad."""
    return [
        raw("POST", f"/api/ads/{ad}/upload_image/", token=tokens.of_ad(ad), body=declared())
        for ad in range(1, ADS + 1)
    ]


def batches(tokens: Tokens) -> list[bytes]:
    """Return requests for a batch of twenty tickets, one request for each ad."""
    body = {"files": [declared(order=order) for order in range(1, BATCH + 1)]}
    return [
        raw("POST", f"/api/ads/{ad}/upload_images/", token=tokens.of_ad(ad), body=body)
        for ad in range(1, ADS + 1)
    ]
