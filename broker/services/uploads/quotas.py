"""Quotas: how many bytes and files a user may reserve in a window, whatever the ads and processes.

What uploads take is reserved as they are inserted (`db/new_uploads.py`). It is given back by
whoever won the compare-and-set that ended the upload, in the same transaction, or with the row
of the outbox that deletes its object for good, hence exactly once. While a form or a PUT lives,
nothing is given back for it, and for an image that is deleted nothing ever: else sending and
cancelling, or deleting, had no end.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broker.db import quotas
from broker.db.fast_path.insert_uploads import NewUpload
from broker.db.models import Upload
from broker.db.quotas import GivenBack, Reservation
from broker.domain.errors import QuotaExceeded
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.telemetry.ticket_metrics import observe_quota_refusal


def reservation(
    limits: Limits, principal: Principal, uploads: Sequence[NewUpload], *, now: datetime
) -> Reservation | None:
    """Give what new uploads reserve; a backend's reserve nothing, and lock no user out."""
    if not limits.has_quota or principal.is_service:
        return None
    return Reservation(
        now=now,
        stale_at=now - timedelta(seconds=limits.quota_window),
        bytes=sum(upload.size for upload in uploads),
        files=len(uploads),
        max_bytes=limits.quota_bytes,
        max_files=limits.quota_files,
    )


def exceeded(session: Session, user_id: int, asked: Reservation) -> QuotaExceeded | None:
    """Tell what a reservation has no room for, and until when; None where it has."""
    row = quotas.taken(session, user_id, since=asked.stale_at)
    begun = row.window_start if row else asked.now
    counted = {
        "bytes": (asked.bytes, asked.max_bytes, row.bytes_taken if row else 0),
        "files": (asked.files, asked.max_files, row.files_taken if row else 0),
    }
    fields = {
        what: [f"{max(limit - taken, 0)} of {limit} are left, and {wanted} were asked for."]
        for what, (wanted, limit, taken) in counted.items()
        if limit and taken + wanted > limit
    }
    if not fields:
        return None
    for what in fields:
        observe_quota_refusal(what)
    seconds = max(math.ceil((begun - asked.stale_at).total_seconds()), 1)
    detail = f"Too little is left of what you may upload; the count begins anew in {seconds} s."
    return QuotaExceeded(detail, fields, retry_after=seconds)


def give_back(session: Session, ended: Iterable[Upload]) -> None:
    """Give back all that uploads have reserved. Does not commit."""
    quotas.give_back(
        session,
        [
            GivenBack(
                user_id=upload.user_id, window=upload.quota_window, bytes=upload.size, files=1
            )
            for upload in ended
            if upload.quota_window is not None
        ],
    )


def settle(session: Session, upload: Upload, size: int) -> None:
    """Give back what an upload of open size did not need. Does not commit."""
    if upload.quota_window is not None and size < upload.size:
        unused = upload.size - size
        quotas.give_back(
            session,
            [GivenBack(user_id=upload.user_id, window=upload.quota_window, bytes=unused, files=0)],
        )
