"""No two ads ever get one id by chance, however PUT and POST meet."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

from broker.db.models import Ad, Deletion, Image
from tests.http.client import Client, at_once, rows
from tests.http.marketplace.ads import put
from tests.http.reconciling import image_of
from tests.http.uploads.test_lifecycle import gone, reap

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_the_next_ad_of_a_user_has_a_higher_id_than_every_ad_that_was_put(
    alice: Client, service: Client
) -> None:
    assert alice.ad() == 1
    assert put(service, 40).status_code == 201
    assert alice.ad() == 41
    assert put(service, 5).status_code == 201, "an id below that no ad has had"
    assert alice.ad() == 42
    assert put(service, 40).status_code == 200
    assert alice.ad() == 43
    assert put(service, 2**53 - 1).status_code == 201
    assert alice.ad() == 2**53


def test_the_id_of_a_deleted_ad_is_never_posted_again(alice: Client, service: Client) -> None:
    put(service, 40)
    assert service.delete("/api/ads/40/").status_code == 204
    assert alice.ad() == 41
    assert alice.delete("/api/ads/41/").status_code == 204
    assert alice.ad() == 42


def test_a_refused_put_takes_no_id_from_users(alice: Client, bob: Client, service: Client) -> None:
    ad = alice.ad()
    assert put(service, ad, 2).status_code == 409
    assert put(bob, 1000).status_code == 403
    assert put(service, 1000, price="free").status_code == 422
    assert bob.ad() == ad + 1


def test_an_ad_that_is_put_again_after_its_deletion_has_none_of_its_images_and_keeps_its_own(
    app: Flask, alice: Client, bob: Client, service: Client
) -> None:
    """The outbox deletes the objects of the deleted ad later. Each has a key of its own."""
    put(service, 7, 1)
    old = image_of(alice, 7)["image"]
    pending = alice.ticket(7).get_json()
    assert service.delete("/api/ads/7/").status_code == 204
    assert put(service, 7, 2).get_json()["images"] == []
    new = image_of(bob, 7)["image"]
    reap(app)
    assert rows(app, Deletion) > 0, "what the old form could still write is deleted again later"
    assert [image["image"] for image in bob.get("/api/ads/7/").get_json()["images"]] == [new]
    assert (gone(app, old), gone(app, new)) == (True, False)
    assert alice.post(pending["confirm_url"]).get_json()["code"] == "upload_cancelled"
    assert alice.ticket(7).status_code == 403
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(Ad, 7).slots_taken == rows(app, Image) == 1


def test_twenty_puts_and_posts_at_once_get_different_ids(
    app: Flask, alice: Client, service: Client
) -> None:
    numbers = itertools.count(1)

    def act() -> tuple[str, int, int]:
        number = next(numbers)
        if number % 2:
            return "POST", 201, alice.ad()
        # The ids that the POSTs are about to take, and a few above.
        return "PUT", put(service, number, 2).status_code, number

    found = at_once(20, act)
    made = [ad for _, status, ad in found if status == 201]
    assert len(made) == len(set(made)) == rows(app, Ad)
    assert {status for _, status, _ in found} <= {201, 409}
    assert sum(method == "POST" for method, _, _ in found) == 10
    highest = max(made)
    assert alice.ad() > highest


def test_twenty_puts_of_one_id_at_once_create_one_ad_of_one_user(
    app: Flask, service: Client
) -> None:
    owners = itertools.count()
    found = at_once(20, lambda: put(service, 7, f"user {next(owners) % 2}").status_code)
    assert found.count(201) == 1
    assert set(found) <= {200, 201, 409}
    assert found.count(409) == 10
    assert rows(app, Ad) == 1


@pytest.fixture
def engine(app: Flask) -> Engine:
    found: Engine = app.extensions["broker"].database.engine
    return found


@pytest.fixture
def before_statement(engine: Engine) -> Iterator[Callable[[str, Callable[[], None]], None]]:
    """Return a function that calls something once, just before a statement is executed."""
    waiting: list[tuple[str, Callable[[], None]]] = []

    def look(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        for one in [one for one in waiting if one[0] in sql]:
            waiting.remove(one)
            one[1]()

    event.listen(engine, "before_cursor_execute", look)
    yield lambda part, act: waiting.append((part, act))
    event.remove(engine, "before_cursor_execute", look)
    assert waiting == []


def until_one_waits(engine: Engine, acting: Any) -> None:
    """Wait until a transaction waits for the counter. The limit is a number of tries."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
        for _ in range(500):
            if looking.execute(WAITING).scalar_one():
                return
            assert not wait([acting], timeout=0.02).done, "it did not wait at all"
    raise AssertionError("it never waited")


@ON_POSTGRESQL
def test_a_new_ad_waits_while_a_service_raises_the_counter(
    alice: Client,
    service: Client,
    engine: Engine,
    before_statement: Callable[[str, Callable[[], None]], None],
) -> None:
    """Otherwise it takes an id after the counter was read, and the service lowers the counter."""
    assert alice.ad() == 1
    with ThreadPoolExecutor(1) as pool:
        posted: list[Any] = []

        def post() -> None:
            posted.append(pool.submit(alice.ad))
            until_one_waits(engine, posted[0])

        before_statement("setval", post)
        assert put(service, 2).status_code == 201
        assert posted[0].result(timeout=30) == 3


@ON_POSTGRESQL
def test_a_service_waits_for_new_ads_before_it_raises_the_counter(
    alice: Client,
    service: Client,
    engine: Engine,
    before_statement: Callable[[str, Callable[[], None]], None],
) -> None:
    assert alice.ad() == 1
    with ThreadPoolExecutor(1) as pool:
        answers: list[Any] = []

        def start_put() -> None:
            answers.append(pool.submit(put, service, 2))
            until_one_waits(engine, answers[0])

        before_statement("INSERT INTO ads", start_put)
        assert alice.ad() == 2
        assert answers[0].result(timeout=30).status_code == 200, "the ad is Alice's already"
    assert alice.ad() == 3
