"""Objects of declared profiles, and of ads by token: adopted, compared and reprocessed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Image, Owner
from broker.domain.adoption import Skipped
from broker.services.background.reap import reap_once
from broker.services.marketplace.ad_ids import skip_used_ids
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.uploads.images import delete_images
from broker.storage.inventory import ListedObject
from tests.faults.invariants import check_invariants
from tests.http.client import Client, rows, token
from tests.http.commands import Commands
from tests.http.first import FIRST_SERVER
from tests.http.reconciling import (
    PAST_EVERY_TICKET,
    adopted,
    kinds_and_keys,
    put,
    put_ours,
    reconciled,
    there,
)
from tests.servers.fixtures import Bucket

PROFILES = """
[ad_image]
owners = "token"
max_count = 2

[photo]
prefix = "photos/product_{owner}/"
content_types = ["image/jpeg"]

[cover]
prefix = "covers/{owner}/"
content_types = ["image/jpeg"]
keeps_one = true

[invoice]
prefix = "invoices/order_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
inspection = "off"
"""
PDF = b"%PDF-1.7"
READER = {
    "private_access_key_id": "reads-private-files",
    "private_secret_access_key": "a-secret-of-the-tests",
}
AD = "media/ads/ad_77/a.jpg"
PHOTO = "media/photos/product_blue-chair/front.jpg"
INVOICE = "private/invoices/order_042/Rechnung.pdf"


@pytest.fixture
def profiles_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the environment of the commands names."""
    path = tmp_path / "profiles.toml"
    path.write_text(PROFILES.replace('inspection = "off"\n', ""))
    monkeypatch.setenv("BROKER_PROFILES_FILE", str(path))
    for name, value in READER.items():
        monkeypatch.setenv(f"BROKER_{name.upper()}", value)
    return path


@pytest.fixture
def app(profiles_file: Path, make_app: Callable[..., Flask]) -> Flask:
    return make_app(profiles_file=profiles_file, **READER)


def owners(app: Flask) -> set[tuple[str, str, int]]:
    with app.extensions["broker"].database.session() as session:
        found = session.scalars(select(Owner)).all()
    return {(one.owner_kind, one.owner, one.slots_taken) for one in found}


def keys(app: Flask) -> set[str]:
    with app.extensions["broker"].database.session() as session:
        return set(session.scalars(select(Image.key)))


def wrong(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))


@FIRST_SERVER
def test_objects_of_every_profile_are_adopted_with_their_owners(
    app: Flask, s3_bucket: Bucket
) -> None:
    for name in ("a", "b", "c"):
        put(s3_bucket, f"media/ads/ad_77/{name}.jpg")
    put(s3_bucket, PHOTO)
    put(s3_bucket, "media/covers/Album/old.jpg")
    put(s3_bucket, "media/covers/Album/new.jpg")
    put(s3_bucket, INVOICE, PDF, ContentType="application/pdf")
    # A type that the profile does not accept, and keys in the wrong location.
    put(s3_bucket, "private/invoices/order_042/page.html", ContentType="text/html")
    put(s3_bucket, "media/invoices/order_042/public.pdf", PDF, ContentType="application/pdf")
    put(s3_bucket, "private/photos/product_1/hidden.jpg")
    planned = adopted(app, dry_run=True)
    assert (planned.adopted, owners(app), rows(app, Image)) == (6, set(), 0)
    tally = adopted(app)
    assert tally.adopted == 6
    assert tally.skipped == {Skipped.NO_IMAGE: 1, Skipped.HAS_AVATAR: 1}
    # The limit does not apply to what was there; the count is right.
    assert owners(app) == {
        ("ad", "77", 3),
        ("photo", "blue-chair", 1),
        ("cover", "Album", 0),
        ("invoice", "042", 1),
    }
    assert "invoices/order_042/Rechnung.pdf" in keys(app)
    assert wrong(app) == []
    assert adopted(app).adopted == 0
    left = {"media/covers/Album/old.jpg", "media/covers/Album/new.jpg"}
    left -= {f"media/{key}" for key in keys(app)}
    assert {key for _, key in kinds_and_keys(reconciled(app))} == left | {
        "media/invoices/order_042/public.pdf",
        "private/invoices/order_042/page.html",
        "private/photos/product_1/hidden.jpg",
    }


@FIRST_SERVER
def test_private_objects_are_compared_deleted_and_listed_by_an_inventory(
    app: Flask, s3_bucket: Bucket
) -> None:
    put(s3_bucket, INVOICE, PDF, ContentType="application/pdf")
    put(s3_bucket, PHOTO)
    adopted(app)
    assert reconciled(app) == []
    assert check_invariants(app, at_rest=True).violations == []
    orphan = "private/invoices/order_9/left_AbCdEfGh.pdf"
    put_ours(s3_bucket, orphan)
    assert kinds_and_keys(reconciled(app)) == [("orphan", orphan)]
    listed = app.extensions["broker"].storage.list_objects("")
    objects: list[ListedObject] = list(listed)
    assert kinds_and_keys(reconciled(app, inventory=lambda: objects)) == [("orphan", orphan)]
    reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert not there(s3_bucket, orphan)
    assert there(s3_bucket, INVOICE)
    broker = app.extensions["broker"]
    with broker.system_work() as work:
        found = delete_images(
            work.session, work.limits, Image.owner_kind == "invoice", now=work.now
        )
        work.session.commit()
        assert len(found) == 1
    with broker.system_work() as work:
        reap_once(work)
    assert not there(s3_bucket, INVOICE)
    assert ("invoice", "042", 0) in owners(app)
    s3_bucket.storage.delete(PHOTO)
    assert kinds_and_keys(reconciled(app)) == [("missing", PHOTO)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_ads_counter_stays_if_ads_are_by_token(
    app: Flask, s3_bucket: Bucket, make_app: Callable[..., Flask], profiles_file: Path
) -> None:
    put(s3_bucket, "media/ads/ad_500/a.jpg")
    with app.extensions["broker"].system_work() as work:
        assert skip_used_ids(work) == 0
    profiles_file.write_text("")
    by_table = make_app()
    with by_table.extensions["broker"].system_work() as work:
        assert skip_used_ids(work) == 500
    assert Client(by_table, token(1)).ad() == 501


@pytest.mark.filterwarnings("ignore:BROKER_PRIVATE")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_reprocess_leaves_files_alone_that_no_worker_may_inspect(
    make_app: Callable[..., Flask],
    profiles_file: Path,
    s3_bucket: Bucket,
    database_url: str,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiles_file.write_text(
        PROFILES.replace('"application/pdf"', '"application/pdf", "image/jpeg"')
    )
    monkeypatch.setenv("BROKER_INSPECTION", "required")
    app = make_app()
    put(s3_bucket, INVOICE, PDF, ContentType="application/pdf")
    put(s3_bucket, "private/invoices/order_042/scan.jpg")
    put(s3_bucket, PHOTO)
    assert adopted(app).adopted == 3
    done = commands.run("reprocess --clean --dry-run", database_url)
    assert done.out.splitlines()[-1].startswith("would reprocess 1, complete 2,"), done
