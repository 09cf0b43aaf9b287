"""`broker history` says what happened to an upload, an owner or a user, and what to do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import Delivery, Event, EventFeed, ReportedFailure, Upload
from broker.domain.rejections import ADVICE, RejectionReason
from broker.services.history.find import find_history
from broker.services.tickets.report_failure import STORED_MAX
from tests.http.client import Client, declared, rows, send, token
from tests.http.commands import Commands
from tests.http.first import FIRST_DATABASE
from tests.http.reconciling import put
from tests.http.retention.aging import cancelled, confirmed, reap
from tests.servers.fixtures import Bucket

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="off")


def told(app: Flask, target: str, *, limit: int = 20, names: bool = False) -> list[str]:
    """Return the texts of a history, without times, and what each is about without ids."""
    with app.extensions["broker"].system_work() as work:
        found = find_history(work, target, limit=limit, names=names)
    assert [fact.time for fact in found.facts] == sorted(fact.time for fact in found.facts)
    facts = [f"{fact.about.split()[0]}: {fact.text}" for fact in found.facts]
    return [*facts, *(f"now: {text}" for _, text in found.now)]


def one(lines: list[str], text: str) -> str:
    found = [line for line in lines if text in line]
    assert len(found) == 1, (text, lines)
    return found[0]


def fails(client: Client, ticket_id: object, code: str) -> str:
    answer = client.post(f"/api/uploads/{ticket_id}/failures/", {"code": code})
    return str(answer.get_json()["action"])


def test_a_photo_that_never_arrived(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    assert fails(alice, ticket["id"], "NetworkError") == "retry"
    assert fails(alice, ticket["id"], "AccessDenied") == "give_up"
    waiting = told(app, f"ad/{ad}")
    assert "waits for the file" in one(waiting, "now: waits")
    assert one(waiting, "slots") == "now: 1 of 20 slots are taken by files and unfinished uploads"
    reap(app, timedelta(hours=1))
    lines = told(app, f"upload/{ticket['id']}")
    order = ["ticket issued", "NetworkError", "AccessDenied", "expired: the file never arrived"]
    assert [one(lines, text) for text in order] == [
        line for line in lines if line.startswith("upload:") and "event" not in line
    ]
    assert "image/jpeg, 1,522 bytes, with SHA-256, transport post" in lines[0]
    assert one(lines, "NetworkError").endswith("advice: retry")
    assert "CORS" in one(lines, "NetworkError")
    assert one(lines, "event") == "upload: event upload.expired: sequence 1, in the feed"


def test_a_photo_that_was_published_and_deleted(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    upload_id, image = confirmed(alice, ad)
    assert "image/jpeg, 1,522 bytes" in one(told(app, f"ad/{ad}"), "published as image")
    alice.patch(f"/api/ads/{ad}/images/{image['id']}/", {"alt_text": "front"})
    alice.delete(f"/api/ads/{ad}/images/{image['id']}/")
    lines = told(app, f"upload/{upload_id}")
    assert one(lines, "its image was deleted")
    assert [line.split(":")[1].strip() for line in lines if "event" in line] == [
        "event image.ready",
        "event image.updated",
        "event image.deleted",
    ]
    deletion = one(told(app, f"ad/{ad}"), "and again at")
    assert re.fullmatch(r"now: is to be deleted at \S+Z, and again at \S+Z", deletion)
    reap(app)
    reap(app, timedelta(days=2))
    assert not [line for line in told(app, f"ad/{ad}") if "to be deleted" in line]


@pytest.mark.parametrize("reason", RejectionReason)
@FIRST_DATABASE
def test_a_rejected_photo_with_its_reason_and_what_to_do(
    app: Flask, alice: Client, s3_bucket: Bucket, reason: RejectionReason
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    put(s3_bucket, f"incoming/{ticket['key']}", b"forged")
    alice.post(ticket["confirm_url"])
    line = one(told(app, f"upload/{ticket['id']}"), "upload: rejected")
    assert "was not the declared file (size, type or SHA-256)" in line
    with app.extensions["broker"].database.session() as session:
        session.execute(update(Upload).values(reason=reason))
        session.commit()
    line = one(told(app, f"upload/{ticket['id']}"), "upload: rejected")
    assert line.startswith(f"upload: rejected, {reason}: ")
    assert line.endswith(ADVICE[reason])


def test_the_docs_give_the_same_advice_for_each_reason() -> None:
    page = (ROOT / "docs/inspection.md").read_text()
    for reason, advice in ADVICE.items():
        (cell,) = re.findall(rf"^\| `{reason}` \| .* \| (.*) \|$", page, re.MULTILINE)
        assert cell.startswith(advice[0].lower() + advice[1:].removesuffix(".")), reason


def test_a_photo_that_is_being_inspected(make_app: Callable[..., Flask]) -> None:
    app = make_app(inspection="required")
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    assert alice.post(ticket["confirm_url"]).status_code == 202
    lines = told(app, f"upload/{ticket['id']}")
    assert one(lines, "the file has arrived")
    assert one(lines, "if nothing changes, no worker runs").startswith("now: waits: due")


def test_deliveries_of_events(app: Flask, alice: Client, service: Client) -> None:
    ad = alice.ad()
    for _ in range(3):
        confirmed(alice, ad)
    service.get("/api/events/")
    assert len([line for line in told(app, f"ad/{ad}") if "in the feed" in line]) == 3
    now = datetime.now(UTC)
    with app.extensions["broker"].database.session() as session:
        second, third = session.query(Event).order_by(Event.id).all()[1:]
        failed = {"attempts": 2, "last_error": "500"}
        session.add(Delivery(id=second.id, due_at=now, **failed))
        session.add(Delivery(id=third.id, due_at=now, dead_at=now, **failed))
        session.execute(update(EventFeed).values(enqueued_sequence=3, stopped_at=now))
        session.commit()
    lines = told(app, f"ad/{ad}")
    assert one(lines, "sequence 1").endswith("sequence 1, delivered or discarded")
    assert re.search("not delivered yet, attempt 3 due .*; last error: 500", one(lines, "quence 2"))
    assert re.search("a dead letter since .*; last error: 500", one(lines, "sequence 3"))
    assert "answered 410" in one(lines, "410")


@FIRST_DATABASE
def test_a_user_has_all_uploads_newest_last_and_a_quota(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    first = cancelled(alice, ad)
    avatar = alice.post("/api/users/1/upload_avatar/", declared()).get_json()
    last = cancelled(alice, ad)
    with app.extensions["broker"].system_work() as work:
        found = find_history(work, "user/1", limit=20)
        shown = [fact.about for fact in found.facts if fact.text.startswith("ticket")]
        assert shown == [f"upload {one}" for one in (first, UUID(avatar["id"]), last)]
        newest = find_history(work, "user/1", limit=1)
    assert {fact.about for fact in newest.facts} == {f"upload {last}"}
    assert "3 of 2000 files" in one(told(app, "user/1"), "quota since")
    assert one(told(app, "avatar/1"), "ticket issued")


@FIRST_DATABASE
def test_names_of_files_are_shown_only_if_asked_for(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    alice.ticket(ad, file_name="passport of Doe.jpg")
    for target in (f"ad/{ad}", "user/1"):
        assert "Doe" not in "".join(told(app, target))
        assert "user@example.com" not in "".join(told(app, target, names=True))
        assert "named 'passport of Doe.jpg'" in "".join(told(app, target, names=True))


@FIRST_DATABASE
def test_an_ad_that_was_deleted_still_has_a_history(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    confirmed(alice, ad)
    alice.delete(f"/api/ads/{ad}/")
    lines = told(app, f"ad_image/{ad}")
    assert one(lines, "no longer exists")
    assert one(lines, "its image was deleted")


@FIRST_DATABASE
def test_an_erased_user_without_names(app: Flask, alice: Client, service: Client) -> None:
    ad = alice.ad()
    alice.ticket(ad, file_name="passport.jpg")
    confirmed(alice, ad)
    assert service.delete("/api/users/1/").status_code == 202
    lines = told(app, "user/1", names=True)
    assert one(lines, "now: was erased at")
    assert one(lines, "a service erased it")
    assert one(lines, "event owner.erased")
    assert one(lines, "event image.deleted")
    assert one(lines, "still being deleted")
    assert "named" not in "".join(lines)
    reap(app, timedelta(hours=1))
    reap(app, timedelta(days=2))
    assert one(told(app, "user/1"), "the erasure finished")


def test_at_most_twenty_reports_are_stored_and_all_are_counted(app: Flask, alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    for _ in range(STORED_MAX + 3):
        fails(alice, ticket["id"], "S" * 100)
    assert rows(app, ReportedFailure) == STORED_MAX
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(Upload, UUID(ticket["id"])).failures == STORED_MAX + 3
        assert {row.s3_code for row in session.query(ReportedFailure)} == {"S" * 64}
    assert one(told(app, f"upload/{ticket['id']}"), "3 more failures were reported")


@FIRST_DATABASE
def test_the_command_prints_one_line_for_each_fact_and_where_to_look_next(
    app: Flask, alice: Client, commands: Commands, database_url: str
) -> None:
    ad = alice.ad()
    upload_id = cancelled(alice, ad)
    done = commands.run(f"history ad/{ad}", database_url)
    lines = done.out.splitlines()
    assert (done.status, lines[0]) == (0, f"ad/{ad}")
    assert re.match(rf"\d{{4}}-\S+Z  upload {upload_id}  ticket issued", lines[1])
    assert lines[-1].endswith(f'search the audit log and the request log for "owner":"ad/{ad}"')
    for target in (
        *("ad/99", "user/99", f"upload/{uuid4()}", "upload/x", "cat/1", "ad/x", "ad"),
        *(
            "user/",
            "user/\udcff",
            "ad/\udcff",
            "upload/\udcff",
            "user/\x1b[2J",
            f"user/{'9' * 5000}",
        ),
    ):
        done = commands.run(f"history {target}", database_url)
        assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1), target
        assert "\x1b" not in done.err
