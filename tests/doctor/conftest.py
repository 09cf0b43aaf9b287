"""Deployments for the doctor: a bucket on a real server, a migrated database, an environment.

After each test, the fixtures check that the doctor left nothing in the bucket.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from broker.cli import broker
from broker.config import PREFIX
from broker.local.process import free_ports
from broker.local.seaweedfs import IDENTITIES, EmbeddedS3
from tests.secret_values import READER_SECRET
from tests.servers import S3Server, installed_or_skip, start_on_free_port
from tests.servers.fixtures import SECRET, Bucket, Buckets, make_bucket, sign_as_admin
from tests.servers.minio import minio
from tests.servers.parts import EVERY_SERVER
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY

READER = "reader"
OTHER_ORIGIN = "https://other.example"
FAR_REGION = "eu-central-1"
NO_BUCKET = {"internal-url", "public-url"}  # these checks fail without an S3 server
ORIGINS = "https://shop.example,http://localhost:8000"


@dataclass
class Report:
    """The report of one run: its findings by outcome and check."""

    exit_code: int
    text: str
    findings: list[dict[str, Any]] = field(default_factory=list)

    def of(self, check: str, outcome: str) -> dict[str, Any]:
        """Return the only finding with this check and outcome."""
        found = [f for f in self.findings if (f["check"], f["outcome"]) == (check, outcome)]
        assert len(found) == 1, f"{check} {outcome}: {self.faults}"
        return found[0]

    @property
    def faults(self) -> list[str]:
        bad = [f for f in self.findings if f["outcome"] in ("warn", "fail")]
        return [f"{f['check']}: {f['detail']}" for f in bad]

    @property
    def failed(self) -> set[str]:
        return {f["check"] for f in self.findings if f["outcome"] == "fail"}

    @property
    def passed(self) -> set[str]:
        return {f["check"] for f in self.findings if f["outcome"] == "ok"}


@dataclass
class Environment:
    """Runs the doctor in an environment. At the start the environment is healthy."""

    monkeypatch: pytest.MonkeyPatch

    def set(self, **values: str) -> None:
        for name, value in values.items():
            prefix = "" if name.startswith(("AWS_", "GRANIAN_")) else PREFIX
            self.monkeypatch.setenv(prefix + name, value)

    def doctor(self, *arguments: str, **values: str) -> Report:
        self.set(**values)
        done = run("--json", *arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return Report(done.exit_code, done.stdout, json.loads(done.stdout))


@dataclass
class Deployment(Environment):
    """An environment with its own bucket."""

    bucket: Bucket

    def client(self) -> Any:
        """Return an S3 client with the server's root credentials."""
        server = self.bucket.server
        return boto3.client(
            "s3",
            endpoint_url=server.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
        )

    def keys(self) -> list[str]:
        listed = self.client().list_objects_v2(Bucket=self.bucket.name)
        return [item["Key"] for item in listed.get("Contents", [])]

    def parts(self) -> list[Any]:
        listed = self.client().list_multipart_uploads(Bucket=self.bucket.name)
        return list(listed.get("Uploads", []))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(broker, ["doctor", *arguments])


@pytest.fixture(scope="session")
def template(migrated_sqlite: Path) -> Path:
    return migrated_sqlite


def healthy(tmp_path: Path) -> dict[str, str]:
    """Return the settings that do not depend on the S3 server."""
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'broker.db'}",
        "CORS_ORIGINS": ORIGINS,
        "JWT_SECRET": SECRET,
        "JWT_ISSUER": "https://shop.example",
        "JWT_AUDIENCE": "uploads",
    }


def deploy(
    server: S3Server,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    region: str = "us-east-1",
    bucket: Bucket | None = None,
) -> Deployment:
    bucket = bucket or make_bucket(server, monkeypatch, ORIGINS, region)
    sign_as_admin(server, monkeypatch, region)
    deployment = Deployment(monkeypatch, bucket)
    shutil.copy(template, tmp_path / "broker.db")
    deployment.set(
        **healthy(tmp_path),
        S3_BUCKET=deployment.bucket.name,
        S3_ENDPOINT_URL=server.endpoint_url,
        S3_SERVER=server.row,
    )
    return deployment


def deployed(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, buckets: Buckets
) -> Iterator[Deployment]:
    """Yield a healthy deployment on the requested server; check that nothing was left there."""
    server = request.getfixturevalue(f"{request.param}_server")
    monkeypatch = request.getfixturevalue("monkeypatch")
    with buckets(server, ORIGINS).one() as bucket:
        deployment = deploy(server, template, tmp_path, monkeypatch, bucket=bucket)
        yield deployment
        assert deployment.keys() == []
        assert deployment.parts() == []


@pytest.fixture(params=["seaweedfs", "minio"])
def anywhere(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, buckets: Buckets
) -> Iterator[Deployment]:
    """Return a healthy deployment on each server of `make test`."""
    yield from deployed(request, template, tmp_path, buckets)


@pytest.fixture(params=EVERY_SERVER)
def everywhere(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, buckets: Buckets
) -> Iterator[Deployment]:
    """Return a healthy deployment on each server that enforces policies."""
    yield from deployed(request, template, tmp_path, buckets)


@pytest.fixture
def deployment(
    seaweedfs_server: S3Server,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Deployment]:
    """Return a healthy deployment on the embedded server."""
    with buckets(seaweedfs_server, ORIGINS).one() as bucket:
        deployment = deploy(seaweedfs_server, template, tmp_path, monkeypatch, bucket=bucket)
        yield deployment
        assert deployment.keys() == []
        assert deployment.parts() == []


@pytest.fixture
def on_minio(
    minio_server: S3Server,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Deployment]:
    """Return a healthy deployment on MinIO."""
    with buckets(minio_server, ORIGINS).one() as bucket:
        deployment = deploy(minio_server, template, tmp_path, monkeypatch, bucket=bucket)
        yield deployment
        assert deployment.keys() == []


@pytest.fixture
def no_bucket(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Return an environment without a running S3 server, for checks that do not need one."""
    environment = Environment(monkeypatch)
    shutil.copy(template, tmp_path / "broker.db")
    environment.set(
        **healthy(tmp_path),
        S3_BUCKET="media-bucket",
        S3_ENDPOINT_URL=f"http://127.0.0.1:{free_ports(1)[0]}",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
    )
    return environment


@pytest.fixture(scope="session")
def strict_minio() -> Iterator[S3Server]:
    """Run MinIO in another region, with a CORS setting that allows only another origin."""
    environment = {"MINIO_REGION": FAR_REGION, "MINIO_API_CORS_ALLOW_ORIGIN": OTHER_ORIGIN}
    with installed_or_skip(), minio(**environment) as server:
        yield server


@pytest.fixture(scope="session")
def strict_seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run SeaweedFS with an identity that may only read, and with one allowed origin."""

    class Strict(EmbeddedS3):
        def _prepare_data_dir(self) -> None:
            super()._prepare_data_dir()
            file = self.data_dir / IDENTITIES
            config = json.loads(file.read_text())
            credentials = [{"accessKey": READER, "secretKey": READER_SECRET}]
            reader = {"name": READER, "credentials": credentials, "actions": ["Read", "List"]}
            config["identities"].append(reader)
            file.write_text(json.dumps(config))

        def _options(self, ports: dict[str, int]) -> list[str]:
            return [*super()._options(ports), f"-s3.allowedOrigins={OTHER_ORIGIN}"]

    def start(port: int) -> EmbeddedS3:
        server = Strict(tmp_path_factory.mktemp("s3"), port, ACCESS_KEY, SECRET_KEY)
        server.start()
        return server

    with installed_or_skip():
        server = start_on_free_port(start)
    try:
        yield S3Server(server.endpoint_url, ACCESS_KEY, SECRET_KEY, server.pid)
    finally:
        server.stop(grace=0)
