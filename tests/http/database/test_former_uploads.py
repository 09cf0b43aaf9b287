"""With inspection required the API does not start while uploads of release 0.2 are pending."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.domain.errors import FormerUploadsPending
from broker.domain.states import UploadState
from broker.domain.transports import TRANSPORTS
from tests.http.client import Client, send, token
from tests.http.commands import Commands
from tests.http.uploads.test_upgrade_from_0_2 import as_issued_by_0_2
from tests.http.worker import Worker, read
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres
from tests.servers.reused import Lent

MESSAGE = (
    "broker: BROKER_INSPECTION is required, but uploads of release 0.2 are pending. Start the API"
    " with BROKER_INSPECTION=off until they have ended; see docs/operations/upgrade.md.\n"
)


def former(app: Flask, **changes: Any) -> tuple[Client, dict[str, Any]]:
    """Return a user, and a ticket as release 0.2 issued it."""
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad(), **changes).get_json()
    return alice, as_issued_by_0_2(app, alice, ticket)


def test_it_does_not_start_while_a_client_can_write_to_a_public_key(
    make_app: Callable[..., Flask],
    database_url: str,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app(inspection="off", require_checksum=False)
    tickets = []
    for name, transport in TRANSPORTS.items():
        # Parts were always written to the public key, other files only with a digest.
        digest = {"checksum_sha256": None} if transport.has_parts else {}
        alice, ticket = former(app, transport=name, **digest)
        tickets.append(ticket)
    monkeypatch.setenv("BROKER_INSPECTION", "required")
    refused = commands.run("serve -- true", database_url)
    assert (refused.status, refused.out, refused.err) == (1, "", MESSAGE)
    for ticket in tickets:
        with pytest.raises(FormerUploadsPending):
            make_app(inspection="required")
        alice.delete(f"/api/uploads/{ticket['id']}/")
    assert commands.run("serve -- true", database_url).status == 0
    assert Client(make_app(inspection="required"), None).get("/readyz").status_code == 200


def test_it_starts_if_the_client_of_0_2_writes_below_incoming(
    make_app: Callable[..., Flask], worker: Worker
) -> None:
    alice, ticket = former(make_app(require_checksum=False), checksum_sha256=None)
    alice.app = worker.app = make_app(inspection="required")
    send(ticket)
    assert alice.post(ticket["confirm_url"]).status_code == 202
    worker.run()
    assert read(alice, ticket)["state"] == UploadState.CONFIRMED


@pytest.fixture
def absent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the URL of a database that does not exist yet, and a function that creates it."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        path = tmp_path / "later" / "broker.db"

        def create() -> None:
            path.parent.mkdir()
            shutil.copy(template, path)

        yield f"sqlite:///{path}", create
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    databases: Lent[str] = request.getfixturevalue("databases")
    assert databases
    yield (
        server.url("broker_later"),
        lambda: server.create_database(name="broker_later", template="broker_template"),
    )
    server.drop_database("broker_later")


@pytest.mark.parametrize("absent", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_database_at_the_start_the_first_request_checks(
    absent: tuple[str, Callable[[], None]], make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    url, create = absent
    client = Client(make_app(database_url=url, inspection="required"), token(1))
    assert client.get("/readyz").get_json()["code"] == "database_unavailable"
    create()
    before = make_app(database_url=url, inspection="off")
    alice, ticket = former(before)
    for path in ("/readyz", "/api/ads/", f"/api/uploads/{ticket['id']}/"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_not_migrated")
        assert answer.headers["Retry-After"] == "30"
        assert "0.2" not in answer.text
    alice.delete(f"/api/uploads/{ticket['id']}/")
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/ads/").status_code == 200
    # It has passed once: it is not checked again.
    former(before)
    assert client.get("/readyz").status_code == 200
