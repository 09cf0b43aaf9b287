"""Issues tickets at a given time, and reads the bytes and files that their user is charged."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask

from broker.db.models import Ad, UserQuota
from broker.domain.principal import Principal
from broker.services.background.reap import reap_once
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.tickets.cancel import cancel
from broker.services.tickets.issue import FileRequest, issue
from tests.http.client import JPEG

SIZE = len(JPEG)
NOW = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)
# All forms of NOW have expired, so an upload that ends now is refunded immediately.
DEAD = NOW + timedelta(hours=1)


def charged(app: Flask, user_id: int = 1) -> tuple[int, int]:
    """Return the bytes and files that a user is charged; check that all rows agree."""
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []
        row = work.session.get(UserQuota, user_id)
        return (row.bytes_taken, row.files_taken) if row else (0, 0)


def places(app: Flask, ad: int) -> int:
    with app.extensions["broker"].database.session() as session:
        return session.get_one(Ad, ad).slots_taken


def issue_at(app: Flask, ad: int, now: datetime, sizes: tuple[int, ...] = (SIZE,)) -> list[UUID]:
    """Issue tickets at a given time."""
    files = [
        FileRequest(
            file_name="x", content_type="image/jpeg", size=size, checksum_sha256="A" * 43 + "="
        )
        for size in sizes
    ]
    with app.extensions["broker"].work(Principal(user_id=1), now=now) as work:
        tickets = issue(work, work.limits.profiles.ad_image, str(ad), files)
    return [ticket.upload.id for ticket in tickets]


def cancel_at(app: Flask, upload_id: UUID, now: datetime) -> None:
    with app.extensions["broker"].work(Principal(user_id=1), now=now) as work:
        cancel(work, upload_id)


def reap(app: Flask, after: timedelta) -> None:
    """Run the reaper at a later time."""
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        reap_once(work)
