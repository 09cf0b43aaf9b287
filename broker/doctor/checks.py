"""The order of the checks, and the dependencies of each check."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from broker.doctor import (
    broker_url,
    bucket,
    clock,
    cors,
    credentials,
    database,
    enforcement,
    events,
    incoming,
    internal_url,
    jwks,
    media_write,
    multipart,
    private_files,
    profiles,
    public_access,
    public_read,
    public_url,
    put,
    rate_limits,
    region,
    removal,
    response_headers,
    server,
    settings,
    ticket,
    tokens,
    workers,
)
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination, utc_now
from broker.doctor.finding import Finding, Outcome, fail, skip
from broker.domain.errors import BrokerError


@dataclass(frozen=True)
class Check:
    """A check, and the checks that must pass before it."""

    name: str
    run: Callable[[Examination], Iterable[Finding]]
    needs: tuple[str, ...] = ()


REACHED = (internal_url.CHECK, credentials.FOUND)
USABLE = (bucket.CHECK, public_url.CHECK)
CHECKS = (
    Check(database.REACHED, database.reached),
    Check(database.MIGRATED, database.migrated, (database.REACHED,)),
    Check(database.WRITABLE, database.writable, (database.MIGRATED,)),
    Check(profiles.CHECK, profiles.check, (database.MIGRATED,)),
    Check(workers.RUNNING, workers.running, (database.MIGRATED,)),
    Check(workers.WAITING, workers.waiting, (database.MIGRATED,)),
    Check(events.CHECK, events.check, (database.MIGRATED,)),
    Check(tokens.CHECK, tokens.check),
    Check(jwks.CHECK, jwks.check),
    Check(broker_url.CHECK, broker_url.check),
    Check(rate_limits.CHECK, rate_limits.check),
    Check(credentials.CONFIGURED, credentials.configured),
    Check(credentials.FOUND, credentials.found, (credentials.CONFIGURED,)),
    Check(internal_url.CHECK, internal_url.check, (credentials.CONFIGURED,)),
    Check(public_url.CHECK, public_url.check, (credentials.CONFIGURED,)),
    Check(clock.CHECK, clock.check, REACHED),
    Check(region.CHECK, region.check, REACHED),
    Check(credentials.ACCEPTED, credentials.accepted, (clock.CHECK, region.CHECK)),
    Check(bucket.CHECK, bucket.check, (credentials.ACCEPTED,)),
    Check(cors.CHECK, cors.check, USABLE),
    Check(server.CHECK, server.check, USABLE),
    Check(ticket.SENT, ticket.sent, USABLE),
    Check(ticket.CONFIRMED, ticket.confirmed, (ticket.SENT,)),
    Check(public_read.CHECK, public_read.check, (ticket.CONFIRMED,)),
    Check(response_headers.CHECK, response_headers.check, (public_read.CHECK,)),
    Check(incoming.CHECK, incoming.check, (ticket.CONFIRMED,)),
    Check(media_write.CHECK, media_write.check, (ticket.CONFIRMED,)),
    Check(private_files.READ, private_files.read, (ticket.SENT,)),
    Check(private_files.KEY, private_files.key, (ticket.SENT,)),
    Check(public_access.LIST, public_access.list_keys, USABLE),
    Check(public_access.WRITE, public_access.write, USABLE),
    Check(enforcement.CHECK, enforcement.check, (ticket.SENT,)),
    Check(put.CHECK, put.check, (ticket.SENT,)),
    Check(multipart.CHECK, multipart.check, (ticket.SENT,)),
    Check(removal.CHECK, removal.check, USABLE),
)


def examine(
    *, now: Callable[[], datetime] = utc_now, public_at: str | None = None
) -> Generator[Finding, None, None]:
    """Run every check and yield its findings. Remove the run's objects at the end."""
    loaded, findings = settings.load()
    yield from findings
    if loaded is None:
        for check in CHECKS:
            yield skip(check.name, "the settings cannot be used")
        return
    failed: set[str] = set()
    with Examination(loaded, now, public_at) as examination:
        for check in CHECKS:
            lost = next((name for name in check.needs if name in failed), None)
            if lost is not None:
                failed.add(check.name)
                yield skip(check.name, f"needs {lost}")
                continue
            for finding in _guarded(check, examination):
                if finding.outcome is Outcome.FAIL:
                    failed.add(check.name)
                yield finding


def _guarded(check: Check, examination: Examination) -> Iterator[Finding]:
    """Run a check. An unexpected error fails this check and no other."""
    try:
        yield from check.run(examination)
    except (Unreachable, BrokerError) as error:
        public = isinstance(error, Unreachable)
        yield fail(
            check.name,
            f"the check could not be finished: {error}",
            setting=examination.public_setting if public else "BROKER_S3_ENDPOINT_URL",
            fix="check the S3 server's log, and run the doctor again",
        )
