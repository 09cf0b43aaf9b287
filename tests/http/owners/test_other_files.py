"""Processes that start with another file of profiles, while others run or after uploads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select

from broker.db.models import Owner
from broker.domain.errors import ProfilesChanged
from broker.services.processing.process import Outcome
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.uploads.expire import expire_stale
from broker.services.uploads.owners import add_owner
from broker.services.work import utc_now
from tests.http.client import Client, declared, send, token
from tests.http.owners.granted import PRODUCT, PROFILES, caller, entry
from tests.http.uploads.test_lifecycle import reap
from tests.http.uppy_calls import params
from tests.http.worker import Worker
from tests.servers.fixtures import Bucket

LOGO = "/api/owners/logo/A"
MANY = PROFILES.replace("keeps_one = true", "keeps_one = false")
Start = Callable[[str], Flask]


@pytest.fixture
def start(request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path) -> Start:
    """Return a function that starts an app with a file of profiles."""
    files = iter(range(10))

    def start(text: str) -> Flask:
        file = tmp_path / f"profiles{next(files)}.toml"
        file.write_text(text)
        return make_app(profiles_file=file, **getattr(request, "param", {}))

    return start


def ada(app: Flask) -> Client:
    return caller(app, "ada", entry("A", "create", "delete", profile="logo"), entry("42"))


def add_logo(app: Flask) -> None:
    client = ada(app)
    ticket = client.post(f"{LOGO}/uploads/", declared()).get_json()
    assert send(ticket).status_code == 201
    assert client.post(ticket["confirm_url"]).status_code == 200


def logos(app: Flask) -> list[int]:
    return [one["id"] for one in ada(app).get(f"{LOGO}/files/").get_json()["results"]]


def taken(app: Flask) -> tuple[int, list[str]]:
    """Return the slots of the owner of logos, and what disagrees with the rows."""
    with app.extensions["broker"].system_work() as work:
        slots = select(Owner.slots_taken).where(Owner.owner_kind == "logo")
        return int(work.session.scalars(slots).one()), list(wrong_rows(work))


def test_slots_are_counted_when_a_profile_no_longer_keeps_one(start: Start) -> None:
    add_logo(start(PROFILES))
    app = start(MANY)
    assert taken(app) == (1, [])
    (logo,) = logos(app)
    assert ada(app).delete(f"{LOGO}/files/{logo}/").status_code == 204
    assert taken(app) == (0, [])


def test_slots_are_not_kept_when_a_profile_keeps_one_in_between(start: Start) -> None:
    add_logo(start(MANY))
    app = start(PROFILES)
    (logo,) = logos(app)
    assert ada(app).delete(f"{LOGO}/files/{logo}/").status_code == 204
    app = start(MANY)
    assert taken(app) == (0, [])


OTHER = {
    "another prefix": PROFILES.replace("products/product_", "goods/product_"),
    "no such profile": PROFILES[PROFILES.index("[gallery]") :],
}


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_a_profile_is_fixed_before_its_first_upload_by_an_owner_who_may_get_a_ticket(
    start: Start, text: str
) -> None:
    """Otherwise a private file could be published at a public key, by a worker of the new file."""
    before = start(PROFILES)
    assert ada(before).post(f"{PRODUCT}/uppy_session/", {}).status_code == 201
    with pytest.raises(ProfilesChanged):
        start(text)


@pytest.fixture
def waits_for_owners() -> Iterator[threading.Event]:
    """Yield an event that is set when a start begins to wait for owners that are being added."""
    begins = threading.Event()

    def look(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.startswith("UPDATE profiles"):
            begins.set()

    event.listen(Engine, "before_cursor_execute", look)
    yield begins
    event.remove(Engine, "before_cursor_execute", look)


def test_a_start_waits_for_the_first_owner_of_a_profile(
    start: Start, waits_for_owners: threading.Event
) -> None:
    """The other process has compared its profile, and has not committed the owner yet."""
    broker = start(PROFILES).extensions["broker"]
    product = broker.limits.profiles.named("product_image")
    waits_for_owners.clear()
    with ThreadPoolExecutor(1) as pool:
        with broker.system_work() as work:
            add_owner(work.session, product, "42")
            starting = pool.submit(outcome, start)
            assert waits_for_owners.wait(30), "it did not wait"
            work.session.commit()
        assert starting.result(timeout=30) is ProfilesChanged


def test_a_process_with_the_former_prefix_of_ads_images_gets_no_ticket(start: Start) -> None:
    """Ads are in our tables, and had no images when the second process started."""
    before = Client(start(""), token(1))
    ad = before.ad()
    start('[ad_image]\nmax_count = 1\nprefix = "photos/{owner}/"\n')
    assert before.ticket(ad).status_code == 503
    assert before.post(f"/api/ads/{ad}/uppy_session/").status_code == 503


def outcome(start: Start) -> type[Exception] | None:
    try:
        start(OTHER["another prefix"])
    except ProfilesChanged as error:
        return type(error)
    return None


def test_processes_of_the_former_file_leave_uploads_of_a_new_profile_alone(
    start: Start, tmp_path: Path
) -> None:
    older = start(OTHER["no such profile"])
    newer = start(PROFILES)
    client, at_older = ada(newer), Client(older, ada(newer).token)
    ticket = client.post(f"{PRODUCT}/uploads/", declared()).get_json()
    session = client.post(f"{PRODUCT}/uppy_session/", {}).get_json()
    assert send(ticket).status_code == 201
    for path in (f"/api/uploads/{ticket['id']}/", f"/api/uploads/?ids={ticket['id']}"):
        assert at_older.get(path).status_code == 503
    assert params(Client(older, None), session).status_code == 503
    assert reap(older, timedelta(hours=3)).postponed == 0
    with older.extensions["broker"].system_work(now=utc_now() + timedelta(hours=3)) as work:
        assert expire_stale(work) == 0
    assert client.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "pending"


@pytest.mark.parametrize("start", [{"inspection": "required"}], indirect=True)
def test_a_worker_of_the_former_file_does_not_use_up_the_attempts_of_an_upload(
    start: Start, tmp_path: Path
) -> None:
    older = start(OTHER["no such profile"])
    newer = start(PROFILES)
    client = ada(newer)
    ticket = client.post(f"{PRODUCT}/uploads/", declared()).get_json()
    assert send(ticket).status_code == 201
    assert client.post(ticket["confirm_url"]).status_code == 202
    assert Worker(older, tmp_path).run() == []
    assert Worker(newer, tmp_path).run() == [Outcome.PUBLISHED]


@pytest.mark.parametrize("start", [{"inspection": "required"}], indirect=True)
def test_a_worker_publishes_no_file_whose_key_its_profile_does_not_have(
    start: Start, tmp_path: Path, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its profile may be private at another prefix: then the file would be at a public key."""
    older = start(PROFILES)
    client = ada(older)
    ticket = client.post(f"{PRODUCT}/uploads/", declared()).get_json()
    assert send(ticket).status_code == 201
    assert client.post(ticket["confirm_url"]).status_code == 202
    monkeypatch.setattr("broker.db.used_profiles.faults", lambda *_: [])
    assert Worker(start(OTHER["another prefix"]), tmp_path).run() == [Outcome.FAILED]
    assert list(s3_bucket.storage.list_objects("media/")) == []
