"""Users of MinIO with long-lived keys and policies, as `mc admin` creates them."""

import hashlib
import json
import os
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.servers import S3Server

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
    url = f"{server.endpoint_url}/minio/admin/v3/{action}?{urlencode(query)}"
    digest = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest(method="PUT", url=url, data=body, headers=digest)
    SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", "us-east-1").add_auth(
        request
    )
    answer = httpx.put(url, content=body, headers=dict(request.headers.items()), timeout=20)
    assert answer.status_code == 200, answer.text


def _encrypted(password: str, data: bytes) -> bytes:
    """Encrypt a short body as MinIO's admin API requires it: one fragment of a DARE stream."""
    salt, nonce = os.urandom(32), os.urandom(8)
    cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PBKDF2_ROUNDS, 32))
    header = cipher.encrypt(nonce + bytes(4), b"", None)
    fragment = cipher.encrypt(nonce + (1).to_bytes(4, "little"), data, LAST_FRAGMENT + header)
    return salt + PBKDF2_AES_GCM + nonce + fragment
