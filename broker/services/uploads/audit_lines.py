"""The audit lines of uploads. A service writes them after its commit."""

from collections.abc import Iterable

from broker.db.models import Upload
from broker.domain.upload_row import UploadRow
from broker.services.work import Work
from broker.telemetry import audit


def record_upload(act: audit.Act, work: Work, upload: Upload, **fields: object) -> None:
    """Record what the caller did to an upload. `fields` are added to the line, or replace some.

    A worker passes `work.acting_for`, so that its line names the caller of the ticket.
    """
    owner = work.limits.profiles.label(upload.owner_kind, upload.key)
    line = _line(upload, upload.user_id, owner)
    audit.record(act, work.principal, {**line, **fields})


def record_uploads(
    act: audit.Act, work: Work, uploads: Iterable[UploadRow], *, for_user: int, owner: str
) -> None:
    """Record what the caller did to uploads of one owner, one line for each.

    `for_user` is the owner's user; `owner` is such as `ad/7`.
    """
    audit.record(act, work.principal, *[_line(upload, for_user, owner) for upload in uploads])


def _line(upload: UploadRow, for_user: int, owner: str) -> dict[str, object]:
    line: dict[str, object] = {
        "upload_id": upload.id,
        "for_user": for_user,
        "key": upload.key,
        "size": upload.size,
        "transport": upload.transport,
        "owner": owner,
    }
    if upload.uppy_session_id is not None:
        line["uppy_session_id"] = str(upload.uppy_session_id)
    return line
