"""Request tickets, one or many, and renew them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker_client.api import Api
from broker_client.models import Ticket
from broker_client.owners import Owner
from broker_client.retry_policy import RENEW_EARLY_SECONDS
from broker_client.steps import Steps

BATCH = 50  # the maximum number of tickets in one request


@dataclass(frozen=True, kw_only=True)
class IssuedTicket:
    """A ticket, and the time when it expires, in seconds of this process's monotonic clock."""

    ticket: Ticket
    until: float

    @classmethod
    def read(cls, body: Mapping[str, Any], clock: Callable[[], float]) -> "IssuedTicket":
        """Read a ticket from the broker's JSON."""
        ticket = Ticket.read(body)
        return cls(ticket=ticket, until=clock() + ticket.lifetime - RENEW_EARLY_SECONDS)


def ask_one(
    api: Api, owner: Owner, declared: Mapping[str, Any], idempotency_key: str
) -> Steps[IssuedTicket]:
    """Request one ticket. Every try sends the same idempotency key."""
    body = yield from api.call("POST", owner.path, declared, idempotency_key=idempotency_key)
    return IssuedTicket.read(body, api.clock)


def ask_batch(
    api: Api,
    path: str,
    declared: Sequence[Mapping[str, Any]],
    idempotency_key: str,
) -> Steps[list[IssuedTicket]]:
    """Request up to BATCH tickets of one owner at its path for batches: all of them or none."""
    files = {"files": list(declared)}
    body = yield from api.call("POST", path, files, idempotency_key=idempotency_key)
    return [IssuedTicket.read(one, api.clock) for one in body["tickets"]]


def renew(api: Api, upload_id: str) -> Steps[IssuedTicket]:
    """Get a fresh form for the same upload.

    Raises:
        UploadGone: the upload has ended.
    """
    body = yield from api.call("POST", f"/api/uploads/{upload_id}/renew/")
    return IssuedTicket.read(body, api.clock)
