"""The whole API on real parts: both databases, a real S3 server that enforces policies."""

import base64
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from broker.api import idempotency
from broker.app import create_app
from broker.config import Settings
from broker.db import migrate
from tests.servers import S3Server
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"photo" * 300 + b"\xff\xd9"
# For suites that must hold on each S3 server: each of them beside one of the databases.
EACH_SERVER = pytest.mark.parametrize(
    ("database_url", "s3_bucket"),
    [("sqlite", "seaweedfs"), ("postgresql", "minio")],
    indirect=True,
)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Postgres) -> str:
    postgres_server.create_database(name="broker_template")
    migrate.upgrade(postgres_server.url("broker_template"))
    return "broker_template"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of its own for each test, on each dialect."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        shutil.copy(template, tmp_path / "broker.db")
        return f"sqlite:///{tmp_path / 'broker.db'}"
    name: str = request.getfixturevalue("migrated_postgres")
    server: Postgres = request.getfixturevalue("postgres_server")
    database = f"t{time.time_ns()}"
    server.create_database(template=name, name=database)
    return server.url(database)


@dataclass
class Client:
    """A caller with one token; answers are checked to be problem+json where they are errors."""

    app: Flask
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

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
    """Run `act` in `count` threads that start together."""
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
    """What a client declares about its file; a change to None leaves the field out."""
    body = {
        "file_name": "main.jpg",
        "content_type": "image/jpeg",
        "size": len(data),
        "checksum_sha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def send(ticket: dict[str, Any], data: bytes = JPEG, **changes: str) -> httpx.Response:
    """Send a ticket's form as a browser does: its fields first, the file last."""
    upload = ticket["upload"]
    fields = {**upload["fields"], **changes}
    return httpx.post(upload["url"], data=fields, files={"file": ("x", data)}, timeout=20)


def token(sub: str | int = 1, *, secret: str = SECRET, **claims: Any) -> str:
    """Make a token as the marketplace does; a claim set to None is left out."""
    body = {"sub": str(sub), "exp": int(time.time()) + 600, "email": f"user{sub}@example.com"}
    body.update(claims)
    return jwt.encode({k: v for k, v in body.items() if v is not None}, secret, "HS256")


@pytest.fixture
def make_app(
    database_url: str,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Flask]]:
    """Make the app as production does, with settings to taste."""
    server: S3Server = s3_bucket.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        values: dict[str, Any] = {
            "database_url": database_url,
            "s3_bucket": s3_bucket.name,
            "s3_endpoint_url": server.endpoint_url,
            "jwt_algorithm": "HS256",
            "jwt_secret": SECRET,
            **changes,
        }
        app = create_app(Settings(**values))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["broker"].database.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def alice(app: Flask) -> Client:
    return Client(app, token(1, first_name="John", last_name="Doe", email="user@example.com"))


@pytest.fixture
def bob(app: Flask) -> Client:
    return Client(app, token(2))


@pytest.fixture
def service(app: Flask) -> Client:
    return Client(app, token(900, role="service"))


@pytest.fixture
def anyone(app: Flask) -> Client:
    return Client(app, None)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let Idempotency-Keys be judged as of a later time."""

    def to(later: timedelta) -> None:
        monkeypatch.setattr(idempotency, "utc_now", lambda: datetime.now(UTC) + later)

    return to
