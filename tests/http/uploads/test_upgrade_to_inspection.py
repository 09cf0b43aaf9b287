"""A deployment of release 0.3 is upgraded with inspection off, gets workers, and then requires it.

These are the steps of docs/operations/upgrade.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from flask import Flask
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from broker.db import migrate
from tests.faults.invariants import check_invariants
from tests.http.client import JPEG, Client, send, token
from tests.http.first import FIRST_DATABASE
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.worker import Worker
from tests.servers.postgres import Postgres

RELEASE_0_3 = "0009"
TRANSPORTS = {
    "post": {},
    "post without digest": {"checksum_sha256": None},
    "put": {"transport": "put"},
    "multipart": {"transport": "multipart"},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of its own, because the tests change its schema."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'broker.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    migrate.upgrade(url)
    return url


@dataclass
class Deployment:
    """The ad of a deployment, its published image, and uploads that were sent, not confirmed."""

    start: Callable[..., Flask]
    database_url: str
    directory: Path
    ad: int
    image: dict[str, Any]
    sent: dict[str, dict[str, Any]]

    def api(self, inspection: str) -> tuple[Flask, Client]:
        """Start an API process."""
        app = self.start(inspection=inspection, require_checksum=False, part_size=PART)
        return app, Client(app, token(1))

    def images(self, client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(f"/api/ads/{self.ad}/").get_json()["images"]
        return found

    def query(self, act: Callable[[Connection], Any]) -> Any:
        engine = create_engine(self.database_url)
        try:
            with engine.begin() as connection:
                return act(connection)
        finally:
            engine.dispose()


@pytest.fixture
def of_0_3(make_app: Callable[..., Flask], database_url: str, tmp_path: Path) -> Deployment:
    """Return a deployment whose database release 0.3 has left."""
    app = make_app(inspection="off", require_checksum=False, part_size=PART)
    alice = Client(app, token(1))
    ad = alice.ad()
    first = alice.ticket(ad).get_json()
    assert send(first).status_code == 201
    image = alice.post(first["confirm_url"]).get_json()
    sent = {name: sent_by(alice, ad, **changes) for name, changes in TRANSPORTS.items()}
    app.extensions["broker"].database.dispose()
    command.downgrade(migrate.configuration(database_url), RELEASE_0_3)
    return Deployment(make_app, database_url, tmp_path, ad, image, sent)


def sent_by(client: Client, ad: int, **changes: Any) -> dict[str, Any]:
    """Send a file; return its ticket."""
    in_parts = changes.get("transport") == "multipart"
    ticket: dict[str, Any] = client.ticket(ad, LARGE if in_parts else JPEG, **changes).get_json()
    upload = ticket["upload"]
    if in_parts:
        put_parts(signed(client, ticket, [1, 2, 3]))
    elif upload["method"] == "POST":
        assert send(ticket).status_code == 201
    else:
        put = httpx.put(upload["url"], content=JPEG, headers=upload["headers"])
        assert put.status_code == 200
    return ticket


def end(client: Client, ticket: dict[str, Any]) -> Any:
    """Confirm or complete an upload."""
    return client.post(ticket["upload"].get("complete_url") or ticket["confirm_url"])


def tables(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    return {
        table: {column["name"] for column in found.get_columns(table)}
        for table in found.get_table_names()
    }


@FIRST_DATABASE
def test_uploads_of_0_3_are_published_by_a_worker_after_the_upgrade(of_0_3: Deployment) -> None:
    before = of_0_3.query(tables)
    assert "image_variants" not in before
    assert "reason" not in before["uploads"]
    migrate.upgrade(of_0_3.database_url)

    # With inspection off, all is as before.
    _, alice = of_0_3.api("off")
    assert of_0_3.images(alice) == [of_0_3.image]
    unseen = end(alice, of_0_3.sent.pop("post"))
    assert unseen.status_code == 200
    assert unseen.get_json()["variants"] == []

    # Workers run. Then one process after the other requires inspection.
    app, alice_required = of_0_3.api("required")
    worker = Worker(app, of_0_3.directory)
    assert worker.next() is None
    for ticket in of_0_3.sent.values():
        waiting = end(alice_required, ticket)
        assert (waiting.status_code, waiting.get_json()["state"]) == (202, "processing")
        # So answers a process that has the old setting still.
        assert end(alice, ticket).status_code == 202
    assert len(of_0_3.images(alice)) == 2
    assert worker.run() == ["published"] * len(of_0_3.sent)
    for ticket in of_0_3.sent.values():
        image = end(alice_required, ticket)
        assert image.status_code == 200
        assert [one["width"] for one in image.get_json()["variants"]] == [320, 800]
    images = of_0_3.images(alice)
    assert [bool(image["variants"]) for image in images] == [False, False, True, True, True]
    shown = [image["image_url"] for image in images]
    shown += [one["url"] for image in images for one in image["variants"]]
    assert {httpx.get(url).status_code for url in shown} == {200}
    reap(app, PAST_GRACE * 2)
    assert check_invariants(app, at_rest=True, has_former=True).violations == []


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_reaper_hands_abandoned_uploads_of_0_3_over_to_a_worker(of_0_3: Deployment) -> None:
    migrate.upgrade(of_0_3.database_url)
    app, alice = of_0_3.api("required")
    later = PAST_GRACE * 100  # a multipart upload lives for hours
    assert reap(app, later).kept == len(of_0_3.sent)
    assert len(of_0_3.images(alice)) == 1
    worker = Worker(app, of_0_3.directory, now=datetime.now(UTC) + later)
    assert worker.run() == ["published"] * len(of_0_3.sent)
    assert len(of_0_3.images(alice)) == 1 + len(of_0_3.sent)


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_after_turning_inspection_off_a_worker_finishes_what_waits(of_0_3: Deployment) -> None:
    migrate.upgrade(of_0_3.database_url)
    _, alice = of_0_3.api("required")
    waiting = [of_0_3.sent[name] for name in ("post", "put")]
    assert [end(alice, ticket).status_code for ticket in waiting] == [202, 202]
    app, alice = of_0_3.api("off")
    # It is not published unseen, and no reaper expires it.
    assert end(alice, waiting[0]).status_code == 202
    reap(app, PAST_GRACE)
    assert end(alice, waiting[0]).status_code == 202
    assert Worker(app, of_0_3.directory).run() == ["published", "published"]
    assert [end(alice, ticket).status_code for ticket in waiting] == [200, 200]


@pytest.mark.matrix(part="inspection")
def test_the_migration_can_be_reverted_when_no_upload_is_in_processing(
    of_0_3: Deployment,
) -> None:
    migrate.upgrade(of_0_3.database_url)
    app, alice = of_0_3.api("required")
    ticket = of_0_3.sent["post"]
    assert end(alice, ticket).status_code == 202
    back = migrate.configuration(of_0_3.database_url)
    app.extensions["broker"].database.dispose()
    with pytest.raises(IntegrityError):
        command.downgrade(back, RELEASE_0_3)
    assert end(alice, ticket).status_code == 202
    assert Worker(app, of_0_3.directory).run() == ["published"]
    app.extensions["broker"].database.dispose()
    command.downgrade(back, RELEASE_0_3)
    count = text("SELECT count(*) FROM images")
    assert of_0_3.query(lambda connection: connection.scalar(count)) == 2
    with pytest.raises(IntegrityError):
        of_0_3.query(lambda one: one.execute(text("UPDATE uploads SET state = 'processing'")))
