"""The facts in the rows of uploads, of what clients reported, and of published images."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from broker.db.models import Image, ReportedFailure, Upload
from broker.domain import history_texts as texts
from broker.domain.states import UNFINISHED, UploadState
from broker.services.history.fact import Fact, History, stamp
from broker.services.processing.lease import ATTEMPTS_MAX
from broker.services.uploads.state import form_dead_at
from broker.services.work import Work


def add_uploads(work: Work, history: History, uploads: Sequence[Upload], *, names: bool) -> None:
    """Add what the rows of uploads say; with `names` also the names of the files."""
    ids = [upload.id for upload in uploads]
    images = {
        image.upload_id: image
        for image in work.session.scalars(select(Image).where(Image.upload_id.in_(ids)))
    }
    failures: dict[UUID, list[ReportedFailure]] = {upload_id: [] for upload_id in ids}
    for row in work.session.scalars(
        select(ReportedFailure)
        .where(ReportedFailure.upload_id.in_(ids))
        .order_by(ReportedFailure.id)
    ):
        failures[row.upload_id].append(row)
    for upload in uploads:
        about = f"upload {upload.id}"
        history.facts.append(
            Fact(time=upload.created_at, about=about, text=_issued(upload, names=names))
        )
        history.facts += (
            Fact(time=row.created_at, about=about, text=texts.reported(row.s3_code, row.advice))
            for row in failures[upload.id]
        )
        history.facts += _outcome(work, upload, images.get(upload.id), about)
        history.now += ((about, text) for text in _now(work, upload, len(failures[upload.id])))


def add_adopted(history: History, images: Sequence[Image]) -> None:
    """Add images that no upload of the broker has published."""
    history.facts += (
        Fact(time=image.created_at, about=f"image {image.id}", text=f"adopted: {_image(image)}")
        for image in images
    )


def _issued(upload: Upload, *, names: bool) -> str:
    size = f"{upload.size:,} bytes" if upload.size_is_exact else f"at most {upload.size:,} bytes"
    declared = "with" if upload.checksum_sha256 else "without"
    name = f", named {upload.file_name!r}" if names and upload.file_name else ""
    by = "" if upload.issued_by == upload.user_id else f" by {upload.issued_by}"
    through = " through Uppy" if upload.uppy_session_id else ""
    return (
        f"ticket issued{by}{through} for user {upload.user_id}: {upload.content_type}, {size},"
        f" {declared} SHA-256, transport {upload.transport}{name};"
        f" the last signature is valid until {stamp(upload.expires_at)}"
    )


def _outcome(work: Work, upload: Upload, image: Image | None, about: str) -> Iterator[Fact]:
    """Yield what happened after the ticket, in order."""
    if upload.processing_since is not None:
        text = "the file has arrived and was confirmed; a worker inspects it"
        yield Fact(time=upload.processing_since, about=about, text=text)
    if upload.settled_at is not None:
        text = _end(work, upload)
        if image is not None:
            text = f"published as image {image.id}: {_image(image)}"
        yield Fact(time=upload.settled_at, about=about, text=text)
    if upload.image_deleted_at is not None:
        yield Fact(time=upload.image_deleted_at, about=about, text=texts.IMAGE_GONE)


def _end(work: Work, upload: Upload) -> str:
    state = UploadState(upload.state)
    if state is UploadState.REJECTED:
        return texts.rejected(upload.reason)
    if state is UploadState.EXPIRED:
        return texts.NEVER_ARRIVED if work.limits.keeps_arrived else texts.NOT_CONFIRMED
    return texts.CANCELLED if state is UploadState.CANCELLED else "confirmed"


def _image(image: Image) -> str:
    pixels = f", {image.width} x {image.height} pixels" if image.width and image.height else ""
    variants = f", {len(image.variants)} variants" if image.variants else ""
    return f"{image.content_type}, {image.size:,} bytes{pixels}{variants}"


def _now(work: Work, upload: Upload, stored: int) -> Iterator[str]:
    """Yield what is still to happen, and what was counted without a time."""
    if upload.failures > stored:
        yield f"{upload.failures - stored} more failures were reported and not stored"
    if upload.state not in UNFINISHED:
        return
    if upload.state == UploadState.PENDING:
        ends = stamp(form_dead_at(work.limits, upload))
        yield f"waits for the file and its confirm; the reaper ends it after {ends}"
    elif upload.due_at is not None:
        what = "is being inspected or waits for its next attempt, due" if upload.attempts else "due"
        attempts = f"attempt {upload.attempts} of {ATTEMPTS_MAX}" if upload.attempts else "waits"
        yield f"{attempts}: {what} {stamp(upload.due_at)}; if nothing changes, no worker runs"
