"""Check that unconfirmed uploads are private."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.examination import Examination
from broker.doctor.exposure import exposed
from broker.doctor.finding import Finding, fail, ok
from broker.doctor.left_over import left_over
from broker.domain.errors import BrokerError
from broker.domain.object_keys import written_key
from broker.domain.storage_errors import StorageError
from broker.domain.transports import transport_named

CHECK = "incoming"


def check(examination: Examination) -> Iterator[Finding]:
    """Send a photo without a digest. Nobody may read it before the broker promotes it."""
    trial, settings = examination.trial, examination.settings
    transport = transport_named(settings.limits.default_transport)
    ticket = trial.issue(transport, pinned=False)
    answer = trial.send(ticket, refusal.origin(examination))
    if not answer.succeeded:
        yield refusal.of_upload(CHECK, examination, answer, transport)
        return
    key = written_key(trial.limits, ticket.upload)
    fault = exposed(CHECK, examination, key, "unconfirmed uploads")
    fault = fault or left_over(CHECK, examination)
    if fault is not None:
        yield fault
    try:
        trial.confirm(ticket)
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:GetObject and s3:PutObject")
    except BrokerError as error:
        yield fail(
            CHECK,
            f"an upload without a digest cannot be confirmed: {error.detail}",
            setting="BROKER_REQUIRE_CHECKSUM",
            fix="BROKER_REQUIRE_CHECKSUM=True",
        )
    else:
        if fault is None:
            inspects = trial.limits.inspects
            then = "it waits for a worker" if inspects else "promoted by a copy at the confirm"
            yield ok(CHECK, f"refused without credentials; {then}")
