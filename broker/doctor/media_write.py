"""Check that the API's key cannot write where the public reads.

With inspection required, only `broker worker` publishes, with a key of its own.
"""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, skip, warn
from broker.domain.object_keys import written_key
from broker.domain.storage_errors import StorageDenied, StorageError

CHECK = "media-write"


def check(examination: Examination) -> Iterator[Finding]:
    """Try to copy the photo below the location, as a confirm without inspection does."""
    trial, ticket = examination.trial, examination.ticket
    if not trial.limits.inspects or ticket is None:
        yield skip(CHECK, "BROKER_INSPECTION is off: a confirm publishes by a copy")
        return
    source = written_key(trial.limits, ticket.upload)
    try:
        trial.storage.copy(
            source,
            trial.key("unseen.png"),
            source=trial.storage.head(source),
            cache_control=trial.limits.profiles.ad_image.cache_control,
            acl=None,
        )
    except StorageDenied:
        yield ok(CHECK, f"these credentials cannot write below {trial.limits.location}/")
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:GetObject")
    else:
        yield warn(
            CHECK,
            f"these credentials may write below {trial.limits.location}/, which only a worker"
            " needs to do",
            setting="AWS_ACCESS_KEY_ID",
            fix="use credentials with the policy from broker bucket iam api; a server's root user"
            " is not bound by policies",
        )
