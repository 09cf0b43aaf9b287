"""Issue tickets for one owner. The routes of ads and users share this."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Response

from broker.api.auth.tokens import principal
from broker.api.request.context import current
from broker.api.routes import shapes
from broker.api.routes.idempotency import Created
from broker.domain.errors import InvalidRequest
from broker.domain.profiles import Profile
from broker.services.tickets.issue import FileRequest, issue
from broker.services.tickets.sign import Ticket


def issue_many(profile: Profile, owner: str, files: Sequence[dict[str, Any]]) -> Response:
    """Issue a ticket for each file, or none at all."""
    return _issue(profile, owner, files, _batch)


def issue_one(profile: Profile, owner: str, file: dict[str, Any]) -> Response:
    """Issue one ticket. Errors name the field, without an index."""
    with one_file():
        return _issue(profile, owner, [file], _single)


@contextmanager
def one_file() -> Iterator[None]:
    """Remove the index from the fields of an InvalidRequest about a single file."""
    try:
        yield
    except InvalidRequest as error:
        if error.fields and "files" in error.fields:
            raise InvalidRequest(error.detail, error.fields["files"]["0"]) from error
        raise


def _issue(
    profile: Profile,
    owner: str,
    files: Sequence[dict[str, Any]],
    shape: Callable[[list[Ticket]], dict[str, Any]],
) -> Response:
    created = Created(shape)
    with current().work(principal()) as work:
        requests = [FileRequest(**file) for file in files]
        tickets = issue(work, profile, owner, requests, answer=created.answer)
    return created.response(tickets)


def _batch(tickets: list[Ticket]) -> dict[str, Any]:
    return {"tickets": [shapes.ticket(ticket) for ticket in tickets]}


def _single(tickets: list[Ticket]) -> dict[str, Any]:
    return shapes.ticket(tickets[0])
