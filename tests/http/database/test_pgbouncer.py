"""The API with PgBouncer, which may use another connection for each transaction."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from broker.db import migrate
from tests.http.client import Client, send, token
from tests.http.test_adversarial import at_once
from tests.servers import installed_or_skip
from tests.servers.pgbouncer import pgbouncer
from tests.servers.postgres import SUPERUSER, Postgres


@pytest.fixture
def database_url(postgres_server: Postgres) -> Iterator[str]:
    name = postgres_server.create_database()
    migrate.upgrade(postgres_server.url(name))
    with installed_or_skip(), pgbouncer(postgres_server) as port:
        yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{name}?prepare_threshold=none"


def test_forty_requests_share_two_connections_without_an_error(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(max_images_per_ad=100)
    alice = Client(app, token(1))
    ad = alice.ad()

    def upload() -> int:
        ticket = alice.ticket(ad).get_json()
        send(ticket)
        return alice.post(ticket["confirm_url"]).status_code

    assert set(at_once(40, upload)) == {200}
    assert len(alice.get(f"/api/ads/{ad}/").get_json()["images"]) == 40
