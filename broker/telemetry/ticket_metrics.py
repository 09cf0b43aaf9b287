"""Count issued tickets, and refusals by quota."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from broker.domain.profiles import Profile
from broker.domain.upload_row import UploadRow
from broker.telemetry.metrics import ISSUED, QUOTA_REFUSED


def observe_issued(profile: Profile, rows: Sequence[UploadRow]) -> None:
    """Count issued tickets by profile and transport."""
    for transport, count in Counter(row.transport for row in rows).items():
        _increment(profile.name, str(transport))(count)


def observe_quota_refusal(limit: str) -> None:
    """Count a request that exceeds the user's quota; `limit` is bytes or files."""
    QUOTA_REFUSED.labels(limit).inc()


@cache
def _increment(purpose: str, transport: str) -> Callable[[float], None]:
    return ISSUED.labels(purpose, transport).inc
