"""Private objects that no row names, rows without their object, and uploads that end late."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import Deletion, Upload
from broker.domain.reconciliation import Action
from broker.domain.rejections import RejectionReason
from broker.inspection.inspected import Inspected, Request
from broker.services.processing.process import Outcome
from broker.storage.bucket_setup.iam import Role
from tests.http.client import JPEG, Client, rows, send
from tests.http.files.private_files import PDF, owner_of
from tests.http.first import FIRST_SERVER
from tests.http.reconciling import (
    PAST_EVERY_TICKET,
    kinds_and_keys,
    put,
    put_ours,
    reconciled,
    there,
)
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.worker import Worker, rejecting
from tests.servers.fixtures import Bucket

LONG_AGO = PAST_EVERY_TICKET * 2
pytestmark = FIRST_SERVER


@pytest.fixture
def role() -> Role:
    """Return the role of the processes that delete and compare objects."""
    return "worker"


def test_reconcile_finds_private_orphans_and_missing_private_objects(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    kept, lost = order.add()["image"], order.add()["image"]
    reap(app)
    assert reconciled(app) == []
    s3_bucket.storage.delete(f"private/{lost}")
    ours, others = "private/invoices/order_9/x_Zt41bQ9c.pdf", "private/invoices/scan.pdf"
    put_ours(s3_bucket, ours)
    put(s3_bucket, others)
    misplaced = f"media/{kept}"
    put_ours(s3_bucket, misplaced)

    expected = [
        ("missing", f"private/{lost}"),
        ("orphan", misplaced),
        ("orphan", ours),
        ("orphan", others),
    ]
    assert sorted(kinds_and_keys(reconciled(app))) == sorted(expected)
    found = {one.key: one for one in reconciled(app, fix=True, after=LONG_AGO)}
    assert found[ours].action is Action.DELETED
    assert found[misplaced].action is Action.DELETED
    assert found[others].action is Action.KEPT
    assert found[f"private/{lost}"].action is Action.NONE
    assert [there(s3_bucket, key) for key in (ours, misplaced, others)] == [False, False, True]
    assert there(s3_bucket, f"private/{kept}")


def test_a_copy_that_no_confirm_finished_is_deleted_below_private(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    ticket = order.send()
    key = f"private/{ticket['key']}"
    with app.extensions["broker"].database.session() as session:
        session.execute(update(Upload).values(publish_attempts=1))
        session.commit()
    put_ours(s3_bucket, key, ticket["id"])
    assert order.client.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    reap(app)
    assert not there(s3_bucket, key)
    assert not there(s3_bucket, f"incoming/{ticket['key']}")


def test_a_file_that_arrives_after_its_upload_has_ended_is_deleted(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    ticket = order.send()
    assert order.client.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    reap(app)
    reap(app, PAST_GRACE)
    assert send(ticket, PDF).status_code == 201
    reap(app, PAST_GRACE)
    assert not there(s3_bucket, f"incoming/{ticket['key']}")
    assert not there(s3_bucket, f"private/{ticket['key']}")
    assert reconciled(app) == []


def test_an_abandoned_document_that_arrived_is_kept_for_its_owner(
    app: Flask, s3_bucket: Bucket
) -> None:
    order = owner_of(app, "invoice")
    ticket = order.send()
    assert reap(app, PAST_GRACE).kept == 1
    (file,) = order.files()
    assert (file["key"], file["file_name"]) == (ticket["key"], "Rechnung.pdf")
    assert there(s3_bucket, f"private/{ticket['key']}")


def test_a_rejected_private_photo_leaves_nothing(
    app: Flask, worker: Worker, s3_bucket: Bucket
) -> None:
    worker.inspect = rejecting(RejectionReason.CORRUPT)
    claim = owner_of(app, "damage_photo")
    ticket = claim.send(JPEG, file_name="x.jpg", content_type="image/jpeg")
    assert claim.client.post(ticket["confirm_url"]).status_code == 202
    assert worker.run() == [Outcome.REJECTED]
    reap(app)
    assert list(s3_bucket.storage.list_objects("")) == []
    assert claim.files() == []


def test_the_objects_of_a_worker_that_stops_are_deleted_below_private(
    app: Flask, worker: Worker, s3_bucket: Bucket, service: Client
) -> None:
    claim = owner_of(app, "damage_photo")
    ticket = claim.send(JPEG, file_name="x.jpg", content_type="image/jpeg")
    assert claim.client.post(ticket["confirm_url"]).status_code == 202
    inspect = worker.inspect

    def cancelled_meanwhile(request: Request, *, keep: Any) -> Inspected:
        assert service.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
        return inspect(request, keep=keep)

    worker.inspect = cancelled_meanwhile
    worker.run()
    reap(app)
    reap(app, timedelta(days=1))
    assert list(s3_bucket.storage.list_objects("private/")) == []
    assert rows(app, Deletion) == 0
