"""Uploads that the client encrypts with a key of its own (SSE-C), which no policy signs.

Afterwards only a client with the key can read the object, and its HEAD is 400.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.config import Settings
from broker.storage import bucket_setup
from broker.storage.factory import s3_storage
from tests.http.client import JPEG
from tests.servers.fixtures import Bucket
from tests.servers.minio import minio
from tests.servers.tls_proxy import self_signed

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


def put_encrypted(ticket: dict[str, Any], data: bytes = JPEG) -> None:
    """Send the PUT of a ticket with SSE-C, which MinIO accepts over TLS only."""
    upload = ticket["upload"]
    headers = {**upload["headers"], **SSE_C}
    answer = httpx.put(upload["url"], content=data, headers=headers, timeout=20, verify=False)
    assert answer.status_code == 200, answer.text


@contextmanager
def bucket_with_tls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Yield a bucket on a separate MinIO with TLS. Its certificate is below `folder`."""
    certs = folder / "certs"
    certs.mkdir()
    certificate, key = self_signed(certs)
    certificate.rename(certs / "public.crt")
    key.rename(certs / "private.key")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certs / "public.crt"))
    with minio(certs=certs) as server:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        settings = Settings(
            database_url="sqlite://",
            s3_bucket="media-bucket",
            s3_endpoint_url=server.endpoint_url,
            jwt_secret="x" * 40,
        )
        list(bucket_setup.apply(settings))
        yield Bucket(server, settings.s3_bucket, settings, s3_storage(settings))
