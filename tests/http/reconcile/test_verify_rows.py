"""`broker db verify` reports each inconsistent row on its own line."""

from uuid import UUID

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import delete, update

from broker.cli import broker
from broker.db.models import Ad, Upload, UserQuota
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import SECRET, Client
from tests.http.reconciling import image_of


def wrong(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))


def change(app: Flask, *statements: object) -> None:
    with app.extensions["broker"].database.session() as session:
        for statement in statements:
            session.execute(statement)  # type: ignore[call-overload]
        session.commit()


def test_no_action_of_a_client_makes_rows_inconsistent(app: Flask, alice: Client) -> None:
    ad, other = alice.ad(), alice.ad()
    image = image_of(alice, ad)
    image_of(alice, ad)
    alice.ticket(ad)
    cancelled = alice.ticket(other).get_json()
    alice.delete(f"/api/uploads/{cancelled['id']}/")
    alice.delete(f"/api/ads/{ad}/images/{image['id']}/")
    alice.post("/api/users/1/upload_avatar/", {"file_name": "a.jpg"})
    assert wrong(app) == []


def test_inconsistent_counters_states_and_owners_are_reported(app: Flask, alice: Client) -> None:
    ad, gone = alice.ad(), alice.ad()
    image = image_of(alice, ad)
    lost = image_of(alice, gone)
    pending = alice.ticket(gone).get_json()
    (upload,) = (one for one in uploads(app) if one.key == image["image"])
    change(
        app,
        update(Ad).where(Ad.id == ad).values(slots_taken=7),
        update(Upload).where(Upload.id == upload.id).values(state="expired"),
        delete(Ad).where(Ad.id == gone),
        update(UserQuota).values(bytes_taken=5),
    )
    held = sum(one.size for one in uploads(app) if one.state != "expired")
    assert wrong(app) == [
        f"image {image['id']} is of upload {upload.id}, which is expired",
        f"ad {ad} counts 7 slots, and has 1",
        f"user 1 is charged with 5 bytes, and has {held}",
        "user 1 is charged with 3 files, and has 2",
        f"image {lost['id']} is of ad {gone}, which does not exist",
        f"pending upload {UUID(pending['id'])} is of ad {gone}, which does not exist",
    ]


def uploads(app: Flask) -> list[Upload]:
    with app.extensions["broker"].database.session() as session:
        return list(session.query(Upload))


def test_the_command_ends_with_1_for_inconsistent_rows_and_with_2_for_errors(
    app: Flask, alice: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL", database_url)
    monkeypatch.setenv("BROKER_S3_BUCKET", "media-bucket")
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)
    done = CliRunner().invoke(broker, ["db", "verify"])
    assert (done.exit_code, done.stdout) == (0, "0 rows are wrong\n")
    ad = alice.ad()
    change(app, update(Ad).values(slots_taken=1))
    done = CliRunner().invoke(broker, ["db", "verify"])
    assert (done.exit_code, done.stdout.splitlines()) == (
        1,
        [f"ad {ad} counts 1 slots, and has 0", "1 rows are wrong"],
    )
    monkeypatch.setenv("BROKER_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    assert CliRunner().invoke(broker, ["db", "verify"]).exit_code == 2
