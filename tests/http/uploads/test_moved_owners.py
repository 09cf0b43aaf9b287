"""An installation moves its owners from our tables to grants, and back.

These are the steps of docs/migrating.md, "Keep your own tables".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Ad, Image, Owner
from broker.domain.errors import ImageLimitReached, ProfilesChanged
from broker.domain.grants import grant
from broker.domain.principal import Principal
from broker.domain.profiles import AD
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.tickets.issue import FileRequest, issue
from broker.services.uploads.images import delete_images
from tests.faults.invariants import check_invariants
from tests.http.client import Client, at_once, declared, send, token
from tests.http.first import FIRST_SERVER
from tests.http.owners.granted import caller, entry
from tests.http.reconciling import reconciled
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.worker import Worker, processing, sent

BY_TOKEN = '[ad_image]\nowners = "token"\nmax_count = 5\n\n[avatar]\nowners = "token"\n'
NEW = FileRequest(**declared(file_name="new.jpg"))


@dataclass
class Installation:
    """An installation by table: Alice's ad with all kinds of uploads, Bob's ad, avatars.

    `waits`, `sent` and `unsent` are tickets of Alice's ad: in state `processing`, sent but not
    confirmed, and not sent.
    """

    start: Callable[..., Flask]
    directory: Path
    ad: int
    images: list[dict[str, Any]]
    waits: dict[str, Any]
    sent: dict[str, Any]
    unsent: dict[str, Any]
    of_bob: int
    sent_by_bob: dict[str, Any]
    avatar: str
    sent_avatar: dict[str, Any]

    def by_table(self) -> Flask:
        return self.start(inspection="required")

    def by_token(self) -> Flask:
        file = self.directory / "profiles.toml"
        file.write_text(BY_TOKEN)
        return self.start(inspection="required", profiles_file=file)

    def worker(self, app: Flask, after: timedelta = timedelta()) -> Worker:
        return Worker(app, self.directory, now=datetime.now(UTC) + after)


@pytest.fixture
def installation(make_app: Callable[..., Flask], tmp_path: Path) -> Installation:
    app = make_app(inspection="required")
    alice, bob = Client(app, token(1)), Client(app, token(2))
    ad, of_bob = alice.ad(), bob.ad()
    worker = Worker(app, tmp_path)
    for _ in range(2):
        processing(alice, ad)
    assert send(avatar := avatar_ticket(alice)).status_code == 201
    assert alice.post(avatar["confirm_url"]).status_code == 202
    assert worker.run() == ["published"] * 3
    assert send(newer := avatar_ticket(alice)).status_code == 201
    return Installation(
        start=make_app,
        directory=tmp_path,
        ad=ad,
        images=alice.get(f"/api/ads/{ad}/").get_json()["images"],
        waits=processing(alice, ad),
        sent=sent(alice, ad),
        unsent=alice.ticket(ad).get_json(),
        of_bob=of_bob,
        sent_by_bob=sent(bob, of_bob),
        avatar=avatar["key"],
        sent_avatar=newer,
    )


def avatar_ticket(client: Client) -> dict[str, Any]:
    ticket: dict[str, Any] = client.post("/api/users/1/upload_avatar/", declared()).get_json()
    return ticket


def granted(app: Flask, sub: int, *owners: tuple[str, int]) -> Client:
    """Return a client with a grant to create files of some owners."""
    return caller(app, sub, *(entry(str(owner), profile=profile) for profile, owner in owners))


def new_ticket(app: Flask, owner: int) -> dict[str, Any]:
    """Issue a ticket for a photo of an ad by token, as its route does."""
    broker = app.extensions["broker"]
    principal = Principal(user_id=1, grants=grant("ad_image", str(owner), "create"))
    with broker.work(principal) as work:
        (ticket,) = issue(work, broker.limits.profiles.ad_image, str(owner), [NEW])
    return {
        "id": str(ticket.upload.id),
        "upload": {"url": ticket.transfer.url, "fields": ticket.transfer.fields},
        "confirm_url": f"/api/uploads/{ticket.upload.id}/confirm/",
    }


def owners(app: Flask) -> dict[tuple[str, int], tuple[str, int]]:
    with app.extensions["broker"].database.session() as session:
        return {
            (one.owner_kind, one.id): (one.owner, one.slots_taken) for one in session.query(Owner)
        }


def counted(installation: Installation) -> dict[tuple[str, int], tuple[str, int]]:
    """Return the rows of the owners that the installation has."""
    ad, of_bob = installation.ad, installation.of_bob
    return {(AD, ad): (str(ad), 5), (AD, of_bob): (str(of_bob), 1), ("user", 1): ("1", 0)}


def slots_of_ads(app: Flask) -> dict[int, int]:
    with app.extensions["broker"].database.session() as session:
        return {one.id: one.slots_taken for one in session.query(Ad)}


def keys(app: Flask, owner: int) -> set[str]:
    with app.extensions["broker"].database.session() as session:
        return set(
            session.scalars(
                select(Image.key).where(Image.owner_kind == AD, Image.owner_id == owner)
            )
        )


def wrong(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))


@FIRST_SERVER
def test_images_and_uploads_live_on_when_owners_move_to_tokens_and_back(
    installation: Installation,
) -> None:
    ad, bobs = installation.ad, installation.of_bob
    before = {image["image"] for image in installation.images}
    app = installation.by_token()
    assert owners(app) == counted(installation)
    assert wrong(app) == []
    assert reconciled(app) == []
    assert check_invariants(app).violations == []
    shown = [image["image_url"] for image in installation.images]
    shown += [one["url"] for image in installation.images for one in image["variants"]]
    assert {httpx.get(url).status_code for url in shown} == {200}

    # Uploads of before: a grant is needed now, the user's own id is not enough.
    without, alice = granted(app, 1), granted(app, 1, ("ad_image", ad), ("avatar", 1))
    assert without.post(installation.sent["confirm_url"]).status_code == 404
    assert alice.post(installation.sent["confirm_url"]).status_code == 202
    assert alice.post(installation.sent_by_bob["confirm_url"]).status_code == 404
    assert alice.post(installation.sent_avatar["confirm_url"]).status_code == 202
    assert installation.worker(app).run() == ["published"] * 3
    assert keys(app, ad) == before | {installation.waits["key"], installation.sent["key"]}

    # The limit counts what was there before.
    with pytest.raises(ImageLimitReached):
        new_ticket(app, ad)
    assert alice.delete(f"/api/uploads/{installation.unsent['id']}/").status_code == 204
    ticket = new_ticket(app, ad)
    assert send(ticket).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 202
    assert reap(app, PAST_GRACE).kept == 1  # Bob's upload
    assert installation.worker(app, PAST_GRACE).run() == ["published"] * 2
    gone = installation.images[0]
    broker = app.extensions["broker"]
    with broker.system_work() as work:
        assert delete_images(work.session, work.limits, Image.id == gone["id"], now=work.now) == [
            gone["image"]
        ]
        work.session.commit()
    reap(app)
    assert httpx.get(gone["image_url"]).status_code in (403, 404)
    assert owners(app)[AD, ad] == (str(ad), 4)
    assert wrong(app) == []
    assert reconciled(app) == []
    reap(app, PAST_GRACE * 100)
    assert check_invariants(app, at_rest=True).violations == []

    # Back to our tables: all that has come since is there, and counted.
    app = installation.by_table()
    assert owners(app) == {}
    assert slots_of_ads(app) == {ad: 4, bobs: 1}
    there = Client(app, token(1)).get(f"/api/ads/{ad}/").get_json()["images"]
    assert {image["image"] for image in there} == keys(app, ad)
    user = Client(app, token(1)).get("/api/users/1/").get_json()
    assert user["avatar"] == installation.sent_avatar["key"]
    assert wrong(app) == []
    assert check_invariants(app, at_rest=True).violations == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_owners_without_a_row_cannot_move_to_our_tables(installation: Installation) -> None:
    app = installation.by_token()
    assert send(new_ticket(app, 900)).status_code == 201
    new_ticket(app, 901)
    before = owners(app)
    with pytest.raises(ProfilesChanged) as refused:
        installation.by_table()
    assert refused.value.for_operators == (
        "the profiles do not match their uploads, see docs/profiles.md: ad_image: owners is"
        ' "table", but owner 900 has files or unfinished uploads and no row in the table ads'
        " (owners like this: 2)"
    )
    # Nothing has changed: the start by token goes on.
    assert owners(installation.by_token()) == before
    assert wrong(app) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_several_processes_that_start_at_once_move_the_slots_once(
    installation: Installation,
) -> None:
    apps = at_once(4, installation.by_token)
    assert owners(apps[0]) == counted(installation)
