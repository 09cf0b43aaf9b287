"""Issue tickets for one owner: shared by the routes of ads and users."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker.api import shapes
from broker.api.auth import principal
from broker.api.context import current, utc_now
from broker.domain.errors import InvalidRequest
from broker.domain.owners import OwnerKind
from broker.services.issue import FileRequest, issue


def issue_many(
    kind: OwnerKind, owner_id: int, files: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Issue a ticket a file, all or none."""
    broker = current()
    requests = [FileRequest(**file) for file in files]
    with broker.database.session() as session:
        tickets = issue(
            session,
            broker.storage.presigner,
            broker.rules,
            principal(),
            kind,
            owner_id,
            requests,
            now=utc_now(),
        )
    return [shapes.ticket(ticket) for ticket in tickets]


def issue_one(kind: OwnerKind, owner_id: int, file: dict[str, Any]) -> dict[str, Any]:
    """Issue one ticket; faults are named by field, without an index."""
    with one_file():
        return issue_many(kind, owner_id, [file])[0]


@contextmanager
def one_file() -> Iterator[None]:
    """Name the faults of a single file by field alone."""
    try:
        yield
    except InvalidRequest as error:
        if error.fields and "files" in error.fields:
            raise InvalidRequest(error.detail, error.fields["files"]["0"]) from error
        raise
