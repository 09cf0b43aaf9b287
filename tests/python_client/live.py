"""A broker served over HTTP, with a real S3 server."""

import atexit
import contextlib
import functools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from broker.app import create_app
from broker.config import Settings
from broker.db import migrate
from tests.e2e.live import served
from tests.http.client import Client, token
from tests.servers.fixtures import Bucket


@functools.cache
def _migrated() -> Path:
    """Return a migrated database. It is created once per process."""
    path = Path(tempfile.mkdtemp(prefix="broker-")) / "template.db"
    atexit.register(shutil.rmtree, path.parent)
    migrate.upgrade(f"sqlite:///{path}")
    return path


@dataclass(frozen=True)
class Live:
    """The broker's address, and the user of the tests, with id 1."""

    url: str
    app: Flask
    user: Client

    @property
    def token(self) -> str:
        return self.user.token or ""

    def ad(self) -> int:
        return self.user.ad()

    def images(self, ad: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.user.get(f"/api/ads/{ad}/").get_json()["images"]
        return found


@contextlib.contextmanager
def live_broker(bucket: Bucket, folder: Path, **changes: Any) -> Iterator[Live]:
    """Serve the broker with SQLite in the folder. Keyword arguments change settings."""
    shutil.copy(_migrated(), folder / "broker.db")
    changes["database_url"] = f"sqlite:///{folder / 'broker.db'}"
    settings = Settings(**{**bucket.settings.model_dump(), **changes})
    app = create_app(settings)
    with served(app) as port:
        yield Live(f"http://127.0.0.1:{port}", app, Client(app, token(1)))
    app.extensions["broker"].database.dispose()
