"""A database that is restored from a dump of another, and the commands that follow."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from broker.cli import broker
from broker.services.background.reap import Reaped, reap_once
from tests.http.client import SECRET
from tests.servers.fixtures import Bucket
from tests.servers.postgres import postgres_binaries


@dataclass
class Restored:
    """A restored database and an app that uses it."""

    url: str
    make_app: Callable[..., Flask]

    def app(self) -> Flask:
        return self.make_app(database_url=self.url)


def set_environment(bucket: Bucket, empty: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of commands that use the restored database."""
    monkeypatch.setenv("BROKER_DATABASE_URL", empty.url)
    monkeypatch.setenv("BROKER_S3_BUCKET", bucket.name)
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", bucket.server.endpoint_url)
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)
    programs = [str(Path(sys.executable).parent), str(postgres_binaries())]
    monkeypatch.setenv("PATH", os.pathsep.join([*programs, os.environ["PATH"]]))


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(broker, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def reaped(app: Flask, **limits: Any) -> Reaped:
    """Run the reaper. Run it a day later if it should handle pending uploads."""
    parts = app.extensions["broker"]
    now = datetime.now(UTC) + timedelta(days=1 if limits else 0)
    parts = replace(parts, limits=replace(parts.limits, **limits))
    with parts.system_work(now=now) as work:
        return reap_once(work)


def dumped(database_url: str, to: str) -> None:
    """Dump a database and restore it into another, as in the runbook."""
    source, target = (url.replace("+psycopg", "") for url in (database_url, to))
    dump = subprocess.run(["pg_dump", "-Fc", "-O", source], check=True, capture_output=True)
    restore = ["pg_restore", "--exit-on-error", "--single-transaction", "-O", "-d", target]
    subprocess.run(restore, input=dump.stdout, check=True)
