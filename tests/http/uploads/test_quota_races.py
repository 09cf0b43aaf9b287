"""Quotas under concurrency: no limit is exceeded, and nothing is refunded twice."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Upload, UserQuota
from broker.domain.errors import ImageLimitReached, QuotaExceeded
from broker.services.uploads.expire import expire_stale
from tests.attacks import SLOW
from tests.http.charging import DEAD, NOW, SIZE, cancel_at, charged, issue_at, places
from tests.http.client import Client, at_once, send, token


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(quota_files=3, max_images_per_ad=100)


def test_twenty_concurrent_tickets_get_the_last_three_files_of_a_quota(
    app: Flask, alice: Client
) -> None:
    ads = [alice.ad(), alice.ad()]
    turns = iter(ads * 10)
    answers = at_once(20, lambda: alice.ticket(next(turns)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 17
    assert charged(app) == (3 * SIZE, 3)
    assert sum(places(app, ad) for ad in ads) == 3


def test_twenty_concurrent_tickets_get_the_last_slots_of_an_ad_and_reserve_no_more(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(quota_files=10, max_images_per_ad=3)
    alice = Client(app, token(1))
    ad = alice.ad()
    answers = at_once(20, lambda: alice.ticket(ad))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 17
    assert charged(app) == (3 * SIZE, 3)
    assert places(app, ad) == 3


def test_an_upload_ended_concurrently_is_refunded_once(app: Flask, alice: Client) -> None:
    broker = app.extensions["broker"]
    ad = alice.ad()
    for _ in range(10):
        kept, ended = alice.ticket(ad).get_json(), alice.ticket(ad).get_json()
        assert send(ended).status_code == 201
        later = datetime.now(UTC) + timedelta(hours=1)

        def reap(later: datetime = later) -> None:
            with broker.system_work(now=later) as work:
                expire_stale(work)

        acts = iter(
            [
                lambda path=ended["confirm_url"]: alice.post(path),
                lambda path=f"/api/uploads/{ended['id']}/": alice.delete(path),
                reap,
                reap,
            ]
        )
        at_once(4, lambda acts=acts: next(acts)())
        charged(app)  # this also checks that the rows agree
        alice.delete(f"/api/uploads/{kept['id']}/")
        with broker.database.session() as session:
            session.execute(Upload.__table__.update().values(quota_window=None))
            session.execute(UserQuota.__table__.delete())
            session.commit()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_tickets_and_ending_uploads_of_many_ads_never_deadlock(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(quota_files=100_000, max_images_per_ad=1000)
    broker = app.extensions["broker"]
    alice = Client(app, token(1))
    ads = [alice.ad() for _ in range(3)]

    def rounds() -> int:
        for number in range(40):
            (mine,) = issue_at(app, ads[number % 3], NOW)
            if number % 2:
                cancel_at(app, mine, DEAD)
            else:
                with broker.system_work(now=DEAD) as work:
                    expire_stale(work)
        return 40

    assert at_once(6, rounds) == [40] * 6
    with broker.system_work(now=DEAD) as work:
        expire_stale(work)
        assert work.session.scalars(select(Upload).where(Upload.state == "pending")).all() == []
    assert charged(app) == (0, 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("steps", [20, pytest.param(60, marks=SLOW)])
def test_concurrent_reservations_and_refunds_exceed_no_limit(
    make_app: Callable[..., Flask], steps: int
) -> None:
    app = make_app(quota_files=15, max_images_per_ad=6)
    alice = Client(app, token(1))
    ads = [alice.ad() for _ in range(4)]
    seeds = iter(range(6))

    def rounds() -> set[str]:
        chance = random.Random(next(seeds))
        mine: list[UUID] = []
        codes: set[str] = set()
        for _ in range(steps):
            sizes = (chance.randrange(1, 9999),) * chance.randrange(1, 4)
            try:
                mine += issue_at(app, chance.choice(ads), NOW, sizes)
            except (QuotaExceeded, ImageLimitReached) as refused:
                codes.add(refused.code)
            while mine and chance.random() < 0.6:
                cancel_at(app, mine.pop(), DEAD)
            assert charged(app)[1] <= 15
            assert all(places(app, ad) <= 6 for ad in ads)
        return codes

    assert set().union(*at_once(6, rounds)) == {"quota_exceeded", "image_limit_reached"}
