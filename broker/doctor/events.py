"""Check that events are delivered. No event is sent: the rows show what became of the others."""

from collections.abc import Iterator
from datetime import timedelta

from broker.config.webhooks import require_safe
from broker.db.deliveries import Undelivered, dead_letters, undelivered
from broker.db.probe import DatabaseFault, probe_session
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn

CHECK = "events"
URL = "BROKER_WEBHOOK_URL"
# A deliverer looks for events twice a second.
OVERDUE = timedelta(minutes=2)
SLOW = timedelta(minutes=15)
NAMED = 5
PAGE = "docs/webhooks.md"


def check(examination: Examination) -> Iterator[Finding]:
    """Read the events that the receiver has not accepted."""
    settings = examination.settings
    is_configured = settings.webhook_url is not None
    if settings.webhook_url is not None:
        # Only the deliverer needs the secret; the environment of the doctor is that of the API.
        try:
            require_safe(settings.webhook_url, is_dev=settings.dev)
        except ValueError as error:
            name, _, message = str(error).partition(": ")
            yield fail(CHECK, message, setting=name, fix=f"set {name} as {PAGE} describes")
            return
    try:
        with probe_session(settings.database_url) as session:
            found = undelivered(session, is_expected=is_configured)
            dead = [f"{row.event_id} ({row.last_error})" for row in dead_letters(session, NAMED)]
    except DatabaseFault as fault:
        yield skip(CHECK, f"the events cannot be read: {fault}")
        return
    faults = list(_faults(found, dead))
    yield from faults
    if not faults and not is_configured and not found.count:
        yield skip(CHECK, f"{URL} is not set, so events are only read from /api/events/")
    elif not faults:
        yield ok(CHECK, f"no event has been waiting for over {_minutes(SLOW)} minutes")


def _faults(found: Undelivered, dead: list[str]) -> Iterator[Finding]:
    if found.stopped_at is not None:
        yield fail(
            CHECK,
            f"the receiver answered 410 at {found.stopped_at:%Y-%m-%dT%H:%M:%SZ}, so nothing is"
            f" sent; {found.count} events wait",
            setting=URL,
            fix="repair the receiver, then: broker events resume",
        )
    elif found.overdue > OVERDUE:
        yield fail(
            CHECK,
            f"{found.count} events wait, and one should have been sent {_minutes(found.overdue)}"
            " minutes ago: no deliverer runs, or the receiver is too slow",
            setting=URL,
            fix=f"start broker background, or broker deliver ({PAGE})",
        )
    elif found.oldest > SLOW:
        yield warn(
            CHECK,
            f"{found.count} events wait, the oldest for {_minutes(found.oldest)} minutes;"
            f" its last attempt: {found.reason}",
            setting=URL,
            fix="repair the receiver (docs/operations/runbooks/BrokerEventsUndelivered.md)",
        )
    if dead:
        more = f" and {found.dead - len(dead)} others" if found.dead > len(dead) else ""
        yield warn(
            CHECK,
            f"refused for the last time: {', '.join(dead)}{more}",
            setting=URL,
            fix="repair the receiver, then: broker events replay --dead",
        )


def _minutes(age: timedelta) -> int:
    return int(age.total_seconds() // 60)
