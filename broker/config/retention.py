"""Settings of retention: how long the reaper keeps rows that nothing needs any more."""

from pydantic import Field

from broker.config.child_keys import ChildKeySettings
from broker.domain.lifetimes import longest_ticket_life
from broker.domain.limits import Limits

TEN_YEARS = 315_360_000


class RetentionSettings(ChildKeySettings):
    """Settings of retention, in seconds."""

    events_retention: int = Field(
        default=Limits.events_retention,
        ge=3600,
        le=TEN_YEARS,
        description="How long events are kept; those that are not delivered are kept longer.",
    )
    uploads_retention: int = Field(
        default=Limits.uploads_retention,
        ge=3600,
        le=TEN_YEARS,
        description="How long uploads without an image are kept after they have ended.",
    )


def require_long_retention(limits: Limits) -> None:
    """Raise ValueError if an upload may be deleted while an event or a ticket needs it."""
    if limits.uploads_retention < limits.events_retention:
        raise ValueError(
            "BROKER_UPLOADS_RETENTION: must not be shorter than BROKER_EVENTS_RETENTION"
        )
    life = int(longest_ticket_life(limits).total_seconds())
    if limits.uploads_retention < life:
        raise ValueError(
            "BROKER_UPLOADS_RETENTION: must be at least the longest life of a ticket with its "
            f"grace, which is {life} seconds"
        )
