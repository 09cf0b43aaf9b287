"""Quotas: how many bytes and files a user may reserve in a window, across all processes.

`insert_uploads` reserves what uploads need. The reservation is refunded exactly once: in the
transaction that ends the upload, or by the outbox after the last deletion of its object. Nothing is
refunded while a form or PUT can still write, or when the image of a confirmed upload is deleted.
Otherwise a user could send and cancel, or send and delete, without limit.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broker.db import quotas
from broker.db.models import Upload
from broker.db.quotas import Refund, Reservation
from broker.domain.errors import QuotaExceeded
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.upload_row import NewUpload
from broker.services.work import Work
from broker.telemetry.ticket_metrics import observe_quota_refusal


def reservation(
    limits: Limits, principal: Principal, uploads: Sequence[NewUpload], *, now: datetime
) -> Reservation | None:
    """Return what new uploads reserve; None for a backend: its uploads are not charged."""
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


def exceeded(work: Work, user_id: int, asked: Reservation) -> QuotaExceeded | None:
    """Return the error for a reservation that exceeds the quota; None if it fits."""
    row = quotas.taken(work.session, user_id, since=asked.stale_at)
    work.session.commit()
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
    detail = f"Too little of your upload quota is left; it is reset in {seconds} s."
    return QuotaExceeded(detail, fields, retry_after=seconds)


def charge(work: Work, upload: Upload) -> datetime:
    """Charge the user for an object that arrived late, even above the quota.

    Return the start of the window that was charged. The transaction stays open.
    """
    charged = Reservation(
        now=work.now,
        stale_at=work.now - timedelta(seconds=work.limits.quota_window),
        bytes=upload.size,
        files=1,
        max_bytes=0,
        max_files=0,
    )
    return quotas.charge(work.session, upload.user_id, charged)


def refund_late(session: Session, upload: Upload, window: datetime) -> None:
    """Refund what `charge` charged."""
    refund = Refund(user_id=upload.user_id, window=window, bytes=upload.size, files=1)
    quotas.refund(session, [refund])


def refund_quota(session: Session, ended: Iterable[Upload]) -> None:
    """Refund everything that the ended uploads have reserved."""
    quotas.refund(
        session,
        [
            Refund(user_id=upload.user_id, window=upload.quota_window, bytes=upload.size, files=1)
            for upload in ended
            if upload.quota_window is not None
        ],
    )


def refund_unused(session: Session, upload: Upload, size: int) -> None:
    """Refund the bytes that an upload of open size did not need."""
    if upload.quota_window is not None and size < upload.size:
        unused = upload.size - size
        refund = Refund(user_id=upload.user_id, window=upload.quota_window, bytes=unused, files=0)
        quotas.refund(session, [refund])
