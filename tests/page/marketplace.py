"""A marketplace without a browser: a real broker with its page, a real S3 server, and a seller."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import select

from broker.app import create_app
from broker.config import Settings
from broker.db.models import Upload
from broker.local.process import ServerNotInstalled, free_ports
from broker.storage import bucket_setup
from tests.e2e.live import Wsgi, served
from tests.http.client import Client, token
from tests.servers.fixtures import Bucket

MIB = 1024**2
# Debian's packages of real photos, 0.1 to 1.8 MB each.
ALBUMS = [
    ("mate-backgrounds", "/usr/share/backgrounds/mate/nature", "*.jpg"),
    ("lomiri-wallpapers-16.04", "/usr/share/backgrounds", "*_by_*.jpg"),
]


@dataclass
class Marketplace:
    """The address of the page, and what the broker has recorded."""

    app: Flask
    bucket: Bucket
    url: str
    alice: Client

    def listings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.alice.get("/api/ads/?owner=1").get_json()["results"]
        return found

    def images(self) -> list[dict[str, Any]]:
        """Return the images of the newest listing, the main image first."""
        found: list[dict[str, Any]] = self.listings()[0]["images"]
        return found

    def uploads(self) -> list[Upload]:
        with self.app.extensions["broker"].database.session() as session:
            return list(session.scalars(select(Upload).order_by(Upload.id)))


Kind = TypeVar("Kind", bound=Marketplace)


def open_marketplace(
    kind: Callable[..., Kind],
    stack: ExitStack,
    bucket: Bucket,
    directory: Path,
    changes: dict[str, Any],
    around: Callable[[Flask], Wsgi] = lambda app: app,
) -> Kind:
    """Serve a broker on a free port until the stack ends.

    Args:
        kind: Called with the fields of Marketplace.
        stack: Ends with the test.
        bucket: Where the photos are sent.
        directory: Has the database, which is migrated.
        changes: Settings that differ from the usual ones.
        around: What is served instead of the app itself.
    """
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings = Settings(
        **{
            **bucket.settings.model_dump(),
            "database_url": f"sqlite:///{directory / 'broker.db'}",
            "cors_origins": (url,),
            "part_size": 5 * MIB,
            "multipart_threshold": 8 * MIB,
            "dev": True,
            **changes,
        }
    )
    list(bucket_setup.apply(settings))
    app = create_app(settings)
    stack.callback(app.extensions["broker"].database.dispose)
    stack.enter_context(served(around(app), port))
    return kind(app, bucket, url, Client(app, token(1)))


def real_photos() -> list[Path]:
    """Return twenty photos, smallest first; raise ServerNotInstalled."""
    found = []
    for package, directory, names in ALBUMS:
        files = list(Path(directory).glob(names))
        if not files:
            raise ServerNotInstalled(f"photos are missing: apt-get install {package}")
        found += files
    return sorted(found, key=lambda path: path.stat().st_size)[:20]
