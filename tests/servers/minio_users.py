"""Users of MinIO with long-lived keys and policies, as `mc admin` creates them."""

import hashlib
import json
import os
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.servers import S3Server
from tests.servers.admin_requests import request_as_admin

PBKDF2_AES_GCM = b"\x02"
PBKDF2_ROUNDS = 8192
LAST_FRAGMENT = b"\x80"


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy; return its access key and secret key."""
    name, secret = f"user-{secrets.token_hex(6)}", secrets.token_urlsafe(30)
    body = json.dumps({"secretKey": secret, "status": "enabled"}).encode()
    _put(server, "add-canned-policy", json.dumps(policy).encode(), name=name)
    _put(server, "add-user", _encrypted(server.secret_key, body), accessKey=name)
    who = {"userOrGroup": name, "isGroup": "false"}
    _put(server, "set-user-or-group-policy", b"", policyName=name, **who)
    return name, secret


def _put(server: S3Server, action: str, body: bytes, **query: str) -> None:
    request_as_admin(server, "PUT", f"/minio/admin/v3/{action}", body, **query)


def _encrypted(password: str, data: bytes) -> bytes:
    """Encrypt a short body as MinIO's admin API requires it: one fragment of a DARE stream."""
    salt, nonce = os.urandom(32), os.urandom(8)
    cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PBKDF2_ROUNDS, 32))
    header = cipher.encrypt(nonce + bytes(4), b"", None)
    fragment = cipher.encrypt(nonce + (1).to_bytes(4, "little"), data, LAST_FRAGMENT + header)
    return salt + PBKDF2_AES_GCM + nonce + fragment
