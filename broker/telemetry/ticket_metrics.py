"""Tell of issued tickets: a number for the dashboards, a line for the audit trail."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from broker.domain.owners import OwnerKind
from broker.domain.principal import Principal
from broker.telemetry import audit
from broker.telemetry.metrics import ISSUED, QUOTA_REFUSED


def issued(
    kind: OwnerKind, rows: Sequence[audit.AuditedUpload], principal: Principal, user_id: int
) -> None:
    """Tell of rows that have been committed, all of one user's."""
    for transport, count in Counter(row.transport for row in rows).items():
        _counting(kind.purpose, str(transport))(count)
    audit.uploads(audit.Act.TICKET_ISSUED, rows, principal, for_user=user_id)


def quota_refused(limit: str) -> None:
    """Tell that a user has too little left of a limit: bytes or files."""
    QUOTA_REFUSED.labels(limit).inc()


@cache
def _counting(purpose: str, transport: str) -> Callable[[float], None]:
    return ISSUED.labels(purpose, transport).inc
