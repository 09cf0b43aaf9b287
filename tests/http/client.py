"""A client of the API: sends requests with a token, declares files, sends them to the bucket."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from broker.domain.s3_servers import S3Server
from tests.http.documented import assert_documented
from tests.secret_values import SECRET
from tests.servers.fixtures import TWO
from tests.servers.parts import ON_CEPH, ON_VERSITYGW

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"photo" * 300 + b"\xff\xd9"
# Each server runs with one of the databases.
_BOTH = [("sqlite", "seaweedfs"), ("postgresql", "minio")]
_OTHERS = [
    pytest.param("sqlite", "versitygw", marks=ON_VERSITYGW),
    pytest.param("sqlite", "ceph", marks=ON_CEPH),
]
# For tests of what clients send, and of what becomes of it, on each S3 server. The others are parts
# of `make matrix`.
EACH_SERVER = pytest.mark.parametrize(
    ("database_url", "s3_bucket"), [*_BOTH, *_OTHERS], indirect=True
)
# For tests that ask a server for little, or that take long.
BOTH_SERVERS = pytest.mark.parametrize(("database_url", "s3_bucket"), _BOTH, indirect=True)
_TWO_BUCKETS = pytest.param("sqlite", f"minio{TWO}", marks=pytest.mark.matrix(part="buckets"))
# For those that must also pass with `incoming/` in a bucket of its own.
EACH_DEPLOYMENT = pytest.mark.parametrize(
    ("database_url", "s3_bucket"), [*_BOTH, _TWO_BUCKETS], indirect=True
)
# Both of these: for what depends on the server, and on the bucket that holds an object.
EVERYWHERE = pytest.mark.parametrize(
    ("database_url", "s3_bucket"), [*_BOTH, *_OTHERS, _TWO_BUCKETS], indirect=True
)


@dataclass
class Client:
    """A caller with one token. It checks that every answer is documented in OpenAPI."""

    app: Flask
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def server(self) -> S3Server:
        """The row of the app's S3 server: what differs between servers."""
        row: S3Server = self.app.extensions["broker"].settings.server
        return row

    def call(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        answer = self.app.test_client().open(path, method=method, headers=headers, **kwargs)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json", answer.text
            assert answer.get_json()["status"] == answer.status_code
            assert answer.get_json()["code"]
        assert_documented(self.app, method, path, answer)
        return answer

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        if json is not None:
            kwargs["json"] = json
        return self.call("POST", path, **kwargs)

    def patch(self, path: str, json: Any) -> TestResponse:
        return self.call("PATCH", path, json=json)

    def delete(self, path: str) -> TestResponse:
        return self.call("DELETE", path)

    def ad(self) -> int:
        answer = self.post(
            "/api/ads/", {"title": "A bicycle", "description": "Red.", "price": "850.00"}
        )
        assert answer.status_code == 201, answer.text
        return int(answer.get_json()["id"])

    def ticket(self, ad: int, data: bytes = JPEG, **changes: Any) -> TestResponse:
        return self.post(f"/api/ads/{ad}/upload_image/", declared(data, **changes))


def rows(app: Flask, model: type) -> int:
    """Count the rows of a table."""
    with app.extensions["broker"].database.session() as session:
        return int(session.query(model).count())


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """Run `act` in `count` threads that start at the same time."""
    barrier = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        barrier.wait(timeout=30)
        results.append(act())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)
    assert len(results) == count
    return results


def declared(data: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    """Return the body of a request for a ticket; a change to None removes a field."""
    body = {
        "file_name": "main.jpg",
        "content_type": "image/jpeg",
        "size": len(data),
        "checksum_sha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def send(ticket: dict[str, Any], data: bytes = JPEG, **changes: str) -> httpx.Response:
    """Send the form of a ticket as a browser does: the fields first, the file last."""
    upload = ticket["upload"]
    fields = {**upload["fields"], **changes}
    file = {"file": ("x", data)}
    # Do not load certificates, which takes time. The servers use plain HTTP.
    return httpx.post(upload["url"], data=fields, files=file, timeout=20, verify=False)


def token(sub: str | int = 1, *, secret: str = SECRET, **claims: Any) -> str:
    """Create a token as the marketplace does; a claim set to None is removed."""
    body = {"sub": str(sub), "exp": int(time.time()) + 3600, "email": f"user{sub}@example.com"}
    body.update(claims)
    return jwt.encode({k: v for k, v in body.items() if v is not None}, secret, "HS256")
