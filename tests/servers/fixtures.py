"""Real servers as fixtures: each starts once a pytest process, at its first use."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.config import Settings
from broker.storage import bucket_setup
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage
from tests.servers import S3Server, installed_or_skip
from tests.servers.counters import Counters, counters
from tests.servers.minio import minio
from tests.servers.postgres import Postgres, postgres
from tests.servers.seaweedfs import seaweedfs

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test's own, set up as `broker bucket apply` does."""

    server: S3Server
    name: str
    settings: Settings
    storage: S3Storage


@pytest.fixture(scope="session")
def seaweedfs_server() -> Iterator[S3Server]:
    with installed_or_skip(), seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def minio_server() -> Iterator[S3Server]:
    with installed_or_skip(), minio() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with installed_or_skip(), postgres() as server:
        yield server


@pytest.fixture(scope="session")
def counters_server() -> Iterator[Counters]:
    with installed_or_skip(), counters() as server:
        yield server


def make_bucket(
    server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    cors_origins: str = "https://shop.example",
    region: str = "us-east-1",
) -> Bucket:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    name = f"media-{uuid.uuid4().hex[:12]}"
    settings = Settings(
        database_url="sqlite://",
        s3_bucket=name,
        s3_endpoint_url=server.endpoint_url,
        jwt_secret=SECRET,
        cors_origins=cors_origins,
    )
    list(bucket_setup.apply(settings))
    return Bucket(server, name, settings, s3_storage(settings))


@pytest.fixture
def s3_bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket for tests of the API: on the embedded server, or on the one that is asked for."""
    name = getattr(request, "param", "seaweedfs")
    return make_bucket(request.getfixturevalue(f"{name}_server"), monkeypatch)


@pytest.fixture(params=["seaweedfs", "minio"])
def any_bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket on each server that enforces policies, for the contract suites."""
    return make_bucket(request.getfixturevalue(f"{request.param}_server"), monkeypatch)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
