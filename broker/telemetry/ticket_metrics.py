"""Record issued tickets in the metrics and in the audit trail; count refusals by quota."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from broker.domain.principal import Principal
from broker.domain.profiles import Profile, Profiles
from broker.domain.upload_row import UploadRow
from broker.telemetry import audit
from broker.telemetry.metrics import ISSUED, QUOTA_REFUSED


def record_issued(
    profile: Profile,
    rows: Sequence[UploadRow],
    principal: Principal,
    user_id: int,
    profiles: Profiles,
) -> None:
    """Record tickets of one user after their rows are committed."""
    for transport, count in Counter(row.transport for row in rows).items():
        _increment(profile.name, str(transport))(count)
    audit.record_uploads(
        audit.Act.TICKET_ISSUED, rows, principal, profiles=profiles, for_user=user_id
    )


def observe_quota_refusal(limit: str) -> None:
    """Count a request that exceeds the user's quota; `limit` is bytes or files."""
    QUOTA_REFUSED.labels(limit).inc()


@cache
def _increment(purpose: str, transport: str) -> Callable[[float], None]:
    return ISSUED.labels(purpose, transport).inc
