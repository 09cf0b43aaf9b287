"""Run a command of the broker in this process, with its own handling of errors."""

import sys
from dataclasses import dataclass

import pytest

from broker.cli import main
from broker.telemetry.context import context
from tests.http.client import SECRET
from tests.servers.fixtures import Bucket


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Commands:
    """Commands with a database and a bucket in their environment."""

    bucket: Bucket
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def run(self, arguments: str, database_url: str) -> Ended:
        """Run a command to its end. An error that it does not expect is raised here."""
        for name, value in {
            "BROKER_DATABASE_URL": database_url,
            "BROKER_S3_BUCKET": self.bucket.name,
            "BROKER_S3_INCOMING_BUCKET": self.bucket.settings.s3_incoming_bucket or "",
            "BROKER_S3_ENDPOINT_URL": self.bucket.server.endpoint_url,
            "BROKER_JWT_SECRET": SECRET,
            "AWS_ACCESS_KEY_ID": self.bucket.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.bucket.server.secret_key,
        }.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(context, "via", context.via)
        self.monkeypatch.setattr(sys, "argv", ["broker", *arguments.split()])
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        found = self.capture.readouterr()
        return Ended(status=int(ended.value.code or 0), out=found.out, err=found.err)
