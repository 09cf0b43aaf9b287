"""The marketplace of `examples/django` as processes beside a broker, with a database of its own."""

import contextlib
import os
import secrets
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from broker.local.process import ChildProcess, answers

FOLDER = Path(__file__).parent.parent.parent / "examples/django"
MANAGE = [sys.executable, "-W", "error", str(FOLDER / "manage.py")]
TIMEOUT = 40.0
WEBHOOK = "/webhooks/broker/"


def new_webhook_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


class Shop:
    """Django with one user, `ann`. Its commands and its server may run at different times.

    Args:
        directory: where its database is.
        port: the port of its server.
        broker: the URL of the broker.
        jwt_secret: signs the tokens of both.
        webhook_secret: verifies the events.
    """

    def __init__(
        self, directory: Path, port: int, broker: str, jwt_secret: str, webhook_secret: str
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._directory = directory
        self._environment = {
            "PATH": os.defpath,
            "DJANGO_SECRET_KEY": "a secret of the tests",
            "DJANGO_SUPERUSER_PASSWORD": "secret",
            "BROKER_URL": broker,
            "BROKER_JWT_SECRET": jwt_secret,
            "BROKER_WEBHOOK_SECRET": webhook_secret,
        }
        self.manage("migrate", "--verbosity=0")
        self.manage("createsuperuser", "--noinput", "--username=ann", "--email=ann@example.com")

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py, and return what it prints."""
        done = subprocess.run(
            [*MANAGE, *arguments],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    @contextlib.contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        """Run the server; yield a client that is signed in as ann."""
        with self.running(), self.signed_in() as client:
            yield client

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the server."""
        server = ChildProcess(
            [*MANAGE, "runserver", "--noreload", self.url.removeprefix("http://")],
            log_file=self._directory / "django.log",
            cwd=self._directory,
            env=self._environment,
            name="Django",
        )
        server.start(lambda: answers(f"{self.url}/api/ads/"), TIMEOUT)
        try:
            yield
        finally:
            server.stop(grace=0)

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """Yield a client of the running server that is signed in as ann, for five minutes."""
        with httpx.Client(base_url=self.url) as client:
            names = {"username": "ann", "password": "secret"}
            access = client.post("/api/token/", json=names).json()["access"]
            client.headers["Authorization"] = f"Bearer {access}"
            yield client

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement in its database."""
        with contextlib.closing(sqlite3.connect(self._directory / "shop.db", TIMEOUT)) as database:
            found = database.execute(statement).fetchall()
            database.commit()
            return found
