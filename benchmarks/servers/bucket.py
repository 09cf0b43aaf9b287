"""The S3 servers: SeaweedFS, and a stub that answers HEAD with little CPU."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.servers import Server, serve
from broker.local.process import PortTaken, ServerDied, free_ports
from broker.local.seaweedfs import EmbeddedS3

BUCKET = "media-bucket"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The access key of one run."""

    access_key: str
    secret_key: str

    @classmethod
    def new(cls) -> "Credentials":
        """Generate new credentials."""
        return cls(access_key=secrets.token_hex(10), secret_key=secrets.token_urlsafe(30))

    def environment(self) -> dict[str, str]:
        """Return the environment variables that boto3 reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, endpoint_url: str) -> Any:
        """Create a client with all permissions."""
        return boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
        )


@contextlib.contextmanager
def seaweedfs(directory: Path, credentials: Credentials) -> Iterator[EmbeddedS3]:
    """Run SeaweedFS with an empty bucket."""
    for attempt in range(3):
        server = EmbeddedS3(
            directory / f"seaweedfs{attempt}",
            free_ports(1)[0],
            credentials.access_key,
            credentials.secret_key,
        )
        try:
            server.start()
            break
        except (PortTaken, ServerDied):
            if attempt == 2:
                raise
    try:
        credentials.client(server.endpoint_url).create_bucket(Bucket=BUCKET)
        yield server
    finally:
        server.stop(grace=0)


@contextlib.contextmanager
def stub(directory: Path) -> Iterator[Server]:
    """Run `apps/stub_s3.py`."""
    with serve(
        "stub-s3",
        lambda port: [sys.executable, "-m", "benchmarks.apps.stub_s3", str(port)],
        lambda _port: {"LC_ALL": os.environ.get("LC_ALL", "C")},
        directory,
    ) as server:
        yield server
