"""Tickets: ask for one or for many, renew one, and know when one is too old to be used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker_client.calls import Rules
from broker_client.files import Owner
from broker_client.models import Ticket
from broker_client.steps import Steps

BATCH = 50
MARGIN = 5.0  # seconds for the request to reach S3


@dataclass(frozen=True, kw_only=True)
class Held:
    """A ticket, and until when it may be used by this process' monotonic clock."""

    ticket: Ticket
    until: float

    @classmethod
    def read(cls, body: Mapping[str, Any], clock: Callable[[], float]) -> "Held":
        """Take a ticket from the broker's JSON."""
        ticket = Ticket.read(body)
        return cls(ticket=ticket, until=clock() + ticket.lifetime - MARGIN)


def ask_one(rules: Rules, owner: Owner, declared: Mapping[str, Any], key: str) -> Steps[Held]:
    """Ask for one ticket; `key` is the Idempotency-Key of all tries."""
    body = yield from rules.call("POST", f"{owner.path}/", declared, idempotency_key=key)
    return Held.read(body, rules.clock)


def ask_batch(
    rules: Rules,
    owner: Owner,
    declared: Sequence[Mapping[str, Any]],
    key: str,
) -> Steps[list[Held]]:
    """Ask for up to BATCH tickets of one ad: all, or none."""
    files = {"files": list(declared)}
    body = yield from rules.call("POST", f"{owner.path}s/", files, idempotency_key=key)
    return [Held.read(one, rules.clock) for one in body["tickets"]]


def renew(rules: Rules, upload_id: str) -> Steps[Held]:
    """Have the same upload signed again; raises UploadGone."""
    body = yield from rules.call("POST", f"/api/uploads/{upload_id}/renew/")
    return Held.read(body, rules.clock)
