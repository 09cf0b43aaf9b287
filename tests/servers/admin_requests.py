"""Requests to the admin APIs of S3 servers, signed as S3 requests."""

import hashlib
from urllib.parse import urlencode

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers import S3Server

TIMEOUT = 20.0


def request_as_admin(
    server: S3Server, method: str, path: str, body: bytes = b"", **query: str
) -> None:
    """Send a request with the server's admin key; it must succeed."""
    url = f"{server.endpoint_url}{path}?{urlencode(query)}"
    digest = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest(method=method, url=url, data=body, headers=digest)
    SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", "us-east-1").add_auth(
        request
    )
    headers = dict(request.headers.items())
    answer = httpx.request(method, url, content=body, headers=headers, timeout=TIMEOUT)
    assert answer.is_success, answer.text
