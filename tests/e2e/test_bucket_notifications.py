"""Real bucket notifications: if a client disappears after the upload, the bucket confirms it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from broker.app import create_app
from broker.db import migrate
from broker.db.models import Upload
from broker.storage import bucket_setup
from tests.e2e.live import Wsgi, served
from tests.http.client import Client, send, token
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.secret_values import BUCKET_SECRET
from tests.servers import Webhook, installed_or_skip
from tests.servers.fixtures import make_bucket
from tests.servers.minio import WEBHOOK_ARN, minio
from tests.servers.seaweedfs import seaweedfs

ARRIVES_WITHIN = 60  # seconds on a busy machine; usually one is enough


@dataclass
class Switchboard:
    """Serves a URL before the app exists, because the S3 server must know the URL first."""

    app: Wsgi | None = None
    answered: threading.Condition = field(default_factory=threading.Condition)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[Any]:
        if self.app is None:
            start_response("204 No Content", [])
            return []
        body = list(self.app(environ, start_response))
        with self.answered:
            self.answered.notify_all()
        return body

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition is true; check it after every notification."""
        with self.answered:
            assert self.answered.wait_for(condition, ARRIVES_WITHIN)


@dataclass
class Notifying:
    app: Flask
    switchboard: Switchboard


@pytest.fixture(params=["seaweedfs", "minio"])
def notifying(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notifying]:
    """Yield an app. Its bucket notifies it of every object over HTTP."""
    switchboard = Switchboard()
    run = {"seaweedfs": seaweedfs, "minio": minio}[request.param]
    with ExitStack() as stack:
        port = stack.enter_context(served(switchboard))
        webhook = Webhook(f"http://127.0.0.1:{port}/api/bucket_notifications/", BUCKET_SECRET)
        stack.enter_context(installed_or_skip())
        bucket = make_bucket(stack.enter_context(run(webhook)), monkeypatch)
        settings = bucket.settings.model_copy(
            update={
                "database_url": f"sqlite:///{tmp_path / 'broker.db'}",
                "bucket_notifications_secret": SecretStr(BUCKET_SECRET),
                "bucket_notifications_arn": WEBHOOK_ARN if request.param == "minio" else None,
                "require_checksum": False,
                "part_size": PART,
            }
        )
        list(bucket_setup.apply(settings))
        migrate.upgrade(settings.database_url)
        app = create_app(settings)
        switchboard.app = app
        yield Notifying(app, switchboard)
        switchboard.app = None
        app.extensions["broker"].database.dispose()


def test_bucket_notifications_confirm_uploads_that_clients_did_not_confirm(
    notifying: Notifying,
) -> None:
    alice = Client(notifying.app, token(1))
    ad = alice.ad()
    pinned = alice.ticket(ad).get_json()
    unpinned = alice.ticket(ad, checksum_sha256=None).get_json()
    large = alice.ticket(ad, LARGE, transport="multipart").get_json()
    for ticket in (pinned, unpinned):
        assert send(ticket).status_code == 201
    put_parts(signed(alice, large, [1, 2, 3], pinned=False))
    # The process died after S3 had completed the upload.
    broker = notifying.app.extensions["broker"]
    with broker.database.session() as session:
        row = session.query(Upload).filter_by(transport="multipart").one()
        key, multipart_id = f"incoming/{row.key}", str(row.multipart_id)
    broker.storage.multipart.complete(
        key, multipart_id, broker.storage.multipart.list_parts(key, multipart_id)
    )
    tickets = [pinned, unpinned, large]

    def states() -> list[str]:
        return [
            alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] for ticket in tickets
        ]

    notifying.switchboard.wait_for(lambda: states() == ["confirmed"] * 3)
    images = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert sorted(image["image"] for image in images) == sorted(t["key"] for t in tickets)
