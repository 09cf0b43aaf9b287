"""Real servers as fixtures. Each one starts when it is first used, once per pytest process."""

import functools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from broker.config import Settings
from broker.storage import bucket_setup
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage
from tests.servers import S3Server, installed_or_skip
from tests.servers.bucket_state import BucketState
from tests.servers.ceph import ceph
from tests.servers.counters import Counters, counters
from tests.servers.minio import minio
from tests.servers.postgres import Postgres, postgres
from tests.servers.reused import Lent, admin_of, emptied_bucket
from tests.servers.seaweedfs import seaweedfs
from tests.servers.versitygw import versitygw

ORIGIN = "https://shop.example"
TWO = "-two"
SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


@dataclass(frozen=True)
class Bucket:
    """A bucket for one test, configured by `broker bucket apply`; maybe with a second one."""

    server: S3Server
    name: str
    settings: Settings
    storage: S3Storage

    def holding(self, key: str) -> str:
        """Return the name of the bucket that holds this object key."""
        return self.storage.buckets.of(key)

    def all_keys(self) -> list[str]:
        """Return all objects as BUCKET/KEY."""
        return sorted(
            f"{name}/{item['Key']}"
            for name in self.storage.buckets.each()
            for item in self.storage.client.list_objects_v2(Bucket=name).get("Contents", [])
        )


@pytest.fixture(scope="session")
def seaweedfs_server() -> Iterator[S3Server]:
    with installed_or_skip(), seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def minio_server() -> Iterator[S3Server]:
    with installed_or_skip(), minio() as server:
        yield server


@pytest.fixture(scope="session")
def versitygw_server() -> Iterator[S3Server]:
    with installed_or_skip(), versitygw() as server:
        yield server


@pytest.fixture(scope="session")
def ceph_server() -> Iterator[S3Server]:
    with installed_or_skip(), ceph() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with installed_or_skip(), postgres() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """Yield a server of its own, which a test may kill and start again."""
    with installed_or_skip(), postgres(durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def counters_server() -> Iterator[Counters]:
    with installed_or_skip(), counters() as server:
        yield server


def sign_as_admin(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, region: str = "us-east-1"
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)


def make_bucket(
    server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    cors_origins: str = ORIGIN,
    region: str = "us-east-1",
    *,
    with_second: bool = False,
) -> Bucket:
    sign_as_admin(server, monkeypatch, region)
    name = f"media-{uuid.uuid4().hex[:12]}"
    settings = Settings(
        database_url="sqlite://",
        s3_bucket=name,
        s3_incoming_bucket=f"{name}-in" if with_second else None,
        s3_endpoint_url=server.endpoint_url,
        s3_server=server.row,
        jwt_secret=SECRET,
        cors_origins=cors_origins,
        profiles_file=None,  # whatever the environment of a test names
    )
    list(bucket_setup.apply(settings))
    return Bucket(server, name, settings, s3_storage(settings))


Buckets = Callable[..., Lent[Bucket]]


@pytest.fixture(scope="session")
def buckets() -> Buckets:
    """Return a function that returns a server's reusable buckets for some CORS origins."""

    @functools.cache
    def of(
        server: S3Server, cors_origins: str = ORIGIN, *, with_second: bool = False
    ) -> Lent[Bucket]:
        client = admin_of(server.endpoint_url, server.access_key, server.secret_key)
        pool = urllib3.PoolManager()
        states: dict[str, tuple[BucketState, list[bytes]]] = {}

        def make() -> Bucket:
            with pytest.MonkeyPatch.context() as patch:
                bucket = make_bucket(server, patch, cors_origins, with_second=with_second)
            for name in bucket.storage.buckets.each():
                state = BucketState(client, pool, name)
                states[name] = state, state.configuration()
            return bucket

        def emptied(one: Bucket) -> bool:
            names = one.storage.buckets.each()
            return all(emptied_bucket(client, name, *states[name]) for name in names)

        return Lent(make, emptied)

    return of


def lent_bucket(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, buckets: Buckets
) -> Iterator[Bucket]:
    """Yield a bucket on the requested server, SeaweedFS by default, with admin credentials.

    With TWO after the server's name, it has a second bucket for `incoming/` and `private/`.
    """
    asked: str = getattr(request, "param", "seaweedfs")
    server = request.getfixturevalue(f"{asked.removesuffix(TWO)}_server")
    sign_as_admin(server, monkeypatch)
    with buckets(server, with_second=asked.endswith(TWO)).one() as bucket:
        yield bucket


@pytest.fixture
def s3_bucket(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Bucket]:
    """Yield a bucket for tests of the API, on SeaweedFS unless a test requests another server."""
    yield from lent_bucket(request, monkeypatch, buckets)


@pytest.fixture(params=["seaweedfs", "minio"])
def any_bucket(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Bucket]:
    """Yield a bucket on each server that enforces policies, for contract tests."""
    yield from lent_bucket(request, monkeypatch, buckets)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
